/**
 * @file Labels of features in a text file beside the spec, `<name>.labels.csv`, that is reviewed like code: one row per feature, in the order of the layers.
 * The column `label` belongs to people and is never overwritten; where it is empty, what the data said stands beside it and is shown.
 */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { csvRows } from "../../formats/data/csvRows";
import { csvRow } from "../../formats/data/csvText";
import { writeFileAtomically } from "../../formats/bytes/atomicFile";
import { withFile } from "../../formats/bytes/fileSource";
import { InputError } from "../errors";

export interface LabelRow {
  layer: string;
  feature: number;
  /** What a person says; empty: nothing. */
  label: string;
  /** What the data says. */
  computed: string;
  /** First letters of the key of the result that the row belongs to; empty: of any. */
  result: string;
}

const columns = ["layer", "feature", "label", "computed", "result"] as const;
const keyLetters = 12;
const largestFile = 1 << 25;
const longestLabel = 1000;
const ending = ".labels.csv";

/** The labels file of a spec (or of a model that is analysed without one). */
export function labelsPath(source: string): string {
  return join(dirname(source), `${basename(source).replace(/(\.lib)?\.json$/i, "")}${ending}`);
}

/** @returns no rows when there is no such file. @throws InputError that names the line. */
export async function readLabels(file: string): Promise<LabelRow[]> {
  const facts = await stat(file).catch(() => null);
  if (!facts) return [];
  if (facts.size > largestFile) throw new InputError(`${file} is too large for a file of labels: it has ${facts.size} bytes, the limit is ${largestFile}.`);
  return withFile(file, async (source) => {
    const rows: LabelRow[] = [];
    let header = true;
    for await (const { fields, line } of csvRows(source)) {
      if (header && fields.join() !== columns.join()) throw new InputError(`${file}, line ${line}: the first row should be "${columns.join(",")}".`);
      if (!header) rows.push(rowOf(fields, file, line));
      header = false;
    }
    return rows;
  });
}

function rowOf(fields: readonly string[], file: string, line: number): LabelRow {
  const [layer = "", feature = "", label = "", computed = "", result = ""] = fields;
  if (layer === "" || !/^\d{1,9}$/.test(feature)) throw new InputError(`${file}, line ${line}: a row is layer,feature,label,computed,result, with the number of the feature second.`);
  if (label.length > longestLabel || computed.length > longestLabel) throw new InputError(`${file}, line ${line}: the label is longer than ${longestLabel} characters.`);
  return { layer, feature: Number(feature), label, computed, result };
}

/**
 * What was computed now, with the hand-made labels as they stand: those of this result beside what was computed, those of other results, or of features
 * that are no longer there, in rows of their own.
 */
export function merged(existing: readonly LabelRow[], key: string, computed: readonly { name: string; labels: readonly string[] }[]): LabelRow[] {
  const result = key.slice(0, keyLetters);
  const own = new Map(existing.filter((row) => row.label !== "" && (row.result === "" || row.result === result)).map((row) => [placeOf(row), row]));
  const rows = computed.flatMap(({ name, labels }) => labels.map((text, feature): LabelRow => {
    const kept = own.get(placeOf({ layer: name, feature }));
    return { layer: name, feature, label: kept?.label ?? "", computed: text, result: kept?.result === "" ? "" : result };
  }));
  const written = new Set(rows.map(placeOf));
  const order = new Map(computed.map(({ name }, index) => [name, index]));
  const left = existing.filter((row) => row.label !== "" && !(own.get(placeOf(row)) === row && written.has(placeOf(row))));
  return [...rows, ...left].sort((a, b) => (order.get(a.layer) ?? Infinity) - (order.get(b.layer) ?? Infinity) || compare(a.layer, b.layer) || a.feature - b.feature || compare(a.result, b.result));
}

const placeOf = ({ layer, feature }: { layer: string; feature: number }): string => `${feature} ${layer}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export async function writeLabels(file: string, rows: readonly LabelRow[]): Promise<void> {
  const text = [csvRow(columns), ...rows.map((row) => csvRow([row.layer, String(row.feature), row.label, row.computed, row.result]))].join("\n");
  await writeFileAtomically(file, (append) => append(new TextEncoder().encode(`${text}\n`)));
}

/** The shown labels of every layer of a result; null where a feature has none. */
export type ShownLabels = ReadonlyMap<string, (string | null)[]>;

/** What is needed of a result to label it. */
export interface LabelledResult { readonly key: string; readonly layers: readonly { readonly name: string; readonly kept: number }[] }

/** The labels that rows give the features of a result; a row of this very result goes before one of any. */
export function labelsOf(rows: readonly LabelRow[], { key, layers }: LabelledResult): ShownLabels {
  const result = key.slice(0, keyLetters);
  const shown = new Map<string, (string | null)[]>();
  for (const wanted of ["", result]) {
    for (const { layer, feature, label, computed, result: of } of rows) {
      const text = label || computed;
      const kept = layers.find(({ name }) => name === layer)?.kept ?? 0;
      if (of !== wanted || text === "" || feature >= kept) continue;
      const ofLayer = shown.get(layer) ?? Array.from({ length: kept }, () => null);
      ofLayer[feature] = text;
      shown.set(layer, ofLayer);
    }
  }
  return shown;
}

/** Names, sizes and times of all labels files in these folders: the same text as long as none changes; empty when there are none. */
export async function labelFilesState(folders: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const folder of folders) {
    for (const file of await labelFilesIn(folder)) {
      const facts = await stat(file).catch(() => null);
      if (facts) states.push(`${file} ${facts.size} ${facts.mtimeMs}`);
    }
  }
  return states.join("\n");
}

async function labelFilesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(ending)).sort().map((name) => join(folder, name));
}

/** Rows of all labels files in a folder; a file that cannot be read as labels is left out. Kept while the files are unchanged. */
export class LabelFiles {
  private readonly kept = new Map<string, { size: number; modified: number; rows: LabelRow[] }>();

  async rows(folder: string): Promise<LabelRow[]> {
    const rows = await Promise.all((await labelFilesIn(folder)).map((file) => this.ofFile(file)));
    return rows.flat();
  }

  private async ofFile(file: string): Promise<LabelRow[]> {
    const facts = await stat(file).catch(() => null);
    if (!facts) return [];
    const known = this.kept.get(file);
    if (known && known.size === facts.size && known.modified === facts.mtimeMs) return known.rows;
    const rows = await readLabels(file).catch(() => []);
    this.kept.set(file, { size: facts.size, modified: facts.mtimeMs, rows });
    return rows;
  }
}
