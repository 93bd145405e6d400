/** @file Functions of one array that cost more than memory traffic: in plain loops, or by compiled kernels (wasmUnary.ts). */

import type { ActivationName } from "../../protocol/spec";
import type { FloatArray } from "../engine";
import { activate, activateDerivative, softmax } from "./activations";

/** Every function fills all of `out`, which has the length of `a` and does not overlap it. */
export interface UnaryFunctions {
  exp(a: FloatArray, out: FloatArray): void;
  /** NaN stays NaN. */
  maximum(a: FloatArray, floor: number, out: FloatArray): void;
  /** `slope`: of leaky_relu below 0. */
  activate(name: ActivationName, a: FloatArray, slope: number, out: FloatArray): void;
  activateDerivative(name: ActivationName, a: FloatArray, slope: number, out: FloatArray): void;
  /** Rows of length `width`; entries of -Infinity get 0. */
  softmax(a: FloatArray, width: number, out: FloatArray): void;
}

export const plainUnary: UnaryFunctions = {
  exp: (a, out) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.exp(a[i]);
  },
  maximum: (a, floor, out) => {
    for (let i = 0; i < out.length; i++) {
      const value = a[i];
      out[i] = value < floor ? floor : value;
    }
  },
  activate,
  activateDerivative,
  softmax,
};
