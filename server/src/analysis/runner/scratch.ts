/**
 * @file What a run has finished and memory cannot hold, on disk: one file in the store folder, written to its end and read back from
 * wherever it is asked. The file loses its name as soon as it is open, so that nothing stays behind however the run ends.
 */

import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Shelf } from "../../core/lib/shelf";
import { InputError, messageOf } from "../errors";
import { temporaryPrefix } from "../store/resultStore";
import { describeBytes } from "./memory";

/** Bytes that are read or written before the next look at a cancel. */
const atOnce = 1 << 26;

export class Scratch implements Shelf {
  #file: number | null = null;
  #end = 0;

  /** Nothing is opened before something is put. */
  constructor(private readonly folder: string, private readonly run: string, private readonly checkCancelled: () => void) {}

  /** @throws InputError when the disk does not take it. */
  put<T extends Float64Array | Float32Array>(values: T): () => T {
    const start = this.#end;
    const { length } = values;
    const isSingle = values instanceof Float32Array;
    const file = this.#open();
    try {
      this.#inPieces(values, (piece, at) => writeSync(file, piece, 0, piece.length, start + at));
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      throw new InputError(
        `The analysis keeps on disk what "maxMemory" leaves no room for, but after ${describeBytes(this.#end)} in ${this.folder} no more could be written (${messageOf(error)}). `
        + 'Free some space there, or raise "maxMemory".',
      );
    }
    this.#end += values.byteLength;
    return () => {
      const back = (isSingle ? new Float32Array(length) : new Float64Array(length)) as T;
      this.#inPieces(back, (piece, at) => readSync(this.#open(), piece, 0, piece.length, start + at));
      return back;
    };
  }

  /** Bytes that were put. */
  get bytes(): number {
    return this.#end;
  }

  /** What was put is gone. */
  close(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    rmSync(this.#path(), { force: true });
  }

  #open(): number {
    if (this.#file === null) {
      mkdirSync(this.folder, { recursive: true });
      this.#file = openSync(this.#path(), "wx+", 0o600);
      try {
        rmSync(this.#path());
      } catch {
        // Where an open file keeps its name, `close` removes it, and so does whoever cleans up after a cancelled run.
      }
    }
    return this.#file;
  }

  #path(): string {
    return join(this.folder, `${temporaryPrefix(this.run)}scratch`);
  }

  /** @param move reads or writes some of `piece` at a distance of `at` bytes from the start, and says how much */
  #inPieces(values: Float64Array | Float32Array, move: (piece: Uint8Array, at: number) => number): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let at = 0; at < bytes.length;) {
      this.checkCancelled();
      const moved = move(bytes.subarray(at, at + atOnce), at);
      if (moved === 0) throw new Error(`The scratch file in ${this.folder} is shorter than what was written to it.`);
      at += moved;
    }
  }
}
