/** @file Scoring data of a spec; the base score of a run, and the features needed to keep it. */

import { baseScore, baseScoreFrom, type EvaluationData, type EvaluationSignals } from "../../core/lib/ablation/evaluate";
import { featuresNeeded } from "../../core/lib/ablation/featuresNeeded";
import { neededSamples } from "../../core/lib/ablation/neededCost";
import type { LayerResult } from "../../core/lib/basis/layerBasis";
import { automaticBatchSize, networkBatches } from "../../core/network/batches";
import type { ActivationSource } from "../../core/lib/statistics/activationSource";
import { evenSample } from "../../core/network/evenSample";
import type { SectionedNetwork } from "../../core/network/section";
import type { DataSet } from "../../formats/dataSet";
import type { ResultMetadata } from "../../protocol/result";
import { defaultTolerance } from "../spec/resolveAblation";
import type { ResolvedOptions } from "../spec/resolveSpec";
import type { Prepared } from "./prepare";
import { jacobianSample } from "./sampleSizes";

/** @returns null when the data has no labels, so that nothing can be scored. */
export function evaluationData(network: SectionedNetwork, data: DataSet, { evaluation, batchSize }: ResolvedOptions): EvaluationData | null {
  if (!data.labels) return null;
  const size = batchSize ?? automaticBatchSize(network.network, data.inputs);
  return { batches: networkBatches(network.network, data.inputs, size), labels: data.labels, metric: evaluation.metric };
}

/** What the result says about scores, and by layer index the features needed to keep the score. */
export interface Evaluated {
  evaluation: ResultMetadata["evaluation"] | null;
  needed: ReadonlyMap<number, number>;
  notes: string[];
}

/**
 * Score of the untouched network from the activations of an analysis; null where other data are scored, or none, and where the analysis stops
 * before the output: its batches are too large for the rest of a network with many logits.
 */
export async function scoreOfAnalysed({ resolved, network, data, scored }: Prepared, source: ActivationSource): Promise<number | null> {
  const reachesOutput = network.sections.at(-1)!.modules.at(-1) === network.network.modules.at(-1);
  const labelled = scored === data && reachesOutput ? evaluationData(network, data, resolved) : null;
  return labelled && baseScoreFrom(network, source.at(network.sections.length), labelled);
}

/** Score of the untouched network (unless it is known), and the features that keep it where counting them is a small part of the run; nothing without labels. */
export async function evaluate(prepared: Prepared, layers: readonly LayerResult[], signals: EvaluationSignals, known: number | null): Promise<Evaluated> {
  const { resolved, network, scored } = prepared;
  const data = evaluationData(network, scored, resolved);
  if (!data) return { evaluation: null, needed: new Map(), notes: [] };
  const base = known ?? await baseScore(network, data, signals);
  const evaluation = { metric: data.metric, base, samples: data.batches.samples };
  // Neurons come in no order of importance.
  if (prepared.options.formula === "neuron") return { evaluation, needed: new Map(), notes: [] };
  const { edgeBases, comparisonSamples } = prepared.options;
  const heatmaps = jacobianSample(network, prepared.data.inputs);
  const heatmapShare = prepared.data.inputs.kind === "tokens" ? heatmaps.positions / prepared.data.inputs.positions : 1;
  const chosen = neededSamples(network, {
    samples: prepared.batches.samples,
    comparisonSamples: (edgeBases.length - 1) * comparisonSamples + (1 + edgeBases.length) * heatmaps.samples * heatmapShare,
    kept: layers.map(({ basis, width }) => basis?.lambda.length ?? width),
  }, data.batches.samples);
  if (chosen === null) {
    const note = "The features needed to keep the score were not counted, because it would take a large part of the run: \"lib-lens ablate nodes\" counts them.";
    return { evaluation, needed: new Map(), notes: [note] };
  }
  const tolerance = defaultTolerance(data.metric);
  const needed = await countNeeded(network, layers, evaluationData(network, { ...scored, ...evenSample({ inputs: scored.inputs, labels: data.labels }, chosen) }, resolved)!, tolerance, signals);
  return { evaluation: { ...evaluation, needed: { tolerance, samples: chosen } }, needed, notes: [] };
}

/** Every layer with a basis of its own. */
async function countNeeded(
  network: SectionedNetwork, layers: readonly LayerResult[], data: EvaluationData, tolerance: number, signals: EvaluationSignals,
): Promise<Map<number, number>> {
  const base = await baseScore(network, data, { ...signals, progress: () => undefined });
  const needed = new Map<number, number>();
  for (const { index, basis } of layers) {
    const progress = (fraction: number): void => signals.progress((index + fraction) / layers.length);
    if (basis) needed.set(index, await featuresNeeded(network, index, basis, data, base, tolerance, { ...signals, progress }));
  }
  return needed;
}
