/** @file Sums of squared attributions over samples, carried in float64. */

import type { FloatArray } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";

/** Order of the last two axes of the attributions: feature of the later layer first, or of the earlier one. */
export type AttributionOrder = "out,in" | "in,out";

export class SquareSums {
  readonly #sums: Matrix;

  constructor(private readonly outputs: number, private readonly inputs: number, private readonly order: AttributionOrder) {
    this.#sums = order === "out,in" ? matrix(outputs, inputs) : matrix(inputs, outputs);
  }

  /**
   * Adds the squares of Jacobian entries [n, out, in] (or [n, in, out]) times the activations [n, in] of the earlier features.
   * @param constant part of the Jacobian that is the same for all samples, in the same order; null for none
   */
  addScaled(jacobians: FloatArray, activations: FloatArray, constant: Matrix | null): void {
    const offset = constant?.data ?? new Float64Array(this.outputs * this.inputs);
    const samples = activations.length / this.inputs;
    const weights = new Float64Array(this.inputs);
    for (let sample = 0; sample < samples; sample += 1) {
      for (let input = 0; input < this.inputs; input += 1) weights[input] = activations[sample * this.inputs + input] ** 2;
      const start = sample * offset.length;
      if (this.order === "out,in") this.#addOutputRows(jacobians, start, weights, offset);
      else this.#addInputRows(jacobians, start, weights, offset);
    }
  }

  #addOutputRows(jacobians: FloatArray, start: number, weights: Float64Array, offset: Float64Array): void {
    const { data } = this.#sums;
    for (let output = 0, entry = 0; output < this.outputs; output += 1) {
      for (let input = 0; input < weights.length; input += 1, entry += 1) {
        const value = jacobians[start + entry] + offset[entry];
        data[entry] += weights[input] * value * value;
      }
    }
  }

  #addInputRows(jacobians: FloatArray, start: number, weights: Float64Array, offset: Float64Array): void {
    const { data } = this.#sums;
    for (let input = 0, entry = 0; input < weights.length; input += 1) {
      const weight = weights[input];
      for (let output = 0; output < this.outputs; output += 1, entry += 1) {
        const value = jacobians[start + entry] + offset[entry];
        data[entry] += weight * value * value;
      }
    }
  }

  /** The sums divided by `count`, [out, in]. */
  mean(count: number): Matrix {
    const mean = scale(this.#sums, 1 / count);
    return this.order === "out,in" ? mean : transpose(mean);
  }
}
