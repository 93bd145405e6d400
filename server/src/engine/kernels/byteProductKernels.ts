/** @file The compiled kernel of products of bytes (byteProducts.as.ts) in a shared memory. Addresses are bytes, counts are entries. */

import bytes from "./byteProducts.wasm";

export interface ByteProductFunctions {
  /** One block: up to `samplesPerBlock` samples [n, width] -> `blockBytes`, and whether each panel has another number than 0. Reads up to 8 bytes beyond. */
  pack(samples: number, width: number, from: number, block: number, flags: number): void;
  /** 32-bit sums over packed blocks: rows of the panels `first` to `last`, from each one's own panel on, of out [panels, 8, panels, 8]. */
  multiply(samples: number, width: number, first: number, last: number, blocks: number, flags: number, out: number): void;
}

export const samplesPerBlock = 512;
/** Components that the kernel treats together. */
export const panelWidth = 8;
export const panelsOf = (width: number): number => Math.ceil(width / panelWidth);
export const blockBytes = (width: number): number => panelsOf(width) * samplesPerBlock * panelWidth * 2;
/** More would overflow 32-bit sums. */
export const mostSamples = 64 * samplesPerBlock;

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD or shared memory is not available. */
export const byteProductModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(bytes));
