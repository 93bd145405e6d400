/** @file `lib-lens labels`: what the features respond to, kept in a text file beside the spec. The analysis is taken from the store, or run first. */

import { resolve } from "node:path";
import type { AnalysisService } from "../analysis/analysisService";
import { InputError } from "../analysis/errors";
import { addFound } from "../analysis/store/foundLabels";
import { keepLabels } from "../analysis/store/keepLabels";
import { labelsOf, labelsPath, type ShownLabels } from "../analysis/store/labelsFile";
import { requireWritable, writeFileAtomically } from "../formats/bytes/atomicFile";
import { csvRow } from "../formats/data/csvText";
import type { LabelsAnswer } from "../protocol/labels";
import type { CommandLine } from "./arguments";
import { analyzeToEnd, workToEnd } from "./runToEnd";
import { print, table } from "./terminal";

export async function labels(service: AnalysisService, line: CommandLine): Promise<void> {
  const { basis } = line;
  if (basis === "all") throw new InputError('Labels are found in one basis at a time: choose --basis lib, pca or neuron.');
  if (line.out !== null) await requireWritable(resolve(line.out));
  const { file: result, key } = await analyzeToEnd(service, line.file, false);
  const metadata = await service.metadata(result);
  const answer = await workToEnd((onEvent, signal) => service.labels(result, line.kind, basis, onEvent, signal));
  await addFound(result, key, { basis, labels: answer });
  // The file holds the labels of the features that are shown; those of other bases are for comparison.
  const file = basis === "lib" ? labelsPath(resolve(line.file)) : null;
  const rows = file === null ? [] : await keepLabels(file, key, answer.layers);
  if (line.out !== null) await writeText(resolve(line.out), linePerLayer(answer, metadata.layers.map(({ name, dimension }) => ({ name, dimension }))));
  const handMade = rows.filter(({ label }) => label !== "").length;
  const shown = labelsOf(rows, metadata);
  await print(line.json ? JSON.stringify({ kind: answer.kind, basis, file, handMade, layers: withLabels(answer, shown) }) : summary(answer, shown, file, handMade));
}

/** The layers with what is shown beside what was computed. */
function withLabels({ layers }: LabelsAnswer, shown: ShownLabels): object[] {
  return layers.map(({ labels: computed, ...layer }) => ({ ...layer, labels: shown.get(layer.name) ?? computed, computed }));
}

/** The authors' form: a line per node layer, a field per feature; the components of an un-rotated output are output_0, output_1, … */
function linePerLayer({ layers }: LabelsAnswer, all: readonly { name: string; dimension: number }[]): string {
  const found = new Map(layers.map(({ name, labels: texts }) => [name, texts]));
  return all.map(({ name, dimension }) => csvRow(found.get(name) ?? Array.from({ length: dimension }, (_, component) => `output_${component}`))).join("\n");
}

function writeText(file: string, text: string): Promise<void> {
  return writeFileAtomically(file, (append) => append(new TextEncoder().encode(`${text}\n`)));
}

const shownFeatures = 10;

function summary(answer: LabelsAnswer, shown: ShownLabels, file: string | null, handMade: number): string {
  const parts = answer.layers.map(({ name, labels: computed }) => {
    const lines = (shown.get(name) ?? computed).slice(0, shownFeatures).map((text, feature) => [String(feature), text ?? ""]);
    return `${name}, ${computed.length} features\n${table(lines, [0])}`;
  });
  const where = file === null ? [] : [`${file}${handMade > 0 ? `: ${handMade} labels made by hand were kept` : ""}`];
  return [...parts, ...where].join("\n\n");
}
