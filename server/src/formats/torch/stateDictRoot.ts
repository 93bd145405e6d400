/** @file Where in a checkpoint the network's own tensors are, and what else it says. */

import { plainData } from "../pickle/plainData";
import { PickleObject } from "../pickle/pickleValues";
import { collectTensors, moduleState, type NamedTensors } from "./namedTensors";
import { TorchTensor } from "./torchTensors";

export interface CheckpointContents {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Plain data: what stands beside the tensors, and the facts of modules. */
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly notes: readonly string[];
}

/** Under which key training loops put the network, in order of preference. */
const networkKeys = ["state_dict", "model_state_dict", "model_state", "model", "module", "network", "net", "params", "weights"];
/** Tensors of the training process, not of the network. */
const trainingKey = /optim|sched|scaler|amp|loop|callback|rng|grad|moment/i;

/**
 * The network's tensors by the names that `state_dict()` gives them. A checkpoint that holds more (optimizer, epoch, hyper-parameters)
 * is reduced to its network; the rest becomes metadata, and a note says which tensors were left out.
 */
export function readCheckpoint(value: unknown, where: string): CheckpointContents {
  const key = networkKey(value, where);
  const network = key === null ? value : (value as ReadonlyMap<unknown, unknown>).get(key);
  const found = collectTensors(network, where);
  const notes: string[] = [];
  if (key !== null) notes.push(...rootNotes(value as ReadonlyMap<unknown, unknown>, key, where));
  if (found.unread.length > 0) {
    notes.push(`${found.unread.length} tensors of kinds that are not read are left out: ${found.unread.slice(0, 5).join(", ")}${found.unread.length > 5 ? ", ..." : ""}.`);
  }
  return { tensors: found.tensors, metadata: metadataOf(value, key, found), notes };
}

/** The key of a dict that holds the network, or null when all of `value` is the network. */
function networkKey(value: unknown, where: string): string | null {
  if (!(value instanceof Map)) return null;
  const entries = [...(value as Map<unknown, unknown>)];
  if (entries.some(([, entry]) => entry instanceof TorchTensor)) return null;
  const holders = entries
    .filter((entry): entry is [string, unknown] => typeof entry[0] === "string" && collectTensors(entry[1], where).tensors.size > 0)
    .map(([name]) => name);
  const known = networkKeys.find((name) => holders.includes(name));
  if (known !== undefined) return known;
  const candidates = holders.filter((name) => !trainingKey.test(name));
  return candidates.length === 1 ? candidates[0]! : null;
}

function rootNotes(checkpoint: ReadonlyMap<unknown, unknown>, key: string, where: string): string[] {
  const others: string[] = [];
  for (const [name, entry] of checkpoint) {
    const count = name === key ? 0 : collectTensors(entry, where).tensors.size;
    if (count > 0) others.push(`"${String(name)}" (${count} tensors)`);
  }
  return others.length === 0 ? [] : [`The tensors are those of "${key}"; left out: ${others.join(", ")}.`];
}

function metadataOf(value: unknown, key: string | null, found: NamedTensors): Map<string, unknown> {
  const metadata = new Map<string, unknown>();
  if (value instanceof Map) {
    for (const [name, entry] of value as Map<unknown, unknown>) {
      if (name === key || typeof name !== "string" || entry instanceof TorchTensor || !hasFacts(entry, found)) continue;
      metadata.set(name, plainData(entry, describeTensor));
    }
  }
  if (key !== null) metadata.set("tensorsFrom", key);
  if (found.modules.size > 0) metadata.set("modules", moduleFacts(found.modules));
  return metadata;
}

/** False for dicts of nothing but tensors and for modules, which are listed as such. */
function hasFacts(entry: unknown, found: NamedTensors): boolean {
  if (entry instanceof PickleObject && [...found.modules.values()].includes(entry)) return false;
  if (!(entry instanceof Map) || entry.size === 0) return true;
  return [...(entry as Map<unknown, unknown>).values()].some((item) => !(item instanceof TorchTensor));
}

/** Class and constructor facts of every module by name: `{ "fc1": { class: "torch.nn.modules.linear.Linear", in_features: 4, ... } }`. */
function moduleFacts(modules: ReadonlyMap<string, PickleObject>): unknown {
  const facts = new Map<string, unknown>();
  for (const [name, module] of modules) {
    const fields = new Map<unknown, unknown>([["class", module.path]]);
    for (const [field, value] of moduleState(module) ?? []) {
      if (typeof field === "string" && !field.startsWith("_")) fields.set(field, value);
    }
    facts.set(name, fields);
  }
  return plainData(facts, describeTensor);
}

function describeTensor(value: object): unknown {
  return value instanceof TorchTensor ? `tensor ${value.dtype} [${value.shape.join(", ")}]` : undefined;
}
