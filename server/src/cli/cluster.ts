/** @file `lib-lens cluster`: groups of features that interact among themselves. The analysis is taken from the store, or run first. */

import type { AnalysisService } from "../analysis/analysisService";
import { modulesOfResult, type ResultModules } from "../analysis/resultModules";
import type { CommandLine } from "./arguments";
import { analyzeToEnd } from "./runToEnd";
import { print } from "./terminal";

export async function cluster(service: AnalysisService, line: CommandLine): Promise<void> {
  const { file } = await analyzeToEnd(service, line.file, false);
  const answer = await modulesOfResult(file, line.gamma);
  await print(line.json ? JSON.stringify(answer) : summary(answer, line.gamma));
}

function summary({ modularity, clusters }: ResultModules, gamma: number): string {
  const groups = clusters.filter(({ length }) => length > 1);
  const lines = groups.map((members, place) => {
    const byLayer = new Map<string, number[]>();
    for (const { layer, index } of members) byLayer.set(layer, [...(byLayer.get(layer) ?? []), index]);
    return `${place + 1}  ${Array.from(byLayer, ([layer, features]) => `${layer}: ${features.join(" ")}`).join("   ")}`;
  });
  return [`modularity ${modularity.toFixed(3)}, ${groups.length} clusters at gamma ${gamma}, ${clusters.length - groups.length} features alone`, "", ...lines].join("\n");
}
