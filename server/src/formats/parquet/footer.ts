/** @file What a Parquet file holds: its columns and where their pages lie. */

import type { ByteSource } from "../bytes/byteSource";
import { FormatError, type DType } from "../modelFile";
import { numberOf, structOf, structsOf, textOf, ThriftReader, type ThriftStruct } from "./thrift";

/** What a column's values are; "other" are those that are no numbers and no text (dates, decimals, nested bytes). */
type ColumnType = DType | "text" | "other";

/** Physical types of the format, by their number. */
const physicalTypes = ["BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"] as const;
export type PhysicalType = (typeof physicalTypes)[number];

export interface ParquetColumn {
  /** Name of the field; of one inside other fields with theirs before it and dots between. */
  readonly name: string;
  readonly type: ColumnType;
  readonly physical: PhysicalType;
  /** Definition level of a value that is there; 0: none can be missing. */
  readonly mostDefined: number;
  /** Number of lists that the value lies in. */
  readonly mostRepeated: number;
}

/** The pages of one column in one row group. */
export interface ColumnChunk {
  readonly codec: number;
  readonly values: number;
  readonly offset: number;
  readonly bytes: number;
}

interface RowGroup {
  readonly rows: number;
  /** In the order of the columns. */
  readonly chunks: readonly ColumnChunk[];
}

export interface ParquetFooter {
  readonly columns: readonly ParquetColumn[];
  readonly groups: readonly RowGroup[];
}

const magic = "PAR1";
/** Fields within fields. */
const deepest = 64;
const required = 0;
const repeated = 2;

/** @throws FormatError when the source is no Parquet file */
export async function readFooter(source: ByteSource): Promise<ParquetFooter> {
  const { name, size } = source;
  const last = size >= 12 ? await source.read(size - 8, 8) : new Uint8Array();
  const ending = String.fromCharCode(...last.subarray(4));
  if (ending === "PARE") throw new FormatError(`${name} is encrypted, which is not read; write it without encryption.`);
  if (ending !== magic) throw new FormatError(`${name} is no Parquet file, or not all of it: it does not end with ${magic}; copy or write it again.`);
  const length = new DataView(last.buffer, last.byteOffset, 4).getUint32(0, true);
  if (length > size - 12) throw new FormatError(`${name}: its footer of ${length} bytes does not fit into the file's ${size}; it is truncated or damaged, copy or write it again.`);
  const root = new ThriftReader(await source.read(size - 8 - length, length), 0, name).struct();
  const columns = columnsOf(structsOf(root, 2), name);
  return { columns, groups: structsOf(root, 4).map((group) => groupOf(group, columns, name)) };
}

function groupOf(group: ThriftStruct, columns: readonly ParquetColumn[], name: string): RowGroup {
  const chunks = structsOf(group, 1);
  if (chunks.length !== columns.length) throw new FormatError(`${name}: a row group has ${chunks.length} columns, the file has ${columns.length}; it is damaged, write it again.`);
  return {
    rows: countOf(group, 3, name),
    chunks: chunks.map((chunk) => {
      const facts = structOf(chunk, 3);
      if (facts === null || textOf(chunk, 1) !== "") throw new FormatError(`${name} keeps columns in other files or encrypted, which is not read; write one plain file.`);
      const dictionary = numberOf(facts, 11, 0);
      const pages = countOf(facts, 9, name);
      return { codec: numberOf(facts, 4, -1), values: countOf(facts, 5, name), offset: dictionary > 0 ? Math.min(dictionary, pages) : pages, bytes: countOf(facts, 7, name) };
    }),
  };
}

function countOf(struct: ThriftStruct, field: number, name: string): number {
  const value = numberOf(struct, field, -1);
  if (!Number.isSafeInteger(value) || value < 0) throw new FormatError(`${name}: a size in its footer is ${value < 0 ? "missing" : value}; the file is damaged, copy or write it again.`);
  return value;
}

/** Fields on the way to a column. */
interface Way { readonly names: readonly string[]; readonly defined: number; readonly repeated: number; readonly firstList: number }

/** The leaves of the schema, a tree that is written depth first. */
function columnsOf(elements: readonly ThriftStruct[], file: string): ParquetColumn[] {
  const columns: ParquetColumn[] = [];
  let at = 0;
  const visit = (way: Way): void => {
    const element = elements[at++];
    if (element === undefined || way.names.length > deepest) throw new FormatError(`${file}: its list of columns is incomplete; the file is damaged, copy or write it again.`);
    const isRoot = at === 1;
    const repetition = isRoot ? required : numberOf(element, 3, required);
    const own: Way = isRoot ? way : {
      names: [...way.names, textOf(element, 4)],
      defined: way.defined + (repetition === required ? 0 : 1),
      repeated: way.repeated + (repetition === repeated ? 1 : 0),
      firstList: way.firstList < 0 && repetition === repeated ? way.names.length : way.firstList,
    };
    const children = numberOf(element, 5, 0);
    if (children <= 0 && !isRoot) columns.push(columnOf(element, own, file));
    for (let child = 0; child < children; child++) visit(own);
  };
  visit({ names: [], defined: 0, repeated: 0, firstList: -1 });
  return columns;
}

function columnOf(element: ThriftStruct, { names, defined, repeated: lists, firstList }: Way, file: string): ParquetColumn {
  const physical = physicalTypes[numberOf(element, 1, -1)];
  if (physical === undefined) throw new FormatError(`${file}: column "${names.join(".")}" has no type; the file is damaged, copy or write it again.`);
  // "images, list, element" is the list "images"
  const isList = firstList >= 0 && names.length - firstList <= 2 * lists;
  const shown = isList ? names.slice(0, Math.max(1, firstList)) : names;
  return { name: shown.join("."), type: typeOf(element, physical), physical, mostDefined: defined, mostRepeated: lists };
}

/** Numbers of ConvertedType for integers, and what they are. */
const convertedIntegers: ReadonlyMap<number, DType> = new Map([
  [11, "uint8"], [12, "uint16"], [13, "uint32"], [14, "uint64"], [15, "int8"], [16, "int16"], [17, "int32"], [18, "int64"],
]);

function typeOf(element: ThriftStruct, physical: PhysicalType): ColumnType {
  const converted = numberOf(element, 6, -1);
  const logical = structOf(element, 10);
  const integer = logical && structOf(logical, 10);
  switch (physical) {
    case "BOOLEAN": return "bool";
    case "FLOAT": return "float32";
    case "DOUBLE": return "float64";
    case "BYTE_ARRAY": return "text";
    case "INT32": case "INT64": {
      const plain = physical === "INT32" ? "int32" : "int64";
      if (integer) return [...convertedIntegers.values()].find((type) => type === `${integer.get(2) === true ? "int" : "uint"}${numberOf(integer, 1, 0)}`) ?? "other";
      if (converted >= 0) return convertedIntegers.get(converted) ?? "other";
      return logical === null ? plain : "other";
    }
    default: return "other";
  }
}
