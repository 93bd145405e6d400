/**
 * @file Jacobians between the features of neighbouring node layers, summarised over a sample of the data for the heatmaps.
 *
 * With J[b,t,i,s,j] = d f_hat'[b,t,i] / d f_hat[b,s,j] at the data point (S input positions, T output positions, 1 without positions):
 *   mean[i,j] = average over b, t of sum over s of J      the response of i, with its sign, when j rises by one at all positions
 *   rms[i,j]  = root of the average over b, t of sum over s of J^2
 * In the LIB basis the squares of a column of `rms` add up to S/T, except for the constant (method section 2.6, item 3).
 */

import { identity } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { BatchSource } from "../../network/batches";
import type { SectionedNetwork } from "../../network/section";
import type { LayerBasis } from "../basis/layerBasis";
import { featureMapIn } from "../edges/edgesBetween";
import type { EdgeBasis, LibSignals } from "../options";
import { ActivationSource } from "../statistics/activationSource";
import { jacobianMoments } from "./jacobianMoments";

/** Tensors `jacobian/<basis>/<section>` and `jacobian-rms/<basis>/<section>` of a result. */
export interface JacobianSummary {
  readonly basis: EdgeBasis;
  readonly section: number;
  /** Signed mean [r', r]. */
  readonly mean: Matrix;
  /** Root mean square [r', r]. */
  readonly rms: Matrix;
}

export interface JacobianOptions {
  readonly bases: readonly EdgeBasis[];
  readonly memoryBudget: number;
}

/**
 * Yields the summaries of all sections, basis by basis.
 * @param batches the sample
 * @param layers basis of every node layer; null for a last layer without one
 */
export async function* jacobianSummaries(
  network: SectionedNetwork, batches: BatchSource, layers: readonly (LayerBasis | null)[], options: JacobianOptions, signals: LibSignals,
): AsyncGenerator<JacobianSummary> {
  const source = new ActivationSource(network, batches, options.memoryBudget / 2, () => signals.checkCancelled());
  const tasks = options.bases.flatMap((basis) => network.sections.map((section) => ({ basis, section })));
  try {
    for (const [place, { basis, section }] of tasks.entries()) {
      const [features, next] = [section.index, section.index + 1].map((index) => featureMapIn(basis, layers[index] ?? null, network.nodeLayers[index]));
      const own = identity(section.inputWidth);
      const { mean, meanSquare } = await jacobianMoments({
        section,
        activations: source.at(section.index),
        features: features ?? { C: own, CPinv: own },
        nextC: next?.C ?? null,
        points: [{ alpha: 1, weight: 1 }],
        memoryBudget: options.memoryBudget / 4,
        checkCancelled: () => signals.checkCancelled(),
        progress: (fraction) => signals.progress("jacobians", (place + fraction) / tasks.length, `${basis}, ${section.from}`),
      });
      yield { basis, section: section.index, mean, rms: matrix(mean.rows, mean.cols, meanSquare.data.map(Math.sqrt)) };
    }
  } finally {
    source.dispose();
  }
}
