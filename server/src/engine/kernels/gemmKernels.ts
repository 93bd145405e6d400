/** @file The compiled kernels (gemm.as.ts) in a memory of their own. */

import plain from "./gemm.wasm";
import relaxed from "./gemmRelaxed.wasm";
import relaxedShared from "./gemmRelaxedShared.wasm";
import plainShared from "./gemmShared.wasm";

/** Addresses are bytes; strides, leading dimensions and lengths are entries. */
export interface KernelFunctions {
  dgemm: Gemm;
  sgemm: Gemm;
  workBytes(): number;
  dsymv(from: number, to: number, a: number, lda: number, x: number, y: number): void;
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

/** Pages that a shared memory may grow to: 4 GiB, as the kernels are compiled. */
const sharedPages = 65536;

/** Builds by "shared" or "own" memory. */
const compiled = new Map<string, WebAssembly.Module>();

/** The build that this machine accepts: fused multiply-add where relaxed SIMD exists (Node 22 and later). */
function compile(fused: boolean, shared: boolean): WebAssembly.Module {
  const kind = shared ? "shared" : "own";
  let module = compiled.get(kind);
  if (module === undefined) {
    module = new WebAssembly.Module(fused ? (shared ? relaxedShared : relaxed) : shared ? plainShared : plain);
    compiled.set(kind, module);
  }
  return module;
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelFunctions {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelFunctions;
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
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;

  /**
   * @param shared in a memory that another thread can compute on, too
   * @throws Error when WebAssembly SIMD, or a shared memory, is not available.
   */
  constructor(shared = false) {
    this.fused = WebAssembly.validate(relaxed);
    this.module = compile(this.fused, shared);
    this.memory = new WebAssembly.Memory(shared ? { initial: 2, maximum: sharedPages, shared } : { initial: 2 });
    this.functions = instantiate(this.module, this.memory);
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
  float32(address: number, length: number): Float32Array { return new Float32Array(this.memory.buffer, address, length); }
  float64(address: number, length: number): Float64Array { return new Float64Array(this.memory.buffer, address, length); }

  #growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / pageBytes);
    if (missing > 0) this.memory.grow(missing);
  }
}

function align(address: number): number {
  return Math.ceil(address / alignment) * alignment;
}
