/** @file `lib-lens ablate nodes` and `lib-lens ablate edges`. The analysis is taken from the store, or run first. */

import type { AnalysisService } from "../analysis/analysisService";
import type { AblateEdgesAnswer, AblateNodesAnswer } from "../analysis/worker/messages";
import type { CommandLine } from "./arguments";
import { analyzeToEnd, workToEnd } from "./runToEnd";
import { print, table } from "./terminal";

export async function ablateNodes(service: AnalysisService, line: CommandLine): Promise<void> {
  const { file } = await analyzeToEnd(service, line.file, false);
  const answer = await workToEnd((onEvent, signal) => service.ablateNodes(file, line.basis, line.tolerance, onEvent, signal));
  await print(line.json ? JSON.stringify(answer) : nodeSummary(answer, line));
}

export async function ablateEdges(service: AnalysisService, line: CommandLine): Promise<void> {
  const { file } = await analyzeToEnd(service, line.file, false);
  const answer = await workToEnd((onEvent, signal) => service.ablateEdges(file, line.basis, line.tolerance, onEvent, signal));
  await print(line.json ? JSON.stringify(answer) : edgeSummary(answer, line));
}

function nodeSummary(answer: AblateNodesAnswer, line: CommandLine): string {
  const shown = [1, 2, 5, 10, 20, 50];
  const rows = Object.entries(answer.curves).map(([layer, curve]) => {
    const scores = new Map(curve);
    return [layer, String(answer.needed[layer]), ...shown.map((k) => scores.get(k)?.toFixed(4) ?? "")];
  });
  return [
    `score ${answer.base.toFixed(4)} with everything kept; basis ${line.basis}, tolerance ${line.tolerance}`,
    "",
    table([["node layer", "features needed", ...shown.map((k) => `score with ${k}`)], ...rows], [1, 2, 3, 4, 5, 6, 7]),
  ].join("\n");
}

function edgeSummary(answer: AblateEdgesAnswer, line: CommandLine): string {
  const rows = Object.entries(answer.required).map(([layer, edges]) => [layer, String(edges), String(answer.probes[layer]?.length ?? 0)]);
  return [
    `score ${answer.base.toFixed(4)} with all edges; basis ${line.basis}, tolerance ${line.tolerance}`,
    "",
    table([["edges from", "edges required", "probes"], ...rows], [1, 2]),
  ].join("\n");
}
