/** @file `lib-lens analyze`. */

import { dirname, join, resolve } from "node:path";
import type { AnalysisService } from "../analysis/analysisService";
import { requireWritable, writeTextAtomically } from "../formats/bytes/atomicFile";
import type { RunDone } from "../protocol/events";
import type { ResultMetadata } from "../protocol/result";
import type { CommandLine } from "./arguments";
import { writeReport } from "./report/report";
import { analyzeToEnd } from "./runToEnd";
import { print, short, sparkline, table } from "./terminal";

export async function analyze(service: AnalysisService, line: CommandLine): Promise<void> {
  if (line.report !== null) await requireWritable(resolve(line.report));
  const done = await analyzeToEnd(service, line.file, line.force);
  const metadata = await service.metadata(done.file);
  let report: string | null = null;
  if (!line.json || line.report !== null) {
    report = line.report !== null ? resolve(line.report) : join(dirname(done.file), `${done.key}.html`);
    await writeReport(report, metadata, done.file, writeTextAtomically);
  }
  await print(line.json ? JSON.stringify(answer(done, metadata)) : summary(done, metadata, report));
}

/** The fixed answer of `--json`. */
function answer(done: RunDone, metadata: ResultMetadata): object {
  return {
    key: done.key,
    file: done.file,
    backend: metadata.backend.name,
    seconds: done.seconds,
    phases: done.phases,
    cached: done.cached,
    samples: metadata.samples,
    nodeLayers: metadata.layers.map(({ name, dimension, kept, lambda, gramRank, basis, needed }) => ({
      name, dim: dimension, kept, lambda, gramRank, ...(basis ? { basis } : {}), ...(needed !== undefined ? { needed } : {}),
    })),
    sections: metadata.sections.map(({ from, to, shape }) => ({ from, to, shape })),
    ...(metadata.evaluation ? { evaluation: metadata.evaluation } : {}),
    ...(metadata.memoryBytes !== undefined ? { memoryBytes: metadata.memoryBytes } : {}),
    notes: metadata.notes,
  };
}

function summary(done: RunDone, metadata: ResultMetadata, report: string | null): string {
  const { model, evaluation } = metadata;
  const counted = evaluation?.needed;
  const layers = metadata.layers.map((layer) => [
    layer.name,
    layer.kept > 0 ? `${layer.kept} of ${layer.dimension}` : `${layer.dimension} (not rotated)`,
    ...(counted ? [layer.needed !== undefined ? String(layer.needed) : ""] : []),
    // The constant is no feature of the data.
    layer.lambda.slice(1, 4).map(short).join("  "),
    sparkline(layer.lambda.slice(1)),
  ]);
  const sections = metadata.sections.map(({ from, to, shape, edges }) => [
    `${from} → ${to}`, `${shape[1]} × ${shape[0]}`,
    edges.weight.map((weight, i) => ({ weight, source: edges.source[i]!, target: edges.target[i]! })).filter(({ source }) => source > 0)
      .slice(0, 3).map(({ weight, source, target }) => `${source}→${target} ${short(weight)}`).join("  "),
  ]);
  return [
    "",
    `${model.path}`,
    `${model.family}, ${model.parameters.toLocaleString("en")} parameters, ${metadata.samples.toLocaleString("en")} samples`
    + (evaluation ? `, ${evaluation.metric} ${evaluation.base.toFixed(4)} on ${evaluation.samples.toLocaleString("en")}` : ""),
    "",
    table([["node layer", "features", ...(counted ? ["needed"] : []), "importance", "spectrum"], ...layers]),
    ...(counted ? [`needed: this and every larger number of features keeps the ${evaluation.metric} within ${counted.tolerance} (${counted.samples.toLocaleString("en")} of ${evaluation.samples.toLocaleString("en")} samples)`] : []),
    "",
    table([["section", "edges", "strongest"], ...sections]),
    "",
    table([
      ["result", done.file],
      ...(report !== null ? [["report", report]] : []),
      ["backend", metadata.backend.description],
      ["time", done.cached ? `${done.seconds.toFixed(2)} s, answered from the store (computed in ${metadata.seconds.toFixed(1)} s)` : `${done.seconds.toFixed(1)} s`],
    ]),
  ].join("\n");
}
