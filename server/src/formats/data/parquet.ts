/** @file Parquet tables: a column of lists, one sample per list, or a column per feature; labels in a column of their own. */

import type { DataSpec } from "../../protocol/spec";
import type { ByteSource } from "../bytes/byteSource";
import { withFile } from "../bytes/fileSource";
import { FormatError } from "../modelFile";
import { readFooter, type ParquetColumn, type ParquetFooter } from "../parquet/footer";
import { readColumn, type ColumnNumbers, type ColumnValues } from "../parquet/readColumn";
import { isIntegerType } from "../tensors/elements";
import { inputsPath, mostValues, sampleCount, type DataKindReader, type RawDataSet, type ReadSignals } from "./dataKind";
import { nextTokens, tokenInputs } from "./tokens";
import { classLabels, scaledVectors } from "./vectors";

const usualLabels = ["label", "labels", "y", "target", "targets", "class"];

/**
 * Fields: inputs (the file), inputsName, labelsName ("" for none). Inputs are the named column, or the only column of lists, or all other columns,
 * which then hold numbers. Without a name the labels are the column that is called as usual, else the last one (of a table with lists: none).
 * Texts are numbered in alphabetical order. Lists of integers of 16 bits or more are token ids, as in arrays; lists of bytes are divided by 255.
 */
export const parquet: DataKindReader = {
  files: (spec, baseFolder) => Promise.resolve([inputsPath(spec, baseFolder)]),
  read: (spec, baseFolder, signals) => withFile(inputsPath(spec, baseFolder), (source) => readParquet(source, spec, signals)),
};

/** The same over any source. */
export async function readParquet(source: ByteSource, spec: DataSpec, signals: ReadSignals): Promise<RawDataSet> {
  const footer = await readFooter(source);
  const label = labelColumn(footer, spec, source.name);
  const chosen = inputColumns(footer, spec, label, source.name);
  const most = sampleCount(spec, Number.MAX_SAFE_INTEGER);
  const table = await readInputs(source, footer, chosen, most, signals);
  const { count, width } = table;
  const names = chosen.length === 1 ? `column "${footer.columns[chosen[0]!]!.name}"` : `${chosen.length} columns`;
  const where = `${source.name}: ${names}`;
  const inputs = areTokens(chosen.map((index) => footer.columns[index]!), spec)
    ? tokenInputs(table.values, count, width, where)
    : scaledVectors(table.values, count, width, table.values instanceof Uint8Array, spec, where);
  const description = `${count} rows of ${width} from ${names} of ${source.name}`;
  if (spec.nextToken === true) return { ...nextTokens(inputs, where), description };
  return { inputs, ...(label < 0 ? { labels: null } : await readLabels(source, footer, label, count, inputs.kind === "tokens" ? inputs.positions : 1, signals)), description };
}

/** Index of the label column, or -1 for none. */
function labelColumn({ columns }: ParquetFooter, spec: DataSpec, name: string): number {
  if (spec.nextToken === true && spec.labelsName) throw new FormatError("The data have both labels and \"nextToken\": remove one of them.");
  if (spec.nextToken === true || spec.labelsName === "") return -1;
  if (spec.labelsName !== undefined) return named(columns, spec.labelsName, "labelsName", name);
  const usual = usualLabels.map((label) => columns.findIndex((column) => column.name === label && column.name !== spec.inputsName)).find((index) => index >= 0);
  if (usual !== undefined) return usual;
  return columns.length > 1 && spec.inputsName === undefined && columns.every((column) => column.mostRepeated === 0) ? columns.length - 1 : -1;
}

function inputColumns({ columns }: ParquetFooter, spec: DataSpec, label: number, name: string): number[] {
  const others = columns.map((_, index) => index).filter((index) => index !== label);
  const lists = others.filter((index) => columns[index]!.mostRepeated > 0);
  const chosen = spec.inputsName !== undefined ? [named(columns, spec.inputsName, "inputsName", name)] : lists.length > 0 ? lists : others;
  if (chosen.length === 0 || (lists.length > 1 && chosen.length > 1)) {
    throw new FormatError(`${name} has the columns ${listNames(columns)}; say with "inputsName" which one holds the inputs.`);
  }
  for (const index of chosen) {
    const { name: column, type } = columns[index]!;
    if (type === "text" || type === "other") {
      throw new FormatError(`${name}: column "${column}" holds no numbers; name a column of numbers with "inputsName", or write the file without it.`);
    }
  }
  return chosen;
}

function named(columns: readonly ParquetColumn[], column: string, field: string, name: string): number {
  const index = columns.findIndex((one) => one.name === column);
  if (index < 0) throw new FormatError(`${name} has no column "${column}" (field "${field}"), but ${listNames(columns)}; correct the name.`);
  return index;
}

interface Table { readonly values: ColumnNumbers; readonly count: number; readonly width: number }

/** The chosen columns side by side, row-major [count, width]. */
async function readInputs(source: ByteSource, footer: ParquetFooter, chosen: readonly number[], most: number, signals: ReadSignals): Promise<Table> {
  const read = async (index: number): Promise<ColumnValues> => readColumn(source, footer, index, most, () => signals.checkCancelled());
  const first = await read(chosen[0]!);
  if (chosen.length === 1) return { values: first.values as ColumnNumbers, count: first.rows, width: first.width };
  const [count, width] = [first.rows, chosen.length];
  if (count * width > mostValues) throw new FormatError(`${source.name} holds ${count} x ${width} numbers, more than fit into memory; set "limit".`);
  const types = new Set(chosen.map((index) => footer.columns[index]!.type));
  const values = types.size > 1 ? new Float64Array(count * width) : new ((first.values as ColumnNumbers).constructor as new (length: number) => ColumnNumbers)(count * width);
  for (const [place, index] of chosen.entries()) {
    const column = place === 0 ? first : await read(index);
    if (column.rows !== count) throw new FormatError(`${source.name}: column "${footer.columns[index]!.name}" has ${column.rows} rows, the first one ${count}; the file is damaged, write it again.`);
    for (let row = 0; row < count; row++) values[row * width + place] = (column.values as ColumnNumbers)[row]!;
  }
  return { values, count, width };
}

/** As in arrays: only a single column of lists can be token ids unasked. */
function areTokens(columns: readonly ParquetColumn[], spec: DataSpec): boolean {
  const rescaled = spec.scale !== undefined || spec.mean !== undefined || spec.std !== undefined;
  if (spec.tokens === true && rescaled) throw new FormatError("The data are \"tokens\" with a \"scale\", \"mean\" or \"std\": token ids are not rescaled, remove one of them.");
  const [{ type, mostRepeated }] = columns as [ParquetColumn];
  const wide = type !== "text" && type !== "other" && isIntegerType(type) && !type.endsWith("int8");
  return spec.tokens ?? (spec.nextToken === true || (wide && columns.length === 1 && mostRepeated > 0 && !rescaled));
}

/** @param positions of one sample of tokens, which may have a label each */
async function readLabels(
  source: ByteSource, footer: ParquetFooter, label: number, count: number, positions: number, signals: ReadSignals,
): Promise<Pick<RawDataSet, "labels" | "classNames">> {
  const { values, rows, width } = await readColumn(source, footer, label, count, () => signals.checkCancelled());
  const where = `${source.name}: column "${footer.columns[label]!.name}"`;
  if (width !== 1 && width !== positions) throw new FormatError(`${where} holds lists of ${width}; labels are one class per row.`);
  if (isTexts(values)) {
    const classNames = [...new Set(values)].sort();
    const ranks = new Map(classNames.map((text, rank) => [text, rank]));
    return { labels: Int32Array.from(values, (text) => ranks.get(text)!), classNames };
  }
  return { labels: classLabels(values, rows * width, count * width, count * width, where) };
}

const isTexts = (values: ColumnValues["values"]): values is readonly string[] => Array.isArray(values);

const listNames = (columns: readonly ParquetColumn[]): string => (
  columns.slice(0, 12).map(({ name }) => `"${name}"`).join(", ") + (columns.length > 12 ? ", ..." : "")
);
