/** @file The features of the evaluation data at one node layer, computed once and kept for all probes of an ablation. */

import type { Tensor } from "../../../engine/engine";
import type { Matrix } from "../../linalg/matrix";
import type { SectionedNetwork } from "../../network/section";
import { ActivationSource } from "../activationSource";
import type { EvaluationData, EvaluationSignals } from "./evaluate";

/** Features of one batch. */
export interface FeatureBatch {
  readonly samples: number;
  readonly positions: number;
  /** [r, B S]: feature by feature, so that some of them are consecutive rows. */
  readonly features: Tensor;
}

/** f_hat = f @ C of every batch. The caller disposes the tensors. */
export async function layerFeatures(
  network: SectionedNetwork, layer: number, C: Matrix, data: EvaluationData, signals: EvaluationSignals,
): Promise<FeatureBatch[]> {
  const { engine } = network.network;
  const source = new ActivationSource(network, data.batches, 0, () => signals.checkCancelled());
  const weights = engine.tensor(C.data, [C.rows, C.cols]);
  const collected: FeatureBatch[] = [];
  await source.at(layer).forEachBatch((x) => {
    const [samples, positions, width] = x.shape as [number, number, number];
    const features = engine.tidy(() => (
      engine.matMul(weights, engine.reshape(x, [samples * positions, width]), { transposeA: true, transposeB: true })
    ));
    collected.push({ samples, positions, features });
    return Promise.resolve();
  });
  engine.dispose(weights);
  return collected;
}
