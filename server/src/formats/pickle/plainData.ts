/** @file Unpickled values as plain data that JSON can hold: what metadata are made of. */

import { PickleGlobal, PickleObject, sequenceItems } from "./pickleValues";

const deepest = 24;
/** Values that plain data hold at most. */
export const mostPlainValues = 50_000;
const longestText = 20_000;
/** Long texts use up the allowance too: this many characters count as one value. */
const charactersPerValue = 100;

/**
 * Plain data: null, booleans, finite numbers, strings, arrays and objects without prototype. Infinite numbers, NaN and integers
 * past 2^53 become their text; objects of classes become `{ "class": name, ...fields }`; what is nested too deep, refers to
 * itself or exceeds 50,000 values becomes "...".
 * @param foreign gives plain data for values of other kinds (tensors), or undefined
 */
export function plainData(value: unknown, foreign: (value: object) => unknown = () => undefined): unknown {
  return new Converter(foreign).convert(value, 0);
}

/** The values of many entries, which share one allowance: those beyond it are left out. */
export function plainEntries(entries: Iterable<readonly [string, unknown]>, foreign: (value: object) => unknown): Map<string, unknown> {
  const converter = new Converter(foreign);
  const plain = new Map<string, unknown>();
  for (const [name, value] of entries) {
    if (converter.isUsedUp) break;
    plain.set(name, converter.convert(value, 0));
  }
  return plain;
}

class Converter {
  private readonly open = new Set<object>();
  private remaining = mostPlainValues;
  constructor(private readonly foreign: (value: object) => unknown) {}

  get isUsedUp(): boolean { return this.remaining < 0; }

  convert(value: unknown, depth: number): unknown {
    if (--this.remaining < 0) return "...";
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (typeof value === "bigint") return this.text(String(value));
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value ?? null;
    if (depth > deepest || this.open.has(value)) return "...";
    this.open.add(value);
    const result = this.foreign(value) ?? this.container(value, depth);
    this.open.delete(value);
    return result;
  }

  private text(value: string): string {
    this.remaining -= value.length / charactersPerValue;
    return value.length > longestText ? `${value.slice(0, longestText)}...` : value;
  }

  private container(value: object, depth: number): unknown {
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    if (value instanceof PickleGlobal) return value.path;
    if (value instanceof PickleObject) return this.object(value, depth);
    if (value instanceof Map) return this.entries(value as Map<unknown, unknown>, depth, emptyRecord());
    return this.list(value instanceof Set ? (value as Set<unknown>) : sequenceItems(value) ?? [], depth);
  }

  private list(items: Iterable<unknown>, depth: number): unknown[] {
    const list: unknown[] = [];
    for (const item of items) {
      list.push(this.convert(item, depth + 1));
      if (this.remaining < 0) break;
    }
    return list;
  }

  private object(value: PickleObject, depth: number): unknown {
    const record = emptyRecord();
    record["class"] = value.path;
    if (value.args.length > 0) record["args"] = this.list(value.args, depth);
    if (value.state instanceof Map) this.entries(value.state as Map<unknown, unknown>, depth, record);
    else if (value.state !== undefined && value.state !== null) record["state"] = this.convert(value.state, depth + 1);
    if (value.items !== undefined) this.entries(value.items, depth, record);
    if (value.elements !== undefined) record["elements"] = this.list(value.elements, depth);
    return record;
  }

  private entries(map: ReadonlyMap<unknown, unknown>, depth: number, record: Record<string, unknown>): Record<string, unknown> {
    for (const [key, value] of map) {
      record[this.text(keyText(key))] = this.convert(value, depth + 1);
      if (this.remaining < 0) break;
    }
    return record;
  }
}

/** Without a prototype no key of a file, "__proto__" included, means anything. */
const emptyRecord = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

function keyText(key: unknown): string {
  const items = sequenceItems(key);
  if (items !== null) return `(${items.slice(0, 16).map((item) => (sequenceItems(item) === null ? keyText(item) : "...")).join(", ")})`;
  if (key instanceof PickleGlobal) return key.path;
  return typeof key === "object" && key !== null ? "..." : String(key).slice(0, longestText);
}
