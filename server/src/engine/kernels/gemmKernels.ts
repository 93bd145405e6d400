/** @file The compiled kernels (gemm.as.ts) in a memory of their own. */

import plain from "./gemm.wasm";
import relaxed from "./gemmRelaxed.wasm";

/** Addresses are bytes; strides, leading dimensions and lengths are entries. */
export interface KernelFunctions {
  dgemm: Gemm;
  sgemm: Gemm;
  workBytes(): number;
  dsymv(n: number, a: number, lda: number, x: number, y: number): void;
  ddot(n: number, x: number, y: number): number;
  daxpy(n: number, alpha: number, x: number, y: number): void;
  drot(n: number, x: number, y: number, c: number, s: number): void;
}

/** C = keep * C + alpha * op(A) op(B) */
type Gemm = (
  m: number, n: number, k: number, alpha: number,
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number,
  keep: 0 | 1, c: number, ldc: number, work: number,
) => void;

const pageBytes = 65536;
/** Vectors are loaded 16 bytes at a time. */
const alignment = 16;

let compiled: { module: WebAssembly.Module; fused: boolean } | null = null;

/** The build that this machine accepts: fused multiply-add where relaxed SIMD exists (Node 22 and later). */
function compile(): { module: WebAssembly.Module; fused: boolean } {
  const fused = WebAssembly.validate(relaxed);
  compiled ??= { module: new WebAssembly.Module(fused ? relaxed : plain), fused };
  return compiled;
}

/** The kernels with one memory whose addresses the caller hands out with `reserve`. */
export class GemmKernels {
  readonly functions: KernelFunctions;
  /** True when the build with fused multiply-add runs. */
  readonly fused: boolean;
  /** Address of the products' work area. */
  readonly work = pageBytes;
  /** First address that is free for operands. */
  readonly heap: number;
  readonly #memory = new WebAssembly.Memory({ initial: 2 });

  /** @throws Error when WebAssembly SIMD is not available. */
  constructor() {
    const { module, fused } = compile();
    this.fused = fused;
    this.functions = new WebAssembly.Instance(module, { env: { memory: this.#memory } }).exports as unknown as KernelFunctions;
    this.heap = align(this.work + this.functions.workBytes());
    this.#growTo(this.heap);
  }

  /**
   * Addresses of consecutive areas of the given sizes in bytes, from the start of the heap: what was there before is gone.
   * @throws RangeError when the memory cannot grow to hold them.
   */
  reserve(...bytes: number[]): number[] {
    let top = this.heap;
    const addresses = bytes.map((size) => {
      const address = top;
      top = align(top + size);
      return address;
    });
    this.#growTo(top);
    return addresses;
  }

  /** Views of the memory; they die with the next `reserve`. */
  float32(address: number, length: number): Float32Array { return new Float32Array(this.#memory.buffer, address, length); }
  float64(address: number, length: number): Float64Array { return new Float64Array(this.#memory.buffer, address, length); }

  #growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.#memory.buffer.byteLength) / pageBytes);
    if (missing > 0) this.#memory.grow(missing);
  }
}

function align(address: number): number {
  return Math.ceil(address / alignment) * alignment;
}
