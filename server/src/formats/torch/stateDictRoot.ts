/** @file Where in a checkpoint the network's own tensors are, and what else it says. */

import { mostPlainValues, plainData, plainEntries } from "../pickle/plainData";
import { PickleObject } from "../pickle/pickleValues";
import { collectTensors, moduleState, WalkAllowance, type NamedTensors } from "./namedTensors";
import { TorchTensor } from "./torchTensors";

export interface CheckpointContents {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Plain data: what stands beside the tensors, and the facts of modules. */
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly notes: readonly string[];
}

/** Under which key training loops put the network, in order of preference. */
const networkKeys = ["state_dict", "model_state_dict", "model_state", "model", "module", "network", "net", "params", "weights"];
/** Of what is left out, in a note. */
const [mostShown, longestShown] = [20, 80];
/** Tensors of the training process, not of the network. */
const trainingKey = /optim|sched|scaler|amp|loop|callback|rng|grad|moment/i;

/**
 * The network's tensors by the names that `state_dict()` gives them. A checkpoint that holds more (optimizer, epoch, hyper-parameters)
 * is reduced to its network; the rest becomes metadata, and a note says which tensors were left out.
 */
export function readCheckpoint(value: unknown, where: string): CheckpointContents {
  const allowance = new WalkAllowance(where);
  const key = networkKey(value, allowance);
  const network = key === null ? value : (value as ReadonlyMap<unknown, unknown>).get(key);
  const found = collectTensors(network, allowance);
  const notes: string[] = [];
  if (key !== null) notes.push(...rootNotes(value as ReadonlyMap<unknown, unknown>, key, allowance));
  if (found.unread.length > 0) {
    notes.push(`${found.unread.length} tensors of kinds that are not read are left out: ${found.unread.slice(0, 5).join(", ")}${found.unread.length > 5 ? ", ..." : ""}.`);
  }
  return { tensors: found.tensors, metadata: metadataOf(value, key, found), notes };
}

/** The key of a dict that holds the network, or null when all of `value` is the network. */
function networkKey(value: unknown, allowance: WalkAllowance): string | null {
  if (!(value instanceof Map)) return null;
  const entries = [...(value as Map<unknown, unknown>)];
  if (entries.some(([, entry]) => entry instanceof TorchTensor)) return null;
  const holders = entries
    .filter((entry): entry is [string, unknown] => typeof entry[0] === "string" && collectTensors(entry[1], allowance).tensors.size > 0)
    .map(([name]) => name);
  const known = networkKeys.find((name) => holders.includes(name));
  if (known !== undefined) return known;
  const candidates = holders.filter((name) => !trainingKey.test(name));
  return candidates.length === 1 ? candidates[0]! : null;
}

function rootNotes(checkpoint: ReadonlyMap<unknown, unknown>, key: string, allowance: WalkAllowance): string[] {
  const others: string[] = [];
  for (const [name, entry] of checkpoint) {
    const count = name === key ? 0 : collectTensors(entry, allowance).tensors.size;
    if (count > 0) others.push(`"${typeof name === "string" ? name.slice(0, longestShown) : "..."}" (${count} tensors)`);
  }
  if (others.length === 0) return [];
  return [`The tensors are those of "${key}"; left out: ${others.slice(0, mostShown).join(", ")}${others.length > mostShown ? ", ..." : ""}.`];
}

function metadataOf(value: unknown, key: string | null, found: NamedTensors): Map<string, unknown> {
  const metadata = value instanceof Map ? plainEntries(factsBeside(value as Map<unknown, unknown>, key, found), describeTensor) : new Map<string, unknown>();
  if (key !== null) metadata.set("tensorsFrom", key);
  if (found.modules.size > 0) metadata.set("modules", moduleFacts(found.modules));
  return metadata;
}

function* factsBeside(checkpoint: ReadonlyMap<unknown, unknown>, key: string | null, found: NamedTensors): Generator<readonly [string, unknown]> {
  const modules = new Set(found.modules.values());
  for (const [name, entry] of checkpoint) {
    const isBeside = name !== key && entry !== checkpoint && !(entry instanceof TorchTensor);
    if (isBeside && typeof name === "string" && hasFacts(entry, modules)) yield [name, entry];
  }
}

/** False for dicts of nothing but tensors and for modules, which are listed as such. */
function hasFacts(entry: unknown, modules: ReadonlySet<PickleObject>): boolean {
  if (entry instanceof PickleObject && modules.has(entry)) return false;
  if (!(entry instanceof Map) || entry.size === 0) return true;
  for (const item of (entry as Map<unknown, unknown>).values()) if (!(item instanceof TorchTensor)) return true;
  return false;
}

/** Class and constructor facts of every module by name: `{ "fc1": { class: "torch.nn.modules.linear.Linear", in_features: 4, ... } }`. */
function moduleFacts(modules: ReadonlyMap<string, PickleObject>): unknown {
  const facts = new Map<string, unknown>();
  // One module may stand at many places: more facts than plain data keep are not gathered.
  let left = mostPlainValues;
  for (const [name, module] of modules) {
    const fields = new Map<unknown, unknown>([["class", module.path]]);
    for (const [field, value] of moduleState(module) ?? []) {
      if (--left < 0) break;
      if (typeof field === "string" && !field.startsWith("_")) fields.set(field, value);
    }
    facts.set(name, fields);
    if (--left < 0) break;
  }
  return plainData(facts, describeTensor);
}

function describeTensor(value: object): unknown {
  return value instanceof TorchTensor ? `tensor ${value.dtype} [${value.shape.join(", ")}]` : undefined;
}
