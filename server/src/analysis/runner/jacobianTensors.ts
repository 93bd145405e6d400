/** @file Jacobian summaries of every section, for the heatmaps: the same map in the neuron, PCA and LIB basis. */

import type { LayerResult } from "../../core/lib/basis/layerBasis";
import { jacobianSummaries } from "../../core/lib/jacobians/summary";
import type { EdgeBasis, LibSignals } from "../../core/lib/options";
import { networkBatches } from "../../core/network/batches";
import { firstPositions } from "../../core/network/evenSample";
import type { Matrix } from "../../core/linalg/matrix";
import type { MatrixMessage } from "../../protocol/requests";
import { type BasisName, resultTensorName } from "../../protocol/result";
import type { Prepared } from "./prepare";
import { float32, type ResultTensors } from "./resultTensors";
import { jacobianSample } from "./sampleSizes";

/** Entries of a matrix that is told while the run goes on: one small message. */
const streamedEntries = 2 ** 18;

/** @param found is told every mean Jacobian at once that is small enough for a message */
export async function addJacobians(
  tensors: ResultTensors, prepared: Prepared, layers: readonly LayerResult[], signals: LibSignals,
  found: (section: number, basis: BasisName, mean: MatrixMessage) => void,
): Promise<void> {
  const { network, data, options, batchSize } = prepared;
  const { samples, positions } = jacobianSample(network, data.inputs);
  const sample = networkBatches(network.network, firstPositions(data.inputs, samples, positions), batchSize, samples);
  const others = options.edgeBases.filter((basis) => basis === "pca");
  const bases: EdgeBasis[] = options.formula === "neuron" ? ["neuron"] : ["neuron", ...others, "lib"];
  const summaries = jacobianSummaries(network, sample, layers.map(({ basis }) => basis), { bases, memoryBudget: options.memoryBudget }, signals);
  for await (const { basis, section, mean, rms } of summaries) {
    tensors.add(float32(resultTensorName.jacobian(basis, section), mean, options.shelf));
    tensors.add(float32(resultTensorName.jacobianRms(basis, section), rms, options.shelf));
    if (mean.rows * mean.cols <= streamedEntries) found(section, basis, messageOf(mean));
  }
}

function messageOf({ rows, cols, data }: Matrix): MatrixMessage {
  return { rows, cols, float32: Buffer.from(Float32Array.from(data).buffer).toString("base64") };
}
