/** @file The activation function of a model: from the spec, its sidecar config, facts in the file, or a guess that is said aloud. */

import type { ActivationName } from "../../protocol/spec";
import { InputError } from "../errors";
import type { ModelFacts } from "./architecture";

/** Names that configs and libraries use. */
export const activationNames: ReadonlyMap<string, ActivationName> = new Map([
  ["relu", "relu"], ["gelu", "gelu"], ["gelu_new", "gelu_new"], ["gelu_fast", "gelu_new"], ["gelu_pytorch_tanh", "gelu_new"], ["gelu_python", "gelu"],
  ["tanh", "tanh"], ["sigmoid", "sigmoid"], ["silu", "silu"], ["swish", "silu"], ["leaky_relu", "leaky_relu"], ["leakyrelu", "leaky_relu"],
  ["identity", "identity"], ["linear", "identity"], ["none", "identity"],
]);

const places = ["activation_fn", "act_fn", "activation", "hidden_act", "activation_function", "nonlinearity"];

export interface FoundActivation { name: ActivationName; negativeSlope: number | null; note: string | null }

/** @throws InputError when a config names an activation that is not known here. */
export function activationOf(facts: ModelFacts): FoundActivation {
  const { spec, sidecar } = facts;
  if (spec.activation) return { name: spec.activation, negativeSlope: spec.negativeSlope ?? null, note: null };
  const written = sidecar?.text(...places.flatMap((place) => [`model.${place}`, place])) ?? fromHyperParameters(facts.metadata);
  if (written !== null) return { name: activationNamed(written, facts.sidecar?.file ?? facts.model), negativeSlope: null, note: null };
  const classes = moduleClasses(facts.metadata);
  if (classes.length === 1) return { name: classes[0]!, negativeSlope: null, note: null };
  return {
    name: "relu",
    negativeSlope: null,
    note: "The activation function is not stored with the weights: relu is assumed. If that is wrong, write {\"architecture\": {\"activation\": ...}} in the spec.",
  };
}

/** @param where what names it, for the message @throws InputError when it is not known here */
export function activationNamed(written: string, where: string): ActivationName {
  const name = activationNames.get(written.toLowerCase().replace(/^(torch\.)?nn\.(functional\.)?/, "").replace(/\(.*\)$/, ""));
  if (name) return name;
  throw new InputError(`${where} names the activation "${written.slice(0, 60)}", which cannot be analysed: the known ones are ${[...new Set(activationNames.values())].join(", ")}.`);
}

/** Lightning keeps the arguments of the module's constructor. */
function fromHyperParameters(metadata: ReadonlyMap<string, unknown>): string | null {
  const parameters = metadata.get("hyper_parameters");
  for (const place of places) {
    const value = parameters instanceof Map ? parameters.get(place) : isRecord(parameters) && Object.hasOwn(parameters, place) ? parameters[place] : null;
    if (typeof value === "string") return value;
  }
  return null;
}

/** Activation classes among the modules of a file that stores whole modules, each once. */
function moduleClasses(metadata: ReadonlyMap<string, unknown>): ActivationName[] {
  const modules = metadata.get("modules");
  if (!(modules instanceof Map) && !isRecord(modules)) return [];
  const found = new Set<ActivationName>();
  for (const value of modules instanceof Map ? modules.values() : Object.values(modules)) {
    const written = typeof value === "string" ? value : isRecord(value) && typeof value["class"] === "string" ? value["class"] : "";
    const match = /torch\.nn\.modules\.activation\.(\w+)/.exec(written);
    const name = match && activationNames.get(match[1]!.toLowerCase());
    if (name) found.add(name);
  }
  return [...found];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
