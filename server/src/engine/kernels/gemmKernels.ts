/** @file The compiled kernels (gemm.as.ts) in a memory of their own. */

import plain from "./gemm.wasm";
import relaxed from "./gemmRelaxed.wasm";
import relaxedShared from "./gemmRelaxedShared.wasm";
import plainShared from "./gemmShared.wasm";
import { KernelMemory } from "./kernelMemory";

/** Addresses are bytes; strides, leading dimensions and lengths are entries. */
export interface KernelFunctions {
  dgemm: Gemm;
  sgemm: Gemm;
  workBytes(): number;
  dsymv(from: number, to: number, a: number, lda: number, x: number, y: number): void;
  ddot(n: number, x: number, y: number): number;
  daxpy(n: number, alpha: number, x: number, y: number): void;
  drot(n: number, x: number, y: number, c: number, s: number): void;
  /** Of the secular equation (secular.as.ts); each does a range of roots, of weights, of vectors. */
  secularRoots(count: number, poles: number, z: number, rho: number, zNorm2: number, first: number, last: number, roots: number, differences: number): void;
  secularWeights(count: number, poles: number, z: number, first: number, last: number, differences: number, out: number): void;
  secularVectors(count: number, weights: number, order: number, first: number, last: number, differences: number, room: number): void;
}

/** C = keep * C + alpha * op(A) op(B) */
type Gemm = (
  m: number, n: number, k: number, alpha: number,
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number,
  keep: 0 | 1, c: number, ldc: number, work: number,
) => void;

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

/** The kernels with one memory whose addresses the caller hands out with `reserve`. */
export class GemmKernels extends KernelMemory {
  readonly functions: KernelFunctions;
  /** True when the build with fused multiply-add runs. */
  readonly fused: boolean;
  /** Address of the products' work area. */
  readonly work: number;
  readonly module: WebAssembly.Module;

  /**
   * @param shared in a memory that another thread can compute on, too
   * @throws Error when WebAssembly SIMD, or a shared memory, is not available.
   */
  constructor(shared = false) {
    super(shared);
    this.fused = WebAssembly.validate(relaxed);
    this.module = compile(this.fused, shared);
    this.functions = this.instantiate<KernelFunctions>(this.module);
    this.work = this.keep(this.functions.workBytes());
  }
}
