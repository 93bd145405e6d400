/** @file `lib-lens sparsity`: how sparsely the features interact, basis by basis. The analysis is taken from the store, or run first. */

import type { AnalysisService } from "../analysis/analysisService";
import type { SparsityAnswer } from "../analysis/worker/messages";
import { allBases, optionsOf } from "./ablate";
import type { CommandLine } from "./arguments";
import { analyzeToEnd, workToEnd } from "./runToEnd";
import { print, short, table } from "./terminal";

export async function sparsity(service: AnalysisService, line: CommandLine): Promise<void> {
  const options = await optionsOf(line, "edges");
  const { file } = await analyzeToEnd(service, line.file, false);
  // Edges required can only be told where the network can be scored.
  const { evaluation } = await service.metadata(file);
  const bases = line.basis === "all" ? allBases : [line.basis];
  const answer = await workToEnd((onEvent, signal) => service.sparsity(file, bases, evaluation ? options : null, onEvent, signal, line.force));
  await print(line.json ? JSON.stringify(answer) : summary(answer));
}

function summary({ bases, tolerance, metric }: SparsityAnswer): string {
  const rows = Object.entries(bases).flatMap(([basis, sections]) => sections.map((one) => [
    `${one.from} → ${one.to}`, basis, one.required === null ? "" : String(one.required),
    one.requiredFraction === null ? "" : `${short(100 * one.requiredFraction)} %`,
    one.participationRatio.toFixed(1), one.hoyer.toFixed(3), String(one.holding.ninety), String(one.present),
  ])).sort(([a], [b]) => (a! < b! ? -1 : a! > b! ? 1 : 0));
  return [
    ...(metric !== undefined ? [`edges required at ${metric} within ${tolerance}`, ""] : []),
    table([["section", "basis", "required", "of all", "participation", "Hoyer", "hold 90 %", "present"], ...rows], [2, 3, 4, 5, 6, 7]),
  ].join("\n");
}
