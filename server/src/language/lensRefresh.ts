/**
 * @file Asks the client to fetch its code lenses again, and once more where it did not. VS Code puts the fetching off for a moment and drops
 * it when the editor loses the focus in that moment, as it does when the view of a finished run opens beside it.
 */

/** Milliseconds until a document that is still not asked for is asked for again. Documents behind other tabs never are: few and rarer. */
const pauses = [2_000, 8_000, 32_000] as const;

export class LensRefresh {
  readonly #send: () => void;
  /** Documents with lenses that the client has, fetched before (true) or after the last request to fetch them again. */
  readonly #outdated = new Map<string, boolean>();
  #timer: NodeJS.Timeout | null = null;

  /** @param send the request `workspace/codeLens/refresh` */
  constructor(send: () => void) {
    this.#send = send;
  }

  /** What lenses say may be another thing than before. */
  request(): void {
    for (const uri of this.#outdated.keys()) this.#outdated.set(uri, true);
    this.#send();
    this.#watch(0);
  }

  /** The lenses of a document were answered, as they are now. */
  answered(uri: string): void {
    this.#outdated.set(uri, false);
  }

  closed(uri: string): void {
    this.#outdated.delete(uri);
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #watch(attempt: number): void {
    this.dispose();
    const pause = pauses[attempt];
    if (pause === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (![...this.#outdated.values()].includes(true)) return;
      this.#send();
      this.#watch(attempt + 1);
    }, pause);
    this.#timer.unref();
  }
}
