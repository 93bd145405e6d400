/** @file `lib-lens cluster`: groups of features that interact among themselves. The analysis is taken from the store, or run first. */

import type { AnalysisService } from "../analysis/analysisService";
import { InputError } from "../analysis/errors";
import { modulesOfResult, type ModuleStudy, type ResultModules } from "../analysis/resultModules";
import { optionsOf } from "./ablate";
import type { CommandLine } from "./arguments";
import { analyzeToEnd, workToEnd } from "./runToEnd";
import { print } from "./terminal";

export async function cluster(service: AnalysisService, line: CommandLine): Promise<void> {
  const { file } = await analyzeToEnd(service, line.file, false);
  const answer = await modulesOfResult(file, line.gamma, await studyOf(service, line, file));
  await print(line.json ? JSON.stringify(answer) : summary(answer));
}

/** What was asked for; the epsilon of a logarithmic norm comes from an edge ablation unless it is typed. */
export async function studyOf(service: AnalysisService, line: CommandLine, file: string): Promise<ModuleStudy> {
  const { basis, norm, clusters, mergeOutput, seeds, shuffles } = line;
  if (basis !== "lib" && basis !== "pca") throw new InputError(`Modules are found in the bases lib and pca, not in "${basis}": choose one of them.`);
  const study = { basis, norm, mergeOutput, seeds, shuffles, ...(clusters !== null ? { clusters } : {}) };
  if (!norm.endsWith("log")) return study;
  if (line.epsilon !== null) return { ...study, epsilon: line.epsilon };
  const options = await optionsOf(line, "edges");
  const { weakest } = await workToEnd((onEvent, signal) => service.ablateEdges(file, { ...options, basis }, onEvent, signal));
  return { ...study, epsilon: weakest };
}

function summary({ modularity, edgesInside, clusters, gamma, sections, stability, permutation }: ResultModules): string {
  const groups = clusters.filter(({ length }) => length > 1);
  const lines = groups.map((members, place) => {
    const byLayer = new Map<string, number[]>();
    for (const { layer, index } of members) byLayer.set(layer, [...(byLayer.get(layer) ?? []), index]);
    return `${place + 1}  ${Array.from(byLayer, ([layer, features]) => `${layer}: ${features.join(" ")}`).join("   ")}`;
  });
  return [
    `modularity ${modularity.toFixed(3)}, ${groups.length} clusters at gamma ${Number(gamma.toPrecision(3))}, ${clusters.length - groups.length} features alone`,
    `${(100 * edgesInside).toFixed(1)} % of the size of all edges stays inside clusters`,
    `edge weight inside clusters: ${sections.map(({ from, to, inside }) => `${from} → ${to} ${(100 * inside).toFixed(0)} %`).join(", ")}`,
    ...(stability ? [`${stability.runs} seeds agree with an adjusted Rand index of ${stability.mean.toFixed(3)} (least ${stability.least.toFixed(3)})`] : []),
    ...(permutation ? [
      `shuffled edges: modularity ${permutation.mean.toFixed(3)} ± ${permutation.deviation.toFixed(3)}, so z ${permutation.z?.toFixed(1) ?? "undefined"}, p ${permutation.p.toPrecision(2)} from ${permutation.shuffles} shuffles`,
    ] : []),
    "", ...lines,
  ].join("\n");
}
