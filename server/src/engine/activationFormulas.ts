/**
 * @file Activation functions and their first derivatives, as PyTorch defines them, in terms of whole-tensor operations: for the
 * backends that run one kernel per operation. The host engine has them as loops (host/activations.ts).
 */

import type { ActivationName } from "../protocol/spec";

/** The operations that the formulas are made of, on tensors of kind T. */
export interface ElementwiseOperations<T> {
  /** x itself, as a tensor of its own */
  copy(x: T): T;
  /** factor x + offset */
  affine(x: T, factor: number, offset: number): T;
  add(a: T, b: T): T;
  mul(a: T, b: T): T;
  square(x: T): T;
  exp(x: T): T;
  tanh(x: T): T;
  sigmoid(x: T): T;
  erf(x: T): T;
  relu(x: T): T;
  /** 1 where x > 0, else 0 */
  positive(x: T): T;
}

const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;
const densityScale = 1 / Math.sqrt(2 * Math.PI);

export function activate<T>(ops: ElementwiseOperations<T>, name: ActivationName, x: T, slope: number): T {
  switch (name) {
    case "identity": return ops.copy(x);
    case "relu": return ops.relu(x);
    // max(x, 0) - slope max(-x, 0)
    case "leaky_relu": return ops.add(ops.relu(x), ops.affine(ops.relu(ops.affine(x, -1, 0)), -slope, 0));
    case "tanh": return ops.tanh(x);
    case "sigmoid": return ops.sigmoid(x);
    case "silu": return ops.mul(x, ops.sigmoid(x));
    case "gelu": return ops.mul(x, normalCdf(ops, x));
    case "gelu_new": return ops.mul(x, ops.affine(ops.tanh(geluArgument(ops, x)), 0.5, 0.5));
  }
}

export function activateDerivative<T>(ops: ElementwiseOperations<T>, name: ActivationName, x: T, slope: number): T {
  switch (name) {
    case "identity": return ops.affine(x, 0, 1);
    case "relu": return ops.positive(x);
    case "leaky_relu": return ops.affine(ops.positive(x), 1 - slope, slope);
    case "tanh": return ops.affine(ops.square(ops.tanh(x)), -1, 1);
    case "sigmoid": return ops.mul(ops.sigmoid(x), ops.sigmoid(ops.affine(x, -1, 0)));
    case "silu": {
      const fall = ops.sigmoid(ops.affine(x, -1, 0));
      return ops.mul(ops.sigmoid(x), ops.affine(ops.mul(x, fall), 1, 1));
    }
    case "gelu": {
      const density = ops.affine(ops.exp(ops.affine(ops.square(x), -0.5, 0)), densityScale, 0);
      return ops.add(normalCdf(ops, x), ops.mul(x, density));
    }
    case "gelu_new": {
      const t = ops.tanh(geluArgument(ops, x));
      const inner = ops.affine(ops.square(x), 3 * geluCubic * geluScale, geluScale);
      const rise = ops.mul(ops.affine(x, 0.5, 0), ops.affine(ops.square(t), -1, 1));
      return ops.add(ops.affine(t, 0.5, 0.5), ops.mul(rise, inner));
    }
  }
}

function normalCdf<T>(ops: ElementwiseOperations<T>, x: T): T {
  return ops.affine(ops.erf(ops.affine(x, Math.SQRT1_2, 0)), 0.5, 0.5);
}

/** sqrt(2/pi) (x + 0.044715 x^3) */
function geluArgument<T>(ops: ElementwiseOperations<T>, x: T): T {
  return ops.mul(x, ops.affine(ops.square(x), geluCubic * geluScale, geluScale));
}
