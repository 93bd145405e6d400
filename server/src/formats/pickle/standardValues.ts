/** @file Calls of Python's own library that stand for plain data. The names are recognised; nothing is called. */

import { sequenceItems, type PickleGlobal } from "./pickleValues";

/**
 * The value of a call that only builds a set, an ordered dict or bytes; undefined for all others.
 * @param charge is told the bytes of what is built, before it is built
 */
export function standardValue(callable: PickleGlobal, args: readonly unknown[], charge: (bytes: number) => void): unknown {
  switch (callable.path) {
    case "collections.OrderedDict":
      return dictOf(sequenceItems(args[0] ?? []) ?? [], charge);
    case "builtins.set": case "__builtin__.set": case "builtins.frozenset": case "__builtin__.frozenset": {
      const items = sequenceItems(args[0] ?? []) ?? [];
      charge(bytesPerEntry * items.length);
      return new Set(items);
    }
    case "_codecs.encode":
      return encodedBytes(args, charge);
    default:
      return undefined;
  }
}

const bytesPerEntry = 56;

function dictOf(pairs: readonly unknown[], charge: (bytes: number) => void): Map<unknown, unknown> {
  charge(bytesPerEntry * pairs.length);
  const map = new Map<unknown, unknown>();
  for (const pair of pairs) {
    const items = sequenceItems(pair);
    if (items?.length === 2) map.set(items[0], items[1]);
  }
  return map;
}

/** How Python 3 writes bytes for protocols below 3. */
function encodedBytes([text, encoding]: readonly unknown[], charge: (bytes: number) => void): Uint8Array | undefined {
  if (typeof text !== "string" || encoding !== "latin1") return undefined;
  charge(text.length);
  return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}
