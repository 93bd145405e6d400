/** @file Matrices of the result, asked for once. */

import type { MatrixMessage } from "../../../server/src/protocol/requests";
import type { ViewMatrix } from "../../../server/src/protocol/views";
import type { Endpoint } from "./endpoint";

/** Most values that stay in memory (256 MB of float32); the longest unused matrix goes first. */
const budget = 64 * 1024 * 1024;

export class Matrices {
  private uri: string | null = null;
  private readonly cache = new Map<string, Promise<ViewMatrix | null>>();
  private readonly sizes = new Map<string, number>();

  constructor(private readonly endpoint: Endpoint) {}

  /** Another result, or the same one written again: what was read before is stale. */
  reset(uri: string | null): void {
    this.uri = uri;
    this.cache.clear();
    this.sizes.clear();
  }

  /** What a run tells before there is a result. */
  add(tensor: string, { rows, cols, float32 }: MatrixMessage): void {
    const bytes = Uint8Array.from(atob(float32), (character) => character.charCodeAt(0));
    this.cache.set(tensor, Promise.resolve({ rows, cols, values: new Float32Array(bytes.buffer) }));
    this.sizes.set(tensor, rows * cols);
    this.shrink();
  }

  /** Null when the result does not store the tensor, or, while there is no stored result yet, when the run has not told it. */
  get(tensor: string): Promise<ViewMatrix | null> {
    if (this.uri === null) return this.cache.get(tensor) ?? Promise.resolve(null);
    const known = this.cache.get(tensor);
    if (known !== undefined) {
      this.cache.delete(tensor);
      this.cache.set(tensor, known);
      return known;
    }
    const asked = this.endpoint.matrix(tensor);
    this.cache.set(tensor, asked);
    asked.then(
      (matrix) => { this.sizes.set(tensor, matrix === null ? 0 : matrix.values.length); this.shrink(); },
      () => this.cache.delete(tensor),
    );
    return asked;
  }

  private shrink(): void {
    let total = [...this.sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const tensor of this.cache.keys()) {
      if (total <= budget || this.cache.size <= 1) return;
      total -= this.sizes.get(tensor) ?? 0;
      this.sizes.delete(tensor);
      this.cache.delete(tensor);
    }
  }
}
