/** @file The costly functions of one array by the project's own SIMD kernels. */

import type { ElementwiseKernels, KernelOperation } from "../kernels/elementwiseKernels";
import { plainUnary, type UnaryFunctions } from "./unary";

/** Shorter arrays are done before the kernels are reached. */
const worthwhile = 64;

export function wasmUnary(kernels: ElementwiseKernels): UnaryFunctions {
  return {
    exp: (a, out) => (out.length < worthwhile ? plainUnary.exp(a, out) : kernels.map("exp", a, 0, out)),
    maximum: (a, floor, out) => (out.length < worthwhile ? plainUnary.maximum(a, floor, out) : kernels.map("maximum", a, floor, out)),
    activate: (name, a, slope, out) => {
      if (name === "identity" || out.length < worthwhile) plainUnary.activate(name, a, slope, out);
      else kernels.map(name, a, slope, out);
    },
    activateDerivative: (name, a, slope, out) => {
      if (name === "identity" || out.length < worthwhile) plainUnary.activateDerivative(name, a, slope, out);
      else kernels.map(`${name} slope` satisfies KernelOperation, a, slope, out);
    },
    softmax: (a, width, out) => (out.length < worthwhile || width > kernels.widest ? plainUnary.softmax(a, width, out) : kernels.softmax(a, width, out)),
  };
}
