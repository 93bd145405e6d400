/** @file What follows each affine layer where it is not the same everywhere: from the spec, or from the modules that the file stores. */

import type { MlpActivation } from "../../core/network/mlp";
import { InputError } from "../errors";
import { activationNames } from "./activationOf";
import type { ModelFacts } from "./architecture";

export interface LayerActivations {
  /** Per layer; null after the last one when nothing follows it. */
  readonly after: readonly (MlpActivation | null)[];
  readonly notes: readonly string[];
}

/**
 * @param layers names of the affine layers in order
 * @returns null when one activation between all layers says everything
 * @throws InputError when the spec lists activations for another number of layers.
 */
export function layerActivations(facts: ModelFacts, layers: readonly string[]): LayerActivations | null {
  const { activation, activations, negativeSlope } = facts.spec;
  if (activations) {
    if (activations.length !== layers.length) {
      throw new InputError(`"architecture.activations" has ${activations.length} entries, but the network has ${layers.length} affine layers (${layers.join(", ")}): give one for each, null for nothing.`);
    }
    const slope = negativeSlope === undefined ? {} : { negativeSlope };
    return {
      after: activations.map((name, index) => {
        if (name !== null) return { name, ...(name === "leaky_relu" ? slope : {}) };
        return index === layers.length - 1 ? null : { name: "identity" };
      }),
      notes: [],
    };
  }
  return activation ? null : storedActivations(facts.metadata, layers);
}

/** Modules between one affine layer and the next, in the order of the file, when exactly one of them is an activation each time. */
function storedActivations(metadata: ReadonlyMap<string, unknown>, layers: readonly string[]): LayerActivations | null {
  const modules = entriesOf(metadata.get("modules"));
  const places = layers.map((layer) => modules.findIndex(([name]) => name === layer));
  if (places.some((place, index) => place < 0 || (index > 0 && place <= places[index - 1]!))) return null;
  const followers = places.map((place, index) => modules.slice(place + 1, places[index + 1]).map(([, facts]) => entriesOf(facts)));
  const after = followers.map((between) => between.map(moduleActivation).filter((one) => one !== null));
  if (after.some((found, index) => (index < layers.length - 1 ? found.length !== 1 : found.length > 1))) return null;
  const softmax = followers.at(-1)!.map(className).find((name) => /^(Log)?Softmax$/.test(name));
  const last = after.at(-1)![0] ?? null;
  const first = JSON.stringify(after[0]);
  if (last === null && softmax === undefined && after.slice(0, -1).every((found) => JSON.stringify(found) === first)) return null;
  return {
    after: after.map((found) => found[0] ?? null),
    notes: softmax === undefined ? [] : [`The ${softmax} at the end is left out: the outputs are the logits before it.`],
  };
}

function moduleActivation(facts: readonly [string, unknown][]): MlpActivation | null {
  const known = activationNames.get(className(facts).toLowerCase());
  if (!known) return null;
  const fields = new Map(facts);
  const slope = fields.get("negative_slope");
  if (known === "leaky_relu" && typeof slope === "number") return { name: known, negativeSlope: slope };
  return { name: known === "gelu" && fields.get("approximate") === "tanh" ? "gelu_new" : known };
}

/** Of PyTorch's own activation and identity modules; empty for any other. */
function className(facts: readonly [string, unknown][]): string {
  const written = new Map(facts).get("class");
  return (typeof written === "string" && /^torch\.nn\.modules\.(?:activation|linear(?=\.Identity$))\.(\w+)$/.exec(written)?.[1]) || "";
}

function entriesOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)].map(([name, entry]) => [String(name), entry]);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
