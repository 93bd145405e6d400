/**
 * @file Inert unpickler. It builds plain data: a GLOBAL is a name, REDUCE, NEWOBJ and BUILD make records; nothing from the file is
 * ever looked up, imported or called. Every length, stack, memo and mark access is checked, and all that is built is charged to a
 * memory budget, so that no pickle can hang or exhaust the process.
 */

import { PickleCursor } from "./pickleCursor";
import { decimalFloat, decimalInteger, quotedString, rawUnicodeEscape, twosComplement } from "./pickleNumbers";
import { Op } from "./pickleOpcodes";
import { PickleStack } from "./pickleStack";
import { PickleGlobal, PickleObject, PickleTuple, sequenceItems } from "./pickleValues";
import { standardValue } from "./standardValues";

/** How our own code gives meaning to records of known names. */
export interface PickleInterpreter {
  /**
   * The value of a call of `callable` with `args`, or undefined to keep the inert record.
   * `charge` must be told the bytes of what is built from the arguments.
   */
  interpret?(callable: PickleGlobal, args: readonly unknown[], charge: (bytes: number) => void): unknown;
  /** The value of a persistent id. Without it persistent ids are refused. */
  persistent?(id: unknown): unknown;
}

export interface Unpickled {
  readonly value: unknown;
  /** Offset after the STOP opcode. */
  readonly end: number;
}

/** Estimated bytes that one pickle may become. */
const defaultBudget = 2 ** 28;
const highestProtocol = 5;
const longestInteger = 4096;
const cost = { opcode: 8, slot: 8, entry: 56, object: 96, memo: 40 } as const;

/**
 * Reads the pickle that starts at `start`.
 * @throws PickleTruncated when `bytes` end before the pickle does
 * @throws FormatError when it is damaged or exceeds the budget
 */
export function unpickle(bytes: Uint8Array, name: string, interpreter: PickleInterpreter = {}, start = 0, budget = defaultBudget): Unpickled {
  return new Unpickler(new PickleCursor(bytes, start, name), interpreter, budget).run();
}

class Unpickler {
  private readonly stack: PickleStack;
  private readonly memo = new Map<number, unknown>();

  constructor(private readonly cursor: PickleCursor, private readonly interpreter: PickleInterpreter, budget: number) {
    this.stack = new PickleStack(cursor, budget);
  }

  run(): Unpickled {
    for (;;) {
      this.stack.charge(cost.opcode);
      const op = this.cursor.uint8();
      if (op === Op.STOP) return { value: this.stack.pop(), end: this.cursor.position };
      if (!this.constant(op) && !this.container(op) && !this.object(op) && !this.bookkeeping(op)) {
        throw this.cursor.damaged(`unknown opcode 0x${op.toString(16)}`);
      }
    }
  }

  /** Opcodes that push a number, text or bytes. */
  private constant(op: number): boolean {
    const c = this.cursor;
    switch (op) {
      case Op.NONE: this.stack.push(null); return true;
      case Op.NEWTRUE: this.stack.push(true); return true;
      case Op.NEWFALSE: this.stack.push(false); return true;
      case Op.BININT: this.stack.push(c.int32()); return true;
      case Op.BININT1: this.stack.push(c.uint8()); return true;
      case Op.BININT2: this.stack.push(c.uint16()); return true;
      case Op.LONG1: this.stack.push(twosComplement(c.take(c.uint8()))); return true;
      case Op.LONG4: this.stack.push(this.longInteger(c.int32())); return true;
      case Op.INT: this.stack.push(this.textInteger(c.line())); return true;
      case Op.LONG: this.stack.push(this.valid(decimalInteger(c.line()), "an unreadable integer")); return true;
      case Op.FLOAT: this.stack.push(this.valid(decimalFloat(c.line()), "an unreadable number")); return true;
      case Op.BINFLOAT: this.stack.push(c.float64()); return true;
      case Op.STRING: this.text(this.valid(quotedString(c.line()), "an unreadable string")); return true;
      case Op.UNICODE: this.text(rawUnicodeEscape(c.line())); return true;
      case Op.BINSTRING: this.text(c.latin1(this.length(c.int32()))); return true;
      case Op.SHORT_BINSTRING: this.text(c.latin1(c.uint8())); return true;
      case Op.BINUNICODE: this.text(c.utf8(c.uint32())); return true;
      case Op.SHORT_BINUNICODE: this.text(c.utf8(c.uint8())); return true;
      case Op.BINUNICODE8: this.text(c.utf8(c.uint64())); return true;
      case Op.BINBYTES: this.bytes(c.take(c.uint32())); return true;
      case Op.SHORT_BINBYTES: this.bytes(c.take(c.uint8())); return true;
      case Op.BINBYTES8: case Op.BYTEARRAY8: this.bytes(c.take(c.uint64())); return true;
      default: return false;
    }
  }

  /** Opcodes that make or fill tuples, lists, dicts and sets. */
  private container(op: number): boolean {
    switch (op) {
      case Op.EMPTY_TUPLE: this.tuple([]); return true;
      case Op.TUPLE1: this.tuple([this.stack.pop()]); return true;
      case Op.TUPLE2: { const b = this.stack.pop(); this.tuple([this.stack.pop(), b]); return true; }
      case Op.TUPLE3: { const c = this.stack.pop(); const b = this.stack.pop(); this.tuple([this.stack.pop(), b, c]); return true; }
      case Op.TUPLE: this.tuple(this.stack.popToMark()); return true;
      case Op.EMPTY_LIST: this.list([]); return true;
      case Op.LIST: this.list(this.stack.popToMark()); return true;
      case Op.APPEND: { const value = this.stack.pop(); this.append([value]); return true; }
      case Op.APPENDS: this.append(this.stack.popToMark()); return true;
      case Op.EMPTY_DICT: this.dict([]); return true;
      case Op.DICT: this.dict(this.stack.popToMark()); return true;
      case Op.SETITEM: { const value = this.stack.pop(); const key = this.stack.pop(); this.setItems([key, value]); return true; }
      case Op.SETITEMS: this.setItems(this.stack.popToMark()); return true;
      case Op.EMPTY_SET: this.set([]); return true;
      case Op.FROZENSET: this.set(this.stack.popToMark()); return true;
      case Op.ADDITEMS: this.addItems(this.stack.popToMark()); return true;
      default: return false;
    }
  }

  /** Opcodes that in Python import and call: here they record names and arguments. */
  private object(op: number): boolean {
    switch (op) {
      case Op.GLOBAL: { const module = this.cursor.line(); this.global(module, this.cursor.line()); return true; }
      case Op.STACK_GLOBAL: { const name = this.stack.pop(); this.global(this.stack.pop(), name); return true; }
      case Op.REDUCE: case Op.NEWOBJ: { const args = this.stack.pop(); this.call(this.stack.pop(), sequenceItems(args) ?? []); return true; }
      case Op.NEWOBJ_EX: { this.stack.pop(); const args = this.stack.pop(); this.call(this.stack.pop(), sequenceItems(args) ?? []); return true; }
      case Op.INST: {
        const module = this.cursor.line();
        this.call(new PickleGlobal(module, this.cursor.line()), this.stack.popToMark());
        return true;
      }
      case Op.OBJ: {
        const [callable, ...args] = this.stack.popToMark();
        this.call(callable, args);
        return true;
      }
      case Op.BUILD: {
        const state = this.stack.pop();
        const target = this.stack.top();
        // The state of a plain dict (OrderedDict's `_metadata`) says nothing about its contents.
        if (target instanceof PickleObject) target.state = state;
        return true;
      }
      case Op.PERSID: this.persistent(this.cursor.line()); return true;
      case Op.BINPERSID: this.persistent(this.stack.pop()); return true;
      default: return false;
    }
  }

  /** Opcodes about the stack, the memo and the stream itself. */
  private bookkeeping(op: number): boolean {
    const c = this.cursor;
    switch (op) {
      case Op.PROTO: {
        const version = c.uint8();
        if (version > highestProtocol) throw c.damaged(`pickle protocol ${version} (known: up to ${highestProtocol})`);
        return true;
      }
      case Op.FRAME: c.take(8); return true;
      case Op.MARK: this.stack.charge(cost.object); this.stack.mark(); return true;
      case Op.POP: if (this.stack.isAtMark) this.stack.popToMark(); else this.stack.pop(); return true;
      case Op.POP_MARK: this.stack.popToMark(); return true;
      case Op.DUP: this.stack.push(this.stack.top()); return true;
      case Op.PUT: this.remember(this.memoIndex(c.line())); return true;
      case Op.BINPUT: this.remember(c.uint8()); return true;
      case Op.LONG_BINPUT: this.remember(c.uint32()); return true;
      case Op.MEMOIZE: this.remember(this.memo.size); return true;
      case Op.GET: this.recall(this.memoIndex(c.line())); return true;
      case Op.BINGET: this.recall(c.uint8()); return true;
      case Op.LONG_BINGET: this.recall(c.uint32()); return true;
      default: return false;
    }
  }

  private valid<T>(value: T | null, problem: string): T {
    if (value === null) throw this.cursor.damaged(problem);
    return value;
  }

  private length(value: number): number {
    if (value < 0) throw this.cursor.damaged("a negative length");
    return value;
  }

  private longInteger(length: number): number | bigint {
    if (this.length(length) > longestInteger) throw this.cursor.damaged("an integer that is too long");
    return twosComplement(this.cursor.take(length));
  }

  /** INT also carries the booleans of protocol 0, as 00 and 01. */
  private textInteger(line: string): unknown {
    if (line === "00" || line === "01") return line === "01";
    return this.valid(decimalInteger(line), "an unreadable integer");
  }

  private memoIndex(line: string): number {
    if (!/^\d{1,9}$/.test(line)) throw this.cursor.damaged("an unreadable memo index");
    return Number(line);
  }

  private text(value: string): void {
    this.stack.charge(cost.slot + 2 * value.length);
    this.stack.push(value);
  }

  private bytes(value: Uint8Array): void {
    this.stack.charge(cost.object);
    this.stack.push(value);
  }

  private tuple(items: unknown[]): void {
    this.stack.charge(cost.object + cost.slot * items.length);
    this.stack.push(new PickleTuple(items));
  }

  private list(items: unknown[]): void {
    this.stack.charge(cost.object + cost.slot * items.length);
    this.stack.push(items);
  }

  private dict(items: readonly unknown[]): void {
    this.stack.charge(cost.object);
    this.stack.push(new Map());
    this.setItems(items);
  }

  private set(items: readonly unknown[]): void {
    this.stack.charge(cost.object + cost.entry * items.length);
    this.stack.push(new Set(items));
  }

  private append(items: readonly unknown[]): void {
    this.stack.charge(cost.slot * items.length);
    const target = this.stack.top();
    const list = Array.isArray(target) ? (target as unknown[]) : target instanceof PickleObject ? (target.elements ??= []) : null;
    if (list === null) throw this.cursor.damaged("an append to something that is no list");
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly unknown[]): void {
    this.stack.charge(cost.entry * items.length);
    const target = this.stack.top();
    const map = target instanceof Map ? (target as Map<unknown, unknown>) : target instanceof PickleObject ? (target.items ??= new Map()) : null;
    if (map === null) throw this.cursor.damaged("an item set on something that is no dict");
    if (items.length % 2 !== 0) throw this.cursor.damaged("a key without a value");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  private addItems(items: readonly unknown[]): void {
    const target = this.stack.top();
    if (!(target instanceof Set)) return this.append(items);
    this.stack.charge(cost.entry * items.length);
    for (const item of items) target.add(item);
  }

  private global(module: unknown, name: unknown): void {
    if (typeof module !== "string" || typeof name !== "string") throw this.cursor.damaged("a class without a name");
    this.stack.charge(cost.object);
    this.stack.push(new PickleGlobal(module, name));
  }

  private call(callable: unknown, args: readonly unknown[]): void {
    this.stack.charge(cost.object);
    this.stack.push((callable instanceof PickleGlobal ? this.meaning(callable, args) : undefined) ?? new PickleObject(callable, args));
  }

  private meaning(callable: PickleGlobal, args: readonly unknown[]): unknown {
    const charge = (bytes: number): void => this.stack.charge(bytes);
    return standardValue(callable, args, charge) ?? this.interpreter.interpret?.(callable, args, charge);
  }

  private persistent(id: unknown): void {
    if (this.interpreter.persistent === undefined) throw this.cursor.damaged("a reference to data outside the pickle");
    this.stack.charge(cost.object);
    this.stack.push(this.interpreter.persistent(id));
  }

  private remember(index: number): void {
    this.stack.charge(cost.memo);
    this.memo.set(index, this.stack.top());
  }

  private recall(index: number): void {
    if (!this.memo.has(index)) throw this.cursor.damaged(`an unknown memo index ${index}`);
    this.stack.push(this.memo.get(index));
  }
}
