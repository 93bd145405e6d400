/** @file Elementwise operations of tfjs, for the activation formulas. */

import * as tf from "@tensorflow/tfjs-core";
import type { ElementwiseOperations } from "../activationFormulas";

export const tfjsOperations: ElementwiseOperations<tf.Tensor> = {
  copy: (x) => tf.clone(x),
  affine: (x, factor, offset) => {
    const scaled = factor === 1 ? x : tf.mul(x, tf.scalar(factor));
    return offset === 0 && scaled !== x ? scaled : tf.add(scaled, tf.scalar(offset));
  },
  add: (a, b) => tf.add(a, b),
  mul: (a, b) => tf.mul(a, b),
  square: (x) => tf.square(x),
  exp: (x) => tf.exp(x),
  tanh: (x) => tf.tanh(x),
  // Some graphics drivers turn the sigmoid of NaN into 0, which would hide a broken network.
  sigmoid: (x) => tf.where(tf.isNaN(x), x, tf.sigmoid(x)),
  erf: (x) => tf.erf(x),
  relu: (x) => tf.relu(x),
  positive: (x) => tf.cast(tf.greater(x, 0), "float32"),
};
