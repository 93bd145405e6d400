/** @file Activation functions and their first derivatives in tfjs operations, as PyTorch defines them. */

import * as tf from "@tensorflow/tfjs-core";
import type { ActivationName } from "../../protocol/spec";

const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;
const densityScale = 1 / Math.sqrt(2 * Math.PI);

export function activate(name: ActivationName, x: tf.Tensor, slope: number): tf.Tensor {
  switch (name) {
    case "identity": return tf.clone(x);
    case "relu": return tf.relu(x);
    case "leaky_relu": return tf.leakyRelu(x, slope);
    case "tanh": return tf.tanh(x);
    // Some graphics drivers turn the sigmoid of NaN into 0, which would hide a broken network.
    case "sigmoid": return tf.where(tf.isNaN(x), x, tf.sigmoid(x));
    case "silu": return tf.mul(x, tf.sigmoid(x));
    case "gelu": return tf.mul(x, normalCdf(x));
    case "gelu_new": return tf.mul(x, tf.mul(tf.add(tf.tanh(geluArgument(x)), 1), 0.5));
  }
}

export function activateDerivative(name: ActivationName, x: tf.Tensor, slope: number): tf.Tensor {
  switch (name) {
    case "identity": return tf.onesLike(x);
    case "relu": return rise(x);
    // slope + (1 - slope) for x > 0, slope else
    case "leaky_relu": return tf.add(tf.mul(rise(x), 1 - slope), slope);
    case "tanh": return tf.sub(1, tf.square(tf.tanh(x)));
    case "sigmoid": return tf.mul(tf.sigmoid(x), tf.sigmoid(tf.neg(x)));
    case "silu": {
      const s = tf.sigmoid(x);
      return tf.mul(s, tf.add(tf.mul(x, tf.sigmoid(tf.neg(x))), 1));
    }
    case "gelu": return tf.add(normalCdf(x), tf.mul(x, tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), densityScale)));
    case "gelu_new": {
      const t = tf.tanh(geluArgument(x));
      const inner = tf.add(tf.mul(tf.square(x), 3 * geluCubic * geluScale), geluScale);
      return tf.add(tf.mul(tf.add(t, 1), 0.5), tf.mul(tf.mul(tf.mul(x, 0.5), tf.sub(1, tf.square(t))), inner));
    }
  }
}

/** 1 where x > 0, else 0 */
function rise(x: tf.Tensor): tf.Tensor {
  return tf.cast(tf.greater(x, 0), "float32");
}

function normalCdf(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** sqrt(2/pi) (x + 0.044715 x^3) */
function geluArgument(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), geluCubic), 1)), geluScale);
}
