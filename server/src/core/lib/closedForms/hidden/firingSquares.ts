/**
 * @file Squared Jacobian entries through a layer of piecewise linear activations. There a slope is one of two numbers, a' = low + (high - low) b with
 * b = 1 where the neuron fires, so an entry of the Jacobian is a number plus the sum of the terms (high - low) L_ja R_ai of the neurons that fire:
 * an engine that has `gatedSquares` adds up six of them at once, without a product and without writing a Jacobian.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { add, rescale, scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { IntegrationPoint } from "../../sources/integration";
import { longestChunk } from "../chunks";
import { toTensor } from "../matrices";
import type { Arithmetic } from "./arithmetic";
import type { HiddenLayer } from "./hiddenLayer";
import { twoSlopes, type TwoSlopes } from "./slopes";
import type { SquaredJacobians } from "./squaredJacobians";

/** Neurons of one table, and the samples that its 64 entries cost as much as. */
const neuronsTogether = 6;
const samplesOfTable = 64;
/** Features that are added up in one go. */
const featuresTogether = 32;
/** Adding up the terms of six neurons costs what this many operations of a matrix product do, both on two threads: 80 ps at 100 GFLOP/s (docs/backends.md). */
const operationsPerAddition = 8;

const roundedUp = (count: number, unit: number): number => Math.ceil(count / unit) * unit;

/** Additions of six neurons' terms per sample. */
const additionsOf = ({ into, outOf }: HiddenLayer): number => roundedUp(into.rows, featuresTogether) * outOf.cols * Math.ceil(into.cols / neuronsTogether);

/** Multiplications by own kernels that one addition takes as long as, on one thread. */
const multiplicationsPerAddition = 2;

/** What a chunk's length is counted in. */
const lengthOf = (layer: HiddenLayer): number => multiplicationsPerAddition * additionsOf(layer);

/** Arithmetic per sample. */
export function firingSquareCost(layer: HiddenLayer, engine: Engine, samples: number): Arithmetic {
  const chunk = Math.max(1, Math.min(samples, longestChunk(engine) / lengthOf(layer)));
  return { products: operationsPerAddition * additionsOf(layer) * (1 + samplesOfTable / chunk), passes: 0 };
}

/** Whether the engine and the activation allow it. */
export const canUseFiringSquares = (engine: Engine, { activation }: HiddenLayer, points: readonly IntegrationPoint[]): boolean =>
  engine.gatedSquares !== undefined && twoSlopes(activation, points) !== null;

/** Only where canUseFiringSquares says so. */
export class FiringSquares implements SquaredJacobians {
  readonly valuesPerRow: number;
  readonly multiplicationsPerRow: number;
  readonly #slopes: TwoSlopes;
  readonly #form: { readonly into: Tensor; readonly outOf: Tensor; readonly constant: Tensor };
  readonly #sums: Matrix;

  constructor(private readonly engine: Engine, layer: HiddenLayer, points: readonly IntegrationPoint[]) {
    const { into, outOf } = layer;
    this.valuesPerRow = 4 * into.cols + 3 * into.rows;
    this.multiplicationsPerRow = lengthOf(layer);
    this.#slopes = twoSlopes(layer.activation, points)!;
    const { low, high } = this.#slopes;
    const always = scale(multiply(outOf, into, { transposeA: true, transposeB: true }), low);
    this.#form = {
      into: toTensor(engine, scale(into, high - low)),
      outOf: toTensor(engine, outOf),
      constant: toTensor(engine, layer.constant ? add(always, transpose(layer.constant)) : always),
    };
    this.#sums = matrix(outOf.cols, into.rows);
  }

  async add(slope: Tensor, features: Tensor | null): Promise<void> {
    const { engine } = this;
    const { low, high } = this.#slopes;
    // Positive where the neuron fires, also for a slope that falls at the kink.
    const sign = high < low ? -1 : 1;
    const squares = engine.tidy(() => engine.gatedSquares!(engine.affine(slope, sign, (-sign * (low + high)) / 2), features, this.#form));
    await engine.addTo(this.#sums.data, squares);
    engine.dispose(squares);
  }

  mean(count: number): Matrix {
    return rescale(this.#sums, 1 / count);
  }

  dispose(): void {
    this.engine.dispose(...Object.values(this.#form));
  }
}
