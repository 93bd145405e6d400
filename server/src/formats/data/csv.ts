/** @file Comma-separated values: one sample per row, the label in the last column or the one that is named. */

import type { DataSpec } from "../../protocol/spec";
import type { ByteSource } from "../bytes/byteSource";
import { withFile } from "../bytes/fileSource";
import { FormatError } from "../modelFile";
import { csvRows, type CsvRow } from "./csvRows";
import { inputsPath, mostValues, sampleCount, type DataKindReader, type RawDataSet, type ReadSignals } from "./dataKind";
import { nextTokens, tokenInputs } from "./tokens";
import { classLabels, scaledVectors } from "./vectors";

const rowsBetweenChecks = 4096;

/**
 * Field inputs: the file. A first row that is not all numbers is the header. `labelsName` names the label column ("" for none); the last
 * one when absent. Labels that are not numbers are numbered in alphabetical order. With `tokens` the other columns are token ids, with
 * `nextToken` all columns.
 */
export const csv: DataKindReader = {
  files: (spec, baseFolder) => Promise.resolve([inputsPath(spec, baseFolder)]),
  read: (spec, baseFolder, signals) => withFile(inputsPath(spec, baseFolder), (source) => readCsv(source, spec, signals)),
};

/** The same over any source. */
export async function readCsv(source: ByteSource, spec: DataSpec, signals: ReadSignals): Promise<RawDataSet> {
  const most = sampleCount(spec, Number.MAX_SAFE_INTEGER);
  let table: CsvTable | null = null;
  for await (const row of csvRows(source)) {
    if (table === null) {
      const isHeader = row.fields.some((field) => number(field) === null);
      table = new CsvTable(source.name, row.fields.length, labelColumn(row.fields, isHeader, spec, source.name));
      if (isHeader) continue;
    }
    if (table.count % rowsBetweenChecks === 0) signals.checkCancelled();
    table.add(row);
    if (table.count >= most) break;
  }
  if (table === null || table.count === 0) throw new FormatError(`${source.name} holds no rows; name a file with one sample per row.`);
  const description = `${table.count} rows of ${table.width} columns from ${source.name}`;
  const inputs = spec.tokens === true || spec.nextToken === true
    ? tokenInputs(table.values.subarray(0, table.count * table.width), table.count, table.width, source.name)
    : scaledVectors(table.values, table.count, table.width, false, spec, source.name);
  return spec.nextToken === true ? { ...nextTokens(inputs, source.name), description } : { inputs, labels: table.labels(), description };
}

/** Index of the label column, or -1 for none. */
function labelColumn(first: readonly string[], isHeader: boolean, spec: DataSpec, name: string): number {
  if (spec.nextToken === true && spec.labelsName) throw new FormatError("The data have both labels and \"nextToken\": remove one of them.");
  if (spec.labelsName === "" || spec.nextToken === true) return -1;
  if (spec.labelsName === undefined) return first.length > 1 ? first.length - 1 : -1;
  const column = isHeader ? first.findIndex((field) => field.trim() === spec.labelsName) : -1;
  if (column < 0) throw new FormatError(`${name} has no column "${spec.labelsName}" (field "labelsName")${isHeader ? "" : ", because its first row is no header"}; correct the name.`);
  return column;
}

/** Rows as they come in; the array of numbers grows by doubling. */
class CsvTable {
  values = new Float64Array(1024);
  count = 0;
  readonly width: number;
  private readonly labelTexts: string[] = [];

  constructor(private readonly name: string, private readonly columns: number, private readonly label: number) {
    this.width = label < 0 ? columns : columns - 1;
  }

  add({ fields, line }: CsvRow): void {
    if (fields.length !== this.columns) throw new FormatError(`${this.name}: line ${line} has ${fields.length} fields, the first one has ${this.columns}; correct the file.`);
    let at = this.count * this.width;
    this.reserve(at + this.width);
    for (let column = 0; column < fields.length; column++) {
      const field = fields[column]!;
      if (column === this.label) {
        this.labelTexts.push(field.trim());
        continue;
      }
      const value = number(field);
      if (value === null) throw new FormatError(`${this.name}: line ${line}, column ${column + 1} holds ${JSON.stringify(field.slice(0, 40))}, which is no number; correct or remove the column.`);
      this.values[at++] = value;
    }
    this.count++;
  }

  /** Class numbers: the labels themselves when all are numbers, else their rank in alphabetical order. */
  labels(): Int32Array | null {
    if (this.label < 0) return null;
    const numbers = this.labelTexts.map(number);
    const where = `${this.name}: label column ${this.label + 1}`;
    if (numbers.every((value) => value !== null)) return classLabels(numbers, this.count, this.count, this.count, where);
    const ranks = new Map([...new Set(this.labelTexts)].sort().map((text, rank) => [text, rank]));
    return Int32Array.from(this.labelTexts, (text) => ranks.get(text)!);
  }

  private reserve(length: number): void {
    if (length <= this.values.length) return;
    if (length > mostValues / 2) throw new FormatError(`${this.name} holds more numbers than fit into memory; set "limit" or use .npy.`);
    const grown = new Float64Array(Math.max(length, 2 * this.values.length));
    grown.set(this.values);
    this.values = grown;
  }
}

function number(field: string): number | null {
  const text = field.trim();
  if (text === "") return null;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}
