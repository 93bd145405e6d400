/** @file A data set in memory: what the analysis runs on. */

/**
 * Vector inputs [count, width] as float32 numbers, or as bytes of which each means a number (images: a quarter of the memory); or token
 * inputs [count, positions] (int32).
 */
export type Inputs =
  | { readonly kind: "vectors"; readonly values: Float32Array; readonly count: number; readonly width: number }
  /** `meaning` [256]: the number that each byte stands for. */
  | { readonly kind: "bytes"; readonly values: Uint8Array; readonly meaning: Float32Array; readonly count: number; readonly width: number }
  | { readonly kind: "tokens"; readonly values: Int32Array; readonly count: number; readonly positions: number; readonly vocabulary: number };

export interface DataSet {
  readonly inputs: Inputs;
  /** One class per sample, or one per position of each sample (the next token), or null. */
  readonly labels: Int32Array | null;
  /** Identifies content, for the result key (hash of files and options). */
  readonly identity: string;
  readonly description: string;
  /** Names of the classes that labels count, where the data have them. */
  readonly classNames?: readonly string[];
  /** How people read a token id, where the data came with a tokenizer. */
  readonly tokenText?: (id: number) => string;
}
