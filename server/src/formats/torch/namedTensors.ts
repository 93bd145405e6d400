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
const longestName = 2048;
/** What one step of a walk counts, about its bytes and time: an entry looked at, one that is entered, and what is listed, beside its name. */
const cost = { entry: 4, container: 64, listed: 200 } as const;

/** A pickle can refer to one value from many places: all walks over the paths of one file together must end. */
export class WalkAllowance {
  private left = 2 ** 28;
  constructor(private readonly where: string) {}

  /** @throws FormatError when it is used up */
  charge(amount: number): void {
    this.left -= amount;
    if (this.left < 0) throw this.exceeded();
  }

  exceeded(): FormatError {
    return new FormatError(`${this.where} nests its contents deeper or wider than any model; save only the state dict, best as safetensors.`);
  }
}

/**
 * Walks dicts, lists, objects and modules. Modules are walked through their parameters, buffers and submodules; buffers that
 * `state_dict()` would leave out are left out.
 * @param allowance of the file
 */
export function collectTensors(root: unknown, allowance: WalkAllowance): NamedTensors {
  const walk = new TensorWalk(allowance);
  if (typeof root === "object" && root !== null) walk.visit(root, "", 0);
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

  constructor(private readonly allowance: WalkAllowance) {}

  /** What `enters` said has something in it. */
  visit(value: object, name: string, depth: number): void {
    if (depth > deepest || name.length > longestName) throw this.allowance.exceeded();
    if (value instanceof TorchTensor) {
      this.allowance.charge(cost.listed + 2 * name.length);
      const key = name === "" ? "tensor" : name;
      if (!this.tensors.has(key)) this.tensors.set(key, value);
      return;
    }
    if (isUnreadTensor(value)) {
      this.allowance.charge(cost.listed + 2 * name.length);
      this.unread.push(`${name} (${value.path.replace(/^.*_rebuild_/, "").slice(0, 40)})`);
      return;
    }
    this.open.add(value);
    this.visitContainer(value, name, depth);
    this.open.delete(value);
  }

  /** Whether there is something in it, charged either way: names are made only for what is. */
  private enters(value: unknown): value is object {
    const within = typeof value === "object" && value !== null && !this.open.has(value);
    this.allowance.charge(within ? cost.container : cost.entry);
    return within;
  }

  private visitItems(items: readonly unknown[], name: string, depth: number): void {
    items.forEach((item, index) => {
      if (this.enters(item)) this.visit(item, join(name, index), depth + 1);
    });
  }

  private visitContainer(value: object, name: string, depth: number): void {
    const items = sequenceItems(value);
    if (items !== null) {
      this.visitItems(items, name, depth);
    } else if (value instanceof Map) {
      this.visitEntries(value as Map<unknown, unknown>, name, depth);
    } else if (value instanceof PickleObject) {
      const state = moduleState(value);
      if (state !== null) this.visitModule(value, state, name, depth);
      else this.visitObject(value, name, depth);
    }
  }

  private visitModule(module: PickleObject, state: ReadonlyMap<unknown, unknown>, name: string, depth: number): void {
    this.allowance.charge(cost.listed + 2 * name.length);
    this.modules.set(name, module);
    const skipped = state.get("_non_persistent_buffers_set");
    this.visitEntries(state.get("_parameters"), name, depth);
    this.visitEntries(state.get("_buffers"), name, depth, skipped instanceof Set ? skipped : undefined);
    this.visitEntries(state.get("_modules"), name, depth);
  }

  private visitObject(object: PickleObject, name: string, depth: number): void {
    this.visitEntries(object.state, name, depth);
    this.visitEntries(object.items, name, depth);
    this.visitItems(object.elements ?? [], name, depth);
  }

  private visitEntries(entries: unknown, name: string, depth: number, skipped?: ReadonlySet<unknown>): void {
    if (!(entries instanceof Map)) return;
    for (const [key, value] of entries as Map<unknown, unknown>) {
      const nameable = typeof key === "string" || typeof key === "number" || typeof key === "boolean";
      if (this.enters(value) && nameable && !skipped?.has(key)) this.visit(value, join(name, key), depth + 1);
    }
  }
}

function join(prefix: string, key: string | number | boolean): string {
  return prefix === "" ? String(key) : `${prefix}.${String(key)}`;
}
