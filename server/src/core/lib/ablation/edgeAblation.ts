/** @file Edge ablation: the score with only the n strongest edges between two neighbouring node layers (method section 4.3). */

import type { Matrix } from "../../linalg/matrix";
import type { SectionedNetwork } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import { bisect, type BisectSchedule } from "./bisect";
import { EdgeRanking } from "./edgeMask";
import { fromNodeLayer, isWithin, ScoreSum, type EvaluationData, type EvaluationSignals } from "./evaluate";
import { featureSection } from "./featureSection";
import { asActivations, disposeFeatures, layerFeatures } from "./layerFeatures";
import { MaskedFeatures } from "./maskedFeatures";
import { ablatedCounts, fitted, runSchedule, type Schedule } from "./schedules";

export interface EdgeAblationOptions {
  /** How to find the number of edges required, or which numbers to probe. */
  readonly schedule: BisectSchedule | Schedule;
  /** How much worse than the base score a score may be. */
  readonly tolerance: number;
  /** For schedules other than the bisection: stop once a score is further than this from the base score. */
  readonly earlyStopping?: number;
}

export interface EdgeAblationResult {
  readonly from: string;
  readonly to: string;
  /** Edges that the schedule counts over: product of the original widths, truncated directions and constants included. */
  readonly total: number;
  /** [edges kept, score] in the order of probing; edges from the constant feature are always kept and never counted. */
  readonly probes: readonly (readonly [kept: number, score: number])[];
  /** Fewest edges found to keep the score within the tolerance. */
  readonly required: number;
  /** Strength of the weakest edge among those required: the epsilon of the logarithmic edge norm (method section 4.5). */
  readonly weakestRequired: number;
}

/** What is ablated: the edges of one section in one basis. */
export interface AblatedEdges {
  readonly section: number;
  /** E [r', r] in the same basis. */
  readonly edges: Matrix;
  /** Features of the section's input layer. */
  readonly features: FeatureMap;
  /** Features of its output layer; null: its components themselves. */
  readonly next: FeatureMap | null;
  /** Feature 0 of the input layer is the constant (centred bases). */
  readonly constantFeature: boolean;
}

/**
 * Every output feature is computed from the input features whose edges to it stay; the result goes back through CPinv of the next layer into the
 * original rest of the network. With every edge kept the base score counts.
 * @param base score of the network as it is
 */
export async function ablateEdges(
  network: SectionedNetwork, ablated: AblatedEdges, data: EvaluationData, base: number, options: EdgeAblationOptions, signals: EvaluationSignals,
): Promise<EdgeAblationResult> {
  const { engine } = network.network;
  const [from, to] = [network.nodeLayers[ablated.section], network.nodeLayers[ablated.section + 1]];
  const total = from.width * to.width;
  const ranking = new EdgeRanking(ablated.edges, ablated.constantFeature);
  const batches = await layerFeatures(network, ablated.section, ablated.features.C, data, signals);
  const section = featureSection(network.sections[ablated.section], ablated.features.CPinv, ablated.next?.C ?? null);
  const masked = new MaskedFeatures(engine, section, batches);
  const back = ablated.next && engine.tensor(ablated.next.CPinv.data, [ablated.next.CPinv.rows, ablated.next.CPinv.cols]);
  // Masks of one ranking are nested, so their number of edges tells them apart.
  const known = new Map<number, number>([[ablated.edges.data.length, base]]);

  const score = async (kept: number): Promise<number> => {
    const mask = ranking.mask(kept);
    const population = mask.data.reduce((sum, entry) => sum + entry, 0);
    const found = known.get(population);
    if (found !== undefined) return found;
    const sum = new ScoreSum(engine, data);
    for (const [place, { samples }] of batches.entries()) {
      signals.checkCancelled();
      const next = masked.assemble(place, mask);
      const output = engine.tidy(() => {
        const rows = back ? engine.matMul(next, back, { transposeA: true }) : engine.transpose(next, [1, 0]);
        return fromNodeLayer(network, ablated.section + 1, asActivations(engine, rows, samples));
      });
      await sum.add(output);
      engine.dispose(output, next);
    }
    masked.endProbe();
    known.set(population, sum.value);
    return sum.value;
  };
  const probes: [number, number][] = [];
  const probe = async (kept: number): Promise<number> => {
    const value = await score(kept);
    probes.push([kept, value]);
    signals.progress(probes.length / expectedProbes(options.schedule, total));
    return value;
  };
  try {
    const required = await search(options, total, probe, (value) => isWithin(data.metric, value, base, options.tolerance));
    return { from: from.name, to: to.name, total, probes, required, weakestRequired: ranking.weakestKept(required) };
  } finally {
    masked.dispose();
    disposeFeatures(engine, batches);
    if (back) engine.dispose(back);
  }
}

/** Runs the schedule; the number of edges required. */
async function search(
  { schedule, earlyStopping }: EdgeAblationOptions, total: number, probe: (kept: number) => Promise<number>, isGood: (score: number) => boolean,
): Promise<number> {
  if (schedule.kind === "bisect") {
    const { required } = await bisect(total, async (kept) => isGood(await probe(kept)), schedule);
    for (const kept of schedule.specificPoints ?? []) if (kept <= total) await probe(kept);
    return required;
  }
  const { points } = await runSchedule(ablatedCounts(fitted(schedule, total), total), total, probe, earlyStopping);
  const firstBad = points.findIndex(([, score]) => !isGood(score));
  return points[firstBad < 0 ? points.length - 1 : Math.max(0, firstBad - 1)][0];
}

function expectedProbes(schedule: EdgeAblationOptions["schedule"], total: number): number {
  return schedule.kind === "bisect"
    ? Math.ceil(Math.log2(total / (schedule.tolerance ?? 1))) + 1 + (schedule.specificPoints?.length ?? 0)
    : ablatedCounts(fitted(schedule, total), total).length;
}
