/**
 * @file What a pickle becomes: plain data and inert records. Python's None, bool, int, float, str, bytes, list, dict and set become
 * null, boolean, number (bigint past 2^53), number, string, Uint8Array, array, Map and Set; everything else is one of these.
 */

/** A tuple: unlike a list it never changes. */
export class PickleTuple {
  constructor(readonly items: readonly unknown[]) {}
}

/** The name of a class or function. It is never looked up or called. */
export class PickleGlobal {
  constructor(readonly module: string, readonly name: string) {}
  get path(): string { return `${this.module}.${this.name}`; }
}

/** What Python would have made by calling something: the call is recorded, not made. */
export class PickleObject {
  state: unknown = undefined;
  /** Entries set on the object by item (subclasses of dict). */
  items: Map<unknown, unknown> | undefined;
  /** Elements appended to the object (subclasses of list). */
  elements: unknown[] | undefined;
  constructor(readonly callable: unknown, readonly args: readonly unknown[]) {}
  /** Dotted name of the class or function, "?" when it is not a plain name. */
  get path(): string { return this.callable instanceof PickleGlobal ? this.callable.path : "?"; }
}

/** Elements of a tuple or list, or null. */
export function sequenceItems(value: unknown): readonly unknown[] | null {
  if (value instanceof PickleTuple) return value.items;
  return Array.isArray(value) ? (value as unknown[]) : null;
}
