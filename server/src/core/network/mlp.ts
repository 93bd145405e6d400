/** @file Multi-layer perceptrons: affine layers with activation functions between them, and one after the last where the model has it. */

import type { Engine, FloatArray } from "../../engine/engine";
import type { ActivationName, Family } from "../../protocol/spec";
import { transpose } from "../linalg/arrange";
import type { Matrix } from "../linalg/matrix";
import { activationFunction, withoutConstant } from "./activationFunction";
import { activationModule } from "./activationModule";
import { foldAffine, foldBias } from "./folding";
import { linearModule } from "./linearModule";
import type { Module } from "./module";
import type { Network, NetworkInputs } from "./network";
import { NetworkError } from "./networkError";
import { parameter, toMatrix, type Weights } from "./weights";

export interface MlpLayer {
  /** Name of the layer in the user's code, for example `fc1`. */
  readonly name: string;
  readonly weight: string;
  readonly bias: string | null;
  readonly order: "in,out" | "out,in";
  /** What follows this layer; when absent the description's activation, or nothing after the last layer. */
  readonly activation?: MlpActivation;
}

export interface MlpActivation {
  readonly name: ActivationName;
  /** leaky_relu only. */
  readonly negativeSlope?: number;
}

export interface MlpDescription {
  readonly family: Family;
  readonly layers: readonly MlpLayer[];
  /** Between the layers that name none of their own. */
  readonly activation: ActivationName;
  readonly negativeSlope?: number;
}

/**
 * Section l is affine layer l followed by its activation. Node layers are `layers.0` (the input) to `layers.{n-1}` and `output`, which
 * has no constant.
 * @throws NetworkError when parameters are missing or do not fit each other.
 */
export function buildMlp(weights: Weights, description: MlpDescription, engine: Engine): Network {
  if (description.layers.length === 0) throw new NetworkError("The network has no affine layer. Name its layers in the spec.");
  const between = activationFunction(description.activation, description.negativeSlope);
  const modules: Module[] = [];
  let parameterCount = 0;
  let before: { name: string; outputs: number } | null = null;
  // Each layer is folded before the next is read: several copies of all weights would be too many.
  for (const [index, layer] of description.layers.entries()) {
    const { weight, bias } = affineOf(weights, layer);
    if (before && before.outputs !== weight.rows) {
      throw new NetworkError(
        `Layer "${before.name}" gives ${before.outputs} values, but layer "${layer.name}" takes ${weight.rows}. `
        + "Check the order of the layers and weightOrder in the spec.",
      );
    }
    before = { name: layer.name, outputs: weight.cols };
    parameterCount += weight.data.length + (bias?.length ?? 0);
    const id = `layers.${index}`;
    const isLast = index === description.layers.length - 1;
    const own = layer.activation;
    const activation = own ? activationFunction(own.name, own.negativeSlope) : between;
    const folded = isLast ? foldBias(weight, bias) : foldAffine(weight, bias, activation.constantRoot);
    modules.push(linearModule(engine, id, [folded.rows], [folded.cols], [{ from: 0, to: 0, weight: folded }]));
    if (!isLast) modules.push(activationModule(engine, `${id}.activation`, [folded.cols], activation));
    else if (own) modules.push(activationModule(engine, `${id}.activation`, [folded.cols], withoutConstant(activation)));
  }
  const nodeLayerNames = [...description.layers.map((_, index) => `layers.${index}`), "output"];
  const width = modules[0].inputWidths[0] - 1;
  let rows: FloatArray = new Float32Array(0);
  return {
    family: description.family,
    engine,
    input: { kind: "vectors", width },
    modules,
    nodeLayerNames,
    parameterCount,
    encode(inputs, start, count) {
      checkVectors(inputs, width);
      const size = count * (width + 1);
      if (inputs.kind === "bytes") {
        return [engine.tidy(() => engine.reshape(engine.tensorOfBytes(inputs.values.subarray(start * width, (start + count) * width), width, inputs.meaning), [count, 1, width + 1]))];
      }
      if (rows.length < size) rows = engine.precision === "float64" ? new Float64Array(size) : new Float32Array(size);
      return [engine.tensor(vectorsWithOne(inputs.values, width, start, count, rows.subarray(0, size)), [count, 1, width + 1])];
    },
  };
}

function affineOf(weights: Weights, layer: MlpLayer): { weight: Matrix; bias: Float32Array | Float64Array | null } {
  const stored = toMatrix(parameter(weights, layer.weight, [null, null]));
  const weight = layer.order === "in,out" ? stored : transpose(stored);
  return { weight, bias: layer.bias === null ? null : parameter(weights, layer.bias, [weight.cols]).values };
}

function checkVectors(inputs: NetworkInputs, width: number): asserts inputs is Exclude<NetworkInputs, { kind: "tokens" }> {
  if (inputs.kind !== "tokens" && inputs.width === width) return;
  const given = inputs.kind === "tokens" ? "tokens" : `vectors of ${inputs.width} values`;
  throw new NetworkError(`The network takes vectors of ${width} values, but the data gives ${given}. Check "data" in the spec.`);
}

/** Rows of the data with the constant 1 appended. The array is the same from batch to batch: fresh memory costs more than filling it. */
function vectorsWithOne(values: Float32Array, width: number, start: number, count: number, rows: FloatArray): FloatArray {
  for (let row = 0; row < count; row += 1) {
    const from = (start + row) * width;
    const to = row * (width + 1);
    rows.set(values.subarray(from, from + width), to);
    rows[to + width] = 1;
  }
  return rows;
}
