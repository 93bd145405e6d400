/** @file Complete ablations of a stored result: features needed per layer (method 4.2), edges required per section (4.3). */

import type { EvaluationData, EvaluationSignals } from "../../core/lib/ablation/evaluate";
import { ablateEdges } from "../../core/lib/ablation/edgeAblation";
import { ablateNodes } from "../../core/lib/ablation/nodeAblation";
import type { Schedule } from "../../core/lib/ablation/schedules";
import type { RunEvent } from "../../protocol/events";
import { defaultTolerance, mustBeSomewhere, resolveSchedule } from "../spec/resolveAblation";
import type { AblateEdgesAnswer, AblateEdgesRequest, AblateNodesAnswer, AblateNodesRequest, AblationOptions } from "../worker/messages";
import { ablationStarted } from "../ablationStarted";
import type { AblationSession } from "./ablationSession";
import { Progress } from "./progress";

/** Every number of features is probed up to this width; wider layers beyond the first hundred in growing steps. */
const exhaustiveWidth = 1024;
const everyCutoff = 100;
const growth = 1.05;

export interface Context {
  emit(event: RunEvent): void;
  checkCancelled(): void;
}

/** @throws InputError for a schedule that does not fit. */
export async function nodeCurves(session: AblationSession, request: AblateNodesRequest, context: Context): Promise<AblateNodesAnswer> {
  const { network } = session;
  emitStart(session, request.run, context);
  const { schedule: wanted, earlyStopping } = resolveSchedule("nodes", request.schedule ?? {});
  const { data, tolerance } = scoring(session, request);
  const rotated = network.nodeLayers.filter(({ index }) => session.rotated(index, request.basis));
  mustBeSomewhere("nodes", request.schedule ?? {}, rotated.map(({ name, width }) => ({ name, total: width })));
  const signals = signalsFor(request.run, rotated.length + 1, context);
  const base = await session.baseScore(data.metric, signals(0, "base score"));
  const answer: AblateNodesAnswer = { metric: data.metric, tolerance, base, curves: {}, needed: {} };
  for (const [place, { index, name, width }] of rotated.entries()) {
    const usual: Schedule = width <= exhaustiveWidth ? { kind: "all" } : { kind: "exponential", base: growth, everyCutoff };
    const options = { schedule: wanted ?? usual, tolerance, ...(earlyStopping !== null ? { earlyStopping } : {}) };
    const curve = await ablateNodes(network, index, (await session.ordered(index, request.basis))!, data, base, options, signals(place + 1, name));
    answer.curves[name] = curve.points.map(([kept, score]) => [kept, score]);
    answer.needed[name] = curve.needed;
    const kind = { what: "nodes", basis: request.basis, layer: name, metric: data.metric, base, tolerance } as const;
    context.emit({ kind: "curve", run: request.run, file: request.file, curve: { ...kind, points: ascending(answer.curves[name]), needed: curve.needed, total: width } });
  }
  return answer;
}

/** @throws InputError for a schedule that does not fit. */
export async function edgeCurves(session: AblationSession, request: AblateEdgesRequest, context: Context): Promise<AblateEdgesAnswer> {
  const { network, metadata } = session;
  emitStart(session, request.run, context);
  const { schedule, earlyStopping } = resolveSchedule("edges", request.schedule ?? {});
  mustBeSomewhere("edges", request.schedule ?? {}, network.sections.map(({ from, inputWidth, outputWidth }) => ({ name: from, total: inputWidth * outputWidth })));
  const { data, tolerance } = scoring(session, request);
  const signals = signalsFor(request.run, network.sections.length + 1, context);
  const base = await session.baseScore(data.metric, signals(0, "base score"));
  const answer: AblateEdgesAnswer = { metric: data.metric, tolerance, base, required: {}, total: {}, weakest: {}, probes: {} };
  // Biases cost nothing in any basis: the reordered neurons begin with the constant too.
  const constantFeature = request.basis === "neuron" || (metadata.spec.basis?.center ?? true);
  for (const { index, from } of network.sections) {
    const edges = await session.edges(index, request.basis, signals(index + 1, from));
    const [features, next] = [(await session.ordered(index, request.basis))!, await session.ordered(index + 1, request.basis)];
    const ablated = { section: index, edges, features, next, constantFeature };
    const options = { schedule: schedule!, tolerance, ...(earlyStopping !== null ? { earlyStopping } : {}) };
    const result = await ablateEdges(network, ablated, data, base, options, signals(index + 1, from));
    answer.required[from] = result.required;
    answer.total[from] = result.total;
    answer.weakest[from] = result.weakestRequired;
    answer.probes[from] = result.probes.map(([kept, score]) => [kept, score]);
    const kind = { what: "edges", basis: request.basis, layer: from, metric: data.metric, base, tolerance } as const;
    context.emit({ kind: "curve", run: request.run, file: request.file, curve: { ...kind, points: ascending(answer.probes[from]), needed: result.required, total: result.total } });
  }
  return answer;
}

const ascending = (points: readonly [number, number][]): [number, number][] => [...points].sort(([a], [b]) => a - b);

/** Once more for every backend that takes over: who shows the run names the one that works on it. */
function emitStart({ metadata, network }: AblationSession, run: string, context: Context): void {
  const { engine } = network.network;
  context.emit(ablationStarted(run, metadata, { name: engine.backend, description: engine.description }));
}

function scoring(session: AblationSession, request: AblationOptions): { data: EvaluationData; tolerance: number } {
  const metric = request.metric ?? session.data.metric;
  return { data: { ...session.data, metric }, tolerance: request.tolerance ?? defaultTolerance(metric) };
}

/** Signals of step `place` of `steps`, all within the phase "evaluate". */
export function signalsFor(run: string, steps: number, context: Context): (place: number, detail: string) => EvaluationSignals {
  const progress = new Progress(run, (event) => context.emit(event.kind === "phase" ? { ...event, overall: event.fraction } : event));
  return (place, detail) => ({
    checkCancelled: () => context.checkCancelled(),
    progress: (fraction) => progress.report("evaluate", (place + Math.min(1, fraction)) / steps, detail),
  });
}
