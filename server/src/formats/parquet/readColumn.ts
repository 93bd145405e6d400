/** @file One column of a Parquet file as an array, row after row. */

import type { ByteSource } from "../bytes/byteSource";
import { FormatError } from "../modelFile";
import type { ParquetColumn, ParquetFooter } from "./footer";
import { pagesOf, type Page } from "./pages";
import type { PageValues } from "./plain";

export type ColumnNumbers = Int32Array | Float32Array | Float64Array | Uint8Array;

export interface ColumnValues {
  /** Row-major [rows, width], or the texts of the rows. */
  readonly values: ColumnNumbers | readonly string[];
  readonly rows: number;
  /** Numbers of one row: those of its list, 1 without one. */
  readonly width: number;
}

/** Numbers of one column in memory: 4 GiB of float64. */
const mostNumbers = 2 ** 29;

/**
 * @param index of the column @param most rows that are wanted
 * @throws FormatError for damage, and when the lists of two rows differ in length
 */
export async function readColumn(source: ByteSource, footer: ParquetFooter, index: number, most: number, checkCancelled: () => void): Promise<ColumnValues> {
  const column = footer.columns[index]!;
  const result = new GrowingColumn(column, `${source.name}: column "${column.name}"`);
  for (const { chunks } of footer.groups) {
    if (result.rows >= most) break;
    for await (const page of pagesOf(source, column, chunks[index]!)) {
      checkCancelled();
      result.add(page);
      // one more has begun, so the last one that is wanted is complete
      if (result.rows > most) return result.finish(most);
    }
    result.endGroup();
  }
  return result.finish(most);
}

class GrowingColumn {
  /** Rows that have begun. */
  rows = 0;
  #numbers: ColumnNumbers;
  readonly #texts: string[] = [];
  #count = 0;
  /** Of the first row, once it has ended. */
  #width: number | null = null;
  #rowStart = 0;

  constructor(private readonly column: ParquetColumn, private readonly where: string) {
    this.#numbers = column.type === "uint8" ? new Uint8Array() : column.type === "float32" ? new Float32Array()
      : column.physical === "INT32" && column.type !== "uint32" || column.type === "bool" ? new Int32Array() : new Float64Array();
  }

  add({ values, repetition }: Page): void {
    if (repetition === null) {
      this.rows += values.length;
      this.#width = 1;
    } else {
      for (let i = 0; i < repetition.length; i++) if (repetition[i] === 0) this.#beginRow(this.#count + i);
    }
    if (this.rows === 0 && values.length > 0) throw new FormatError(`${this.where} begins inside a row; the file is damaged, copy or write it again.`);
    if (isTexts(values)) for (const text of values) this.#texts.push(text);
    else this.#append(values);
    this.#count += values.length;
  }

  /** Rows do not go on in the next row group. */
  endGroup(): void {
    if (this.column.mostRepeated > 0 && this.rows > 0) this.#endRow(this.#count);
  }

  finish(most: number): ColumnValues {
    const width = this.#width ?? 1;
    const rows = Math.min(most, this.rows);
    const values = this.column.type === "text" ? this.#texts.slice(0, rows * width) : this.#numbers.subarray(0, rows * width);
    return { values, rows, width };
  }

  #beginRow(at: number): void {
    if (at > this.#rowStart) this.#endRow(at);
    this.rows += 1;
  }

  #endRow(at: number): void {
    const length = at - this.#rowStart;
    if (length === 0) return;
    this.#width ??= length;
    if (length !== this.#width) {
      throw new FormatError(`${this.where} holds lists of ${this.#width} and of ${length} values; all rows need the same number.`);
    }
    this.#rowStart = at;
  }

  #append(values: Exclude<PageValues, readonly string[]>): void {
    const needed = this.#count + values.length;
    if (needed > mostNumbers) throw new FormatError(`${this.where} holds more than ${mostNumbers} numbers, more than fit into memory; set "limit".`);
    if (needed > this.#numbers.length) {
      const grown = new (this.#numbers.constructor as new (length: number) => ColumnNumbers)(Math.max(needed, 2 * this.#numbers.length));
      grown.set(this.#numbers.subarray(0, this.#count));
      this.#numbers = grown;
    }
    const unsigned = this.column.type === "uint32" ? 2 ** 32 : this.column.type === "uint64" ? 2 ** 64 : 0;
    for (let i = 0, at = this.#count; i < values.length; i++, at++) this.#numbers[at] = values[i]! < 0 && unsigned > 0 ? values[i]! + unsigned : values[i]!;
  }
}

const isTexts = (values: PageValues): values is readonly string[] => Array.isArray(values);
