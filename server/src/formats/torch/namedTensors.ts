/** @file Tensors of an unpickled value by dotted name, as `state_dict()` names them. */

import { FormatError } from "../modelFile";
import { PickleObject, sequenceItems } from "../pickle/pickleValues";
import { isUnreadTensor, TorchTensor } from "./torchTensors";

export interface NamedTensors {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Modules of whole-module pickles by name ("" is the outermost), in order of definition. */
  readonly modules: ReadonlyMap<string, PickleObject>;
  /** Names and kinds of tensors that are left out. */
  readonly unread: readonly string[];
}

const deepest = 64;
/** A pickle can refer to one value from many places: a walk over all paths must end. */
const largestWalk = 1_000_000;
const longestName = 2048;

/**
 * Walks dicts, lists, objects and modules. Modules are walked through their parameters, buffers and submodules; buffers that
 * `state_dict()` would leave out are left out.
 * @param where what messages call the file
 */
export function collectTensors(root: unknown, where: string): NamedTensors {
  const walk = new TensorWalk(where);
  walk.visit(root, "", 0);
  return walk;
}

/** State of a module that was saved as a whole, or null. */
export function moduleState(value: unknown): ReadonlyMap<unknown, unknown> | null {
  return value instanceof PickleObject && value.state instanceof Map && value.state.has("_modules") ? (value.state as Map<unknown, unknown>) : null;
}

class TensorWalk implements NamedTensors {
  readonly tensors = new Map<string, TorchTensor>();
  readonly modules = new Map<string, PickleObject>();
  readonly unread: string[] = [];
  private readonly open = new Set<unknown>();
  private steps = 0;

  constructor(private readonly where: string) {}

  visit(value: unknown, name: string, depth: number): void {
    if (typeof value !== "object" || value === null || this.open.has(value)) return;
    if (++this.steps > largestWalk || depth > deepest || name.length > longestName) {
      throw new FormatError(`${this.where} nests its contents deeper or wider than any model; save only the state dict, best as safetensors.`);
    }
    if (value instanceof TorchTensor) {
      const key = name === "" ? "tensor" : name;
      if (!this.tensors.has(key)) this.tensors.set(key, value);
      return;
    }
    if (isUnreadTensor(value)) {
      this.unread.push(`${name} (${value.path.replace(/^.*_rebuild_/, "").slice(0, 40)})`);
      return;
    }
    this.open.add(value);
    this.visitContainer(value, name, depth);
    this.open.delete(value);
  }

  private visitContainer(value: object, name: string, depth: number): void {
    const items = sequenceItems(value);
    if (items !== null) {
      items.forEach((item, index) => this.visit(item, join(name, index), depth + 1));
    } else if (value instanceof Map) {
      this.visitEntries(value as Map<unknown, unknown>, name, depth);
    } else if (value instanceof PickleObject) {
      const state = moduleState(value);
      if (state !== null) this.visitModule(value, state, name, depth);
      else this.visitObject(value, name, depth);
    }
  }

  private visitModule(module: PickleObject, state: ReadonlyMap<unknown, unknown>, name: string, depth: number): void {
    this.modules.set(name, module);
    const skipped = state.get("_non_persistent_buffers_set");
    this.visitEntries(state.get("_parameters"), name, depth);
    this.visitEntries(state.get("_buffers"), name, depth, skipped instanceof Set ? skipped : undefined);
    this.visitEntries(state.get("_modules"), name, depth);
  }

  private visitObject(object: PickleObject, name: string, depth: number): void {
    this.visitEntries(object.state, name, depth);
    this.visitEntries(object.items, name, depth);
    object.elements?.forEach((item, index) => this.visit(item, join(name, index), depth + 1));
  }

  private visitEntries(entries: unknown, name: string, depth: number, skipped?: ReadonlySet<unknown>): void {
    if (!(entries instanceof Map)) return;
    for (const [key, value] of entries as Map<unknown, unknown>) {
      const nameable = typeof key === "string" || typeof key === "number" || typeof key === "bigint" || typeof key === "boolean";
      if (nameable && !skipped?.has(key)) this.visit(value, join(name, key), depth + 1);
    }
  }
}

function join(prefix: string, key: string | number | bigint | boolean): string {
  return prefix === "" ? String(key) : `${prefix}.${String(key)}`;
}
