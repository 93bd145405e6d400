/** @file Activation functions and their first derivatives on typed arrays, as PyTorch defines them. */

import type { ActivationName } from "../../protocol/spec";
import type { FloatArray } from "../engine";
import { erf } from "./erf";

/** sqrt(2/pi) and the cubic coefficient of the tanh approximation of GELU. */
const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;
const densityScale = 1 / Math.sqrt(2 * Math.PI);

/** Written so that neither branch overflows. */
function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

export function activate(name: ActivationName, a: FloatArray, slope: number, out: FloatArray): void {
  const length = out.length;
  switch (name) {
    case "identity": out.set(a); break;
    case "relu": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = x < 0 ? 0 : x; } break;
    case "leaky_relu": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = x < 0 ? slope * x : x; } break;
    case "tanh": for (let i = 0; i < length; i++) out[i] = Math.tanh(a[i]); break;
    case "sigmoid": for (let i = 0; i < length; i++) out[i] = logistic(a[i]); break;
    case "silu": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = x === -Infinity ? 0 : x * logistic(x); } break;
    case "gelu": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = x === -Infinity ? 0 : 0.5 * x * (1 + erf(x * Math.SQRT1_2)); } break;
    case "gelu_new":
      for (let i = 0; i < length; i++) {
        const x = a[i];
        out[i] = x === -Infinity ? 0 : 0.5 * x * (1 + Math.tanh(geluScale * (x + geluCubic * x * x * x)));
      }
      break;
  }
}

export function activateDerivative(name: ActivationName, a: FloatArray, slope: number, out: FloatArray): void {
  const length = out.length;
  switch (name) {
    case "identity": out.fill(1); break;
    case "relu": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = x > 0 ? 1 : x <= 0 ? 0 : NaN; } break;
    case "leaky_relu": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = x > 0 ? 1 : x <= 0 ? slope : NaN; } break;
    case "tanh": for (let i = 0; i < length; i++) { const t = Math.tanh(a[i]); out[i] = 1 - t * t; } break;
    case "sigmoid": for (let i = 0; i < length; i++) { const x = a[i]; out[i] = logistic(x) * logistic(-x); } break;
    case "silu":
      for (let i = 0; i < length; i++) {
        const x = a[i];
        const s = logistic(x);
        const fall = logistic(-x);
        out[i] = fall === 0 || s === 0 ? s : s * (1 + x * fall);
      }
      break;
    case "gelu":
      for (let i = 0; i < length; i++) {
        const x = a[i];
        const density = densityScale * Math.exp(-0.5 * x * x);
        out[i] = 0.5 * (1 + erf(x * Math.SQRT1_2)) + (density === 0 ? 0 : x * density);
      }
      break;
    case "gelu_new":
      for (let i = 0; i < length; i++) {
        const x = a[i];
        const t = Math.tanh(geluScale * (x + geluCubic * x * x * x));
        const rise = 1 - t * t;
        out[i] = 0.5 * (1 + t) + (rise === 0 ? 0 : 0.5 * x * rise * geluScale * (1 + 3 * geluCubic * x * x));
      }
      break;
  }
}

/** Softmax of each row of length `width`; entries of -Infinity get 0. */
export function softmax(a: FloatArray, width: number, out: FloatArray): void {
  for (let start = 0; start < out.length; start += width) {
    const end = start + width;
    let top = -Infinity;
    for (let i = start; i < end; i++) if (!(a[i] <= top)) top = a[i];
    let sum = 0;
    for (let i = start; i < end; i++) {
      const e = Math.exp(a[i] - top);
      out[i] = e;
      sum += e;
    }
    const factor = 1 / sum;
    for (let i = start; i < end; i++) out[i] *= factor;
  }
}
