/** @file The fastest matrix products on this machine's processor, chosen once per process. */

import { firstLine } from "../nativePackages";
import type { MatrixProducts } from "./matrixProducts";
import { loadOnnxProducts } from "./onnxProducts";
import { plainProducts } from "./plainProducts";
import { WasmProducts } from "./wasmProducts";

export interface HostProducts {
  products: MatrixProducts;
  /** Why a faster kind is not used, in one sentence; null when the fastest is. */
  missing: string | null;
}

let own: HostProducts | null = null;
let fastest: HostProducts | null = null;

/** Own SIMD kernels, or plain loops where WebAssembly has no SIMD. */
export function ownProducts(): HostProducts {
  if (own === null) {
    try {
      own = { products: new WasmProducts(), missing: null };
    } catch (error) {
      own = { products: plainProducts, missing: `The WebAssembly kernels do not run here: ${firstLine(error)}` };
    }
  }
  return own;
}

/** onnxruntime where it loads, own kernels below its threshold and where it does not. */
export function fastestProducts(): HostProducts {
  if (fastest === null) {
    const small = ownProducts();
    const native = loadOnnxProducts({ small: small.products });
    fastest = "missing" in native ? { products: small.products, missing: native.missing } : { products: native, missing: null };
  }
  return fastest;
}

/** The native library alone; null where it does not load. */
export function nativeProducts(): MatrixProducts | null {
  const { products, missing } = fastestProducts();
  return missing === null ? products : null;
}
