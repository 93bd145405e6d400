/** @file `lib-lens ablate nodes` and `lib-lens ablate edges`. The analysis is taken from the store, or run first. */

import type { AnalysisService } from "../analysis/analysisService";
import { overridden, resolveSchedule } from "../analysis/spec/resolveAblation";
import { loadSpec } from "../analysis/spec/loadSpec";
import type { AblateEdgesAnswer, AblateNodesAnswer, AblationOptions } from "../analysis/worker/messages";
import type { BasisName } from "../protocol/result";
import type { CommandLine } from "./arguments";
import { analyzeToEnd, sourceOf, workToEnd } from "./runToEnd";
import { print, table } from "./terminal";

/** In the order in which they are compared. */
export const allBases: readonly BasisName[] = ["lib", "pca", "neuron"];

export async function ablateNodes(service: AnalysisService, line: CommandLine): Promise<void> {
  const options = await optionsOf(line, "nodes");
  const { file } = await analyzeToEnd(service, line.file, false);
  const ask = (one: AblationOptions): Promise<AblateNodesAnswer> => workToEnd((onEvent, signal) => service.ablateNodes(file, one, onEvent, signal, line.force));
  await answer(line, options, ask, nodeSummary);
}

export async function ablateEdges(service: AnalysisService, line: CommandLine): Promise<void> {
  const options = await optionsOf(line, "edges");
  const { file } = await analyzeToEnd(service, line.file, false);
  const ask = (one: AblationOptions): Promise<AblateEdgesAnswer> => workToEnd((onEvent, signal) => service.ablateEdges(file, one, onEvent, signal, line.force));
  await answer(line, options, ask, edgeSummary);
}

/** One answer, or with `--basis all` one for every basis under its name. */
async function answer<T extends { base: number; tolerance: number }>(
  line: CommandLine, options: Omit<AblationOptions, "basis">, ask: (options: AblationOptions) => Promise<T>, summary: (answer: T) => string,
): Promise<void> {
  const wanted = line.basis === "all" ? allBases : [line.basis];
  const answers: [BasisName, T][] = [];
  for (const basis of wanted) answers.push([basis, await ask({ ...options, basis })]);
  if (line.json) return print(JSON.stringify(line.basis === "all" ? Object.fromEntries(answers) : answers[0]![1]));
  const [, first] = answers[0]!;
  const texts = answers.map(([basis, one]) => `basis ${basis}\n\n${summary(one)}`);
  return print([`score ${first.base.toFixed(4)} with everything kept; tolerance ${first.tolerance}`, ...texts].join("\n\n"));
}

/** What was typed, else what the spec says. @throws InputError before anything is computed. */
export async function optionsOf(line: CommandLine, what: "nodes" | "edges"): Promise<Omit<AblationOptions, "basis">> {
  const source = sourceOf(line.file);
  const { spec } = await loadSpec({ spec: "spec" in source ? source.spec : null, model: "model" in source ? source.model : null });
  const schedule = overridden(spec.ablation, what, line.schedule);
  resolveSchedule(what, schedule);
  const tolerance = line.tolerance ?? spec.ablation?.tolerance;
  return { schedule, ...(tolerance !== undefined ? { tolerance } : {}), ...(line.metric !== null ? { metric: line.metric } : {}) };
}

function nodeSummary(answer: AblateNodesAnswer): string {
  const shown = [1, 2, 5, 10, 20, 50];
  const rows = Object.entries(answer.curves).map(([layer, curve]) => {
    const scores = new Map(curve);
    return [layer, String(answer.needed[layer]), ...shown.map((k) => scores.get(k)?.toFixed(4) ?? "")];
  });
  return table([["node layer", "features needed", ...shown.map((k) => `score with ${k}`)], ...rows], [1, 2, 3, 4, 5, 6, 7]);
}

function edgeSummary(answer: AblateEdgesAnswer): string {
  const rows = Object.entries(answer.required).map(([layer, edges]) => (
    [layer, String(edges), `${((100 * edges) / answer.total[layer]!).toFixed(2)} %`, String(answer.probes[layer]?.length ?? 0)]
  ));
  return table([["edges from", "edges required", "of all", "probes"], ...rows], [1, 2, 3]);
}
