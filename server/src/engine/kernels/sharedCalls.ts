/**
 * @file What two threads on one memory of the kernels agree on: a list of kernel calls in shared memory, from which each takes the next whenever it
 * has finished one, and a word that says whether the other thread is at it. So neither a slow, a late nor a missing thread holds up more than
 * one call.
 */

/** A call of one of a module's kernels, with its arguments in order. */
export type KernelCall<Functions> = {
  [K in keyof Functions & string]: Functions[K] extends (...values: infer Values) => void ? { kernel: K; values: Values } : never
}[keyof Functions & string];

/** A call for either thread, 0 the one that offers it: areas to work in are a thread's own, results are the same. */
export type ThreadCall<Functions> = (thread: 0 | 1) => KernelCall<Functions>;

/** Values of the word. `Free`: nothing to do, or done. */
const enum Turn { Free, Posted, Running, Closed }

/** Calls that one posting can hold; a caller runs the rest itself. */
export const callsAtOnce = 64;
/** Numbers of one call: kernel, count of arguments, arguments. */
const slots = 16;
/** Words before the calls: whose turn it is, how many calls there are, the next to take; and one for the alignment. */
const words = 4;
const headerBytes = 4 * words;

/** Looks at the word this often before the thread goes to sleep: about a tenth of a millisecond, the time between two columns of a matrix. */
const looks = 10_000;
/** Longest sleep at once, in milliseconds. */
const nap = 1000;

export const bufferForCalls = (): SharedArrayBuffer => new SharedArrayBuffer(headerBytes + callsAtOnce * slots * Float64Array.BYTES_PER_ELEMENT);

export function runCall<Functions>(functions: Functions, { kernel, values }: KernelCall<Functions>): void {
  (functions[kernel] as (...values: number[]) => void)(...(values as number[]));
}

export class SharedCalls<Functions extends object> {
  private readonly word: Int32Array;
  private readonly calls: Float64Array;
  /** Both sides have instances of the same module, whose exports come in the same order. */
  private readonly names: (keyof Functions & string)[];

  /** @param buffer as `bufferForCalls` made it, on both sides @param functions all that the module exports */
  constructor(readonly buffer: SharedArrayBuffer, private readonly functions: Functions) {
    this.names = Object.keys(functions) as (keyof Functions & string)[];
    this.word = new Int32Array(buffer, 0, words);
    this.calls = new Float64Array(buffer, headerBytes);
  }

  /** Offers calls to both threads; those posted before must be finished. */
  post(calls: readonly KernelCall<Functions>[]): void {
    calls.forEach(({ kernel, values }, i) => this.calls.set([this.names.indexOf(kernel), (values as number[]).length, ...(values as number[])], i * slots));
    this.word[1] = calls.length;
    this.word[2] = 0;
    this.turn(Turn.Posted);
  }

  /** @returns the index of a call that nobody else runs; null when all are taken */
  take(): number | null {
    const next = Atomics.add(this.word, 2, 1);
    return next < this.word[1] ? next : null;
  }

  /** When all calls are taken: whether the other thread has come for none. It will find none then. */
  takeBack(): boolean {
    return Atomics.compareExchange(this.word, 0, Turn.Posted, Turn.Free) === Turn.Posted;
  }

  /** Waits until the other thread has run what it took. @returns false when it has not after `naps` sleeps of a second */
  awaitEnd(naps: number): boolean {
    for (let left = naps; this.sleepWhile(Turn.Running); left--) if (left === 0) return false;
    return true;
  }

  /** The other thread ends. */
  close(): void {
    this.turn(Turn.Closed);
  }

  /** Runs what it can take of what is posted, until the other side closes. */
  serve(): void {
    for (;;) {
      if (Atomics.load(this.word, 0) === Turn.Closed) return;
      if (Atomics.compareExchange(this.word, 0, Turn.Posted, Turn.Running) !== Turn.Posted) {
        this.sleepWhile(Turn.Free);
        continue;
      }
      for (let i = this.take(); i !== null; i = this.take()) {
        const [kernel, count] = this.calls.subarray(i * slots, i * slots + 2);
        const values = Array.from(this.calls.subarray(i * slots + 2, i * slots + 2 + count));
        runCall(this.functions, { kernel: this.names[kernel], values } as KernelCall<Functions>);
      }
      // Unless the other side has closed in the meantime.
      Atomics.compareExchange(this.word, 0, Turn.Running, Turn.Free);
      Atomics.notify(this.word, 0);
    }
  }

  private turn(turn: Turn): void {
    Atomics.store(this.word, 0, turn);
    Atomics.notify(this.word, 0);
  }

  /** Looks for a while, then sleeps. @returns whether the word is still `turn` */
  private sleepWhile(turn: Turn): boolean {
    for (let look = 0; look < looks; look++) if (Atomics.load(this.word, 0) !== turn) return false;
    Atomics.wait(this.word, 0, turn, nap);
    return Atomics.load(this.word, 0) === turn;
  }
}
