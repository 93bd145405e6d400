/** @file The features of the evaluation data at one node layer, computed once and kept for all probes of an ablation. */

import type { Engine, Tensor } from "../../../engine/engine";
import type { Matrix } from "../../linalg/matrix";
import type { SectionedNetwork } from "../../network/section";
import { ActivationSource } from "../statistics/activationSource";
import { distinctFeatures, type DistinctFeatures } from "./distinctFeatures";
import type { EvaluationData, EvaluationSignals } from "./evaluate";

/** Features of one batch. */
export interface FeatureBatch {
  readonly samples: number;
  readonly positions: number;
  /**
   * [r, S B]: feature by feature, so that some of them are whole rows; position by position, so that attention works on long rows of
   * samples.
   */
  readonly features: Tensor;
  /** What repeats in it; null where little does, or without positions. */
  readonly distinct: DistinctFeatures | null;
}

/** f_hat = f @ C of every batch; `disposeFeatures` frees it. */
export async function layerFeatures(
  network: SectionedNetwork, layer: number, C: Matrix, data: EvaluationData, signals: EvaluationSignals,
): Promise<FeatureBatch[]> {
  const { engine } = network.network;
  const source = new ActivationSource(network, data.batches, 0, () => signals.checkCancelled());
  const weights = engine.tensor(C.data, [C.rows, C.cols]);
  const collected: FeatureBatch[] = [];
  await source.at(layer).forEachBatch(async (x) => {
    const [samples, positions, width] = x.shape as [number, number, number];
    const features = engine.tidy(() => {
      const byPosition = positions === 1 ? x : engine.transpose(x, [1, 0, 2]);
      return engine.matMul(weights, engine.reshape(byPosition, [positions * samples, width]), { transposeA: true, transposeB: true });
    });
    collected.push({ samples, positions, features, distinct: positions > 1 ? await distinctFeatures(engine, x, weights) : null });
  });
  engine.dispose(weights);
  return collected;
}

/** Frees what `layerFeatures` gave. */
export function disposeFeatures(engine: Engine, batches: readonly FeatureBatch[]): void {
  for (const { features, distinct } of batches) engine.dispose(features, ...(distinct ? [distinct.features] : []));
}

/** Rows of position after position [T B, d] as activations [B, T, d]. */
export function asActivations(engine: Engine, rows: Tensor, samples: number): Tensor {
  const [count, width] = rows.shape as [number, number];
  const positions = count / samples;
  return positions === 1
    ? engine.reshape(rows, [samples, 1, width])
    : engine.transpose(engine.reshape(rows, [positions, samples, width]), [1, 0, 2]);
}

/** Activations [B, T, d] as rows of position after position [T B, d]. */
export function asPositionRows(engine: Engine, x: Tensor): Tensor {
  const [samples, positions, width] = x.shape as [number, number, number];
  return engine.reshape(positions === 1 ? x : engine.transpose(x, [1, 0, 2]), [positions * samples, width]);
}
