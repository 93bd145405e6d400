/** @file Scoring data of a spec, and the base score of a run. */

import { baseScore, type EvaluationData, type EvaluationSignals } from "../../core/lib/ablation/evaluate";
import { automaticBatchSize, networkBatches } from "../../core/network/batches";
import type { SectionedNetwork } from "../../core/network/section";
import { readDataSet } from "../../formats/readDataSet";
import type { DataSet } from "../../formats/dataSet";
import type { ResultMetadata } from "../../protocol/result";
import type { ResolvedOptions } from "../spec/resolveSpec";
import { canonical } from "../store/resultKey";
import type { Prepared } from "./prepare";

/** @returns null when the data has no labels, so that nothing can be scored. */
export function evaluationData(network: SectionedNetwork, data: DataSet, { evaluation, batchSize }: ResolvedOptions): EvaluationData | null {
  if (!data.labels) return null;
  const size = batchSize ?? automaticBatchSize(network.network, data.inputs);
  return { batches: networkBatches(network.network, data.inputs, size), labels: data.labels, metric: evaluation.metric };
}

/** Score of the untouched network, for the result; null without labels. @throws FormatError for unreadable evaluation data. */
export async function evaluateBase(prepared: Prepared, signals: EvaluationSignals): Promise<ResultMetadata["evaluation"] | null> {
  const { loaded, resolved, network } = prepared;
  const own = canonical(resolved.evaluation.data) === canonical(loaded.spec.data);
  const data = evaluationData(network, own ? prepared.data : await readDataSet(resolved.evaluation.data, loaded.folder, undefined, prepared.hashFile), resolved);
  if (!data) return null;
  return { metric: data.metric, base: await baseScore(network, data, signals), samples: data.batches.samples };
}
