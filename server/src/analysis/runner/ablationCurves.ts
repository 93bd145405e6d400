/** @file Complete ablations of a stored result: features needed per layer (method 4.2), edges required per section (4.3). */

import type { EvaluationSignals } from "../../core/lib/ablation/evaluate";
import { ablateEdges } from "../../core/lib/ablation/edgeAblation";
import { ablateNodes } from "../../core/lib/ablation/nodeAblation";
import type { Schedule } from "../../core/lib/ablation/schedules";
import type { RunEvent } from "../../protocol/events";
import type { AblateEdgesAnswer, AblateEdgesRequest, AblateNodesAnswer, AblateNodesRequest } from "../worker/messages";
import { InputError } from "../errors";
import type { AblationSession } from "./ablationSession";
import { Progress } from "./progress";

/** Every number of features is probed up to this width; wider layers beyond the first hundred in growing steps. */
const exhaustiveWidth = 1024;
const everyCutoff = 100;
const growth = 1.05;

interface Context {
  emit(event: RunEvent): void;
  checkCancelled(): void;
}

export async function nodeCurves(session: AblationSession, request: AblateNodesRequest, context: Context): Promise<AblateNodesAnswer> {
  const { network, data } = session;
  const basis = comparable(request.basis);
  const rotated = network.nodeLayers.filter(({ index }) => session.features(index, basis) !== null);
  const signals = signalsFor(request.run, rotated.length + 1, context);
  const base = await session.baseScore(signals(0, "base score"));
  const answer: AblateNodesAnswer = { base, curves: {}, needed: {} };
  for (const [place, { index, name, width }] of rotated.entries()) {
    const schedule: Schedule = width <= exhaustiveWidth ? { kind: "all" } : { kind: "exponential", base: growth, everyCutoff };
    const options = { schedule, tolerance: request.tolerance };
    const curve = await ablateNodes(network, index, session.features(index, basis)!, data, base, options, signals(place + 1, name));
    answer.curves[name] = curve.points.map(([kept, score]) => [kept, score]);
    answer.needed[name] = curve.needed;
  }
  return answer;
}

export async function edgeCurves(session: AblationSession, request: AblateEdgesRequest, context: Context): Promise<AblateEdgesAnswer> {
  const { network, data, metadata } = session;
  const basis = comparable(request.basis);
  const signals = signalsFor(request.run, network.sections.length + 1, context);
  const base = await session.baseScore(signals(0, "base score"));
  const answer: AblateEdgesAnswer = { base, required: {}, probes: {} };
  for (const { index, from } of network.sections) {
    const features = session.features(index, basis)!;
    const next = session.features(index + 1, basis);
    const edges = await session.edges(index, basis, signals(index + 1, from));
    const ablated = { section: index, edges, features, next, constantFeature: metadata.spec.basis?.center ?? true };
    const options = { schedule: { kind: "bisect" as const }, tolerance: request.tolerance };
    const result = await ablateEdges(network, ablated, data, base, options, signals(index + 1, from));
    answer.required[from] = result.required;
    answer.probes[from] = result.probes.map(([kept, score]) => [kept, score]);
  }
  return answer;
}

/** Neurons are not ordered by importance: leading ones mean nothing. @throws InputError */
function comparable(basis: string): "lib" | "pca" {
  if (basis === "lib" || basis === "pca") return basis;
  throw new InputError(`Ablation curves exist for the bases lib and pca, not for "${basis}".`);
}

/** Signals of step `place` of `steps`, all within the phase "evaluate". */
function signalsFor(run: string, steps: number, context: Context): (place: number, detail: string) => EvaluationSignals {
  const progress = new Progress(run, (event) => context.emit(event.kind === "phase" ? { ...event, overall: event.fraction } : event));
  return (place, detail) => ({
    checkCancelled: () => context.checkCancelled(),
    progress: (fraction) => progress.report("evaluate", (place + Math.min(1, fraction)) / steps, detail),
  });
}
