/** @file Chains of affine layers, recognised by names and shapes. What shapes cannot tell is guessed and said aloud. */

import type { MlpLayer } from "../../core/network/mlp";
import type { TensorInfo } from "../../formats/modelFile";
import { InputError } from "../errors";
import { activationOf } from "./activationOf";
import { affineLayers, chains, NoChain, splitName, widthsOf, type AffineLayer, type WeightOrder } from "./affineLayers";
import type { MlpArchitecture, ModelFacts } from "./architecture";
import { layerActivations } from "./layerActivations";

/** Layers whose order is searched by shapes when neither the file's nor the names' order chains. */
const searchLimit = 10;

interface Chain { layers: readonly AffineLayer[]; order: WeightOrder; notes: string[] }

/** @returns the network, or why the tensors are no chain of affine layers. @throws InputError for a contradiction with the spec. */
export function inferMlp(facts: ModelFacts): MlpArchitecture | NoChain {
  const { spec } = facts;
  const candidates = facts.tensors.filter(({ name }) => name.startsWith(spec.prefix ?? ""));
  const chosen = spec.layers ? listedTensors(facts, candidates) : candidates;
  const layers = affineLayers(chosen);
  if (layers instanceof NoChain) return layers;
  const chain = findChain(spec.layers ? inListedOrder(layers, facts) : layers, spec.weightOrder ?? null, spec.layers !== undefined);
  if (chain instanceof NoChain) return chain;

  const own = layerActivations(facts, chain.layers.map(({ name }) => name));
  const activation = own ? { ...(own.after[0] ?? { name: "identity" as const }), note: null } : activationOf(facts);
  const used = chain.layers.flatMap(({ weight, bias }) => (bias ? [weight.name, bias.name] : [weight.name]));
  const unused = facts.tensors.filter(({ name }) => !used.includes(name)).map(({ name }) => name);
  const widths = [widthsOf(chain.layers[0]!, chain.order).inputs, ...chain.layers.map((layer) => widthsOf(layer, chain.order).outputs)];
  const family = spec.family === "keras" ? "keras" : spec.family === "layers" || spec.layers ? "layers" : "mlp";
  return {
    kind: "mlp",
    description: {
      family,
      layers: chain.layers.map((layer, index): MlpLayer => {
        const after = own?.after[index];
        return { name: layer.name, weight: layer.weight.name, bias: layer.bias?.name ?? null, order: chain.order, ...(after ? { activation: after } : {}) };
      }),
      activation: activation.name,
      ...(typeof activation.negativeSlope === "number" ? { negativeSlope: activation.negativeSlope } : {}),
    },
    widths,
    how: `${chain.layers.length} affine layers ${widths.join(" → ")} (weights [${chain.order}]), ${own ? `with ${own.after.map((one) => one?.name ?? "nothing").join(", ")} after them` : `${activation.name} between them`}.`,
    tensors: used,
    nodeLayers: [...chain.layers.map((_, index) => `layers.${index}`), "output"],
    notes: [
      ...chain.notes,
      ...(own?.notes ?? []),
      ...(activation.note !== null && chain.layers.length > 1 ? [activation.note] : []),
      ...sidecarNotes(facts, widths),
      ...(unused.length > 0 ? [`Not part of the network and ignored: ${listed(unused)}.`] : []),
    ],
  };
}

/** What the names say about the orientation is tried first, in the order of the file, then of the names; then the other orientation; then all orders. */
function findChain(layers: readonly AffineLayer[], wanted: WeightOrder | null, fixed: boolean): Chain | NoChain {
  const usual = layers[0]!.usualOrder;
  const orders: WeightOrder[] = wanted ? [wanted] : usual === "out,in" ? ["out,in", "in,out"] : ["in,out", "out,in"];
  const byName = [...layers].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  for (const order of orders) {
    const sequence = (fixed ? [layers] : [layers, byName]).find((one) => chains(one, order));
    if (sequence) return { layers: sequence, order, notes: wanted ? [] : orientationNotes(sequence, order) };
  }
  if (!fixed && layers.length <= searchLimit) {
    // Turned round, every chain also fits the other orientation backwards: only the usual one is searched.
    const sequences = sequencesByShape(layers, orders[0]!);
    if (sequences.length === 1) return { layers: sequences[0]!, order: orders[0]!, notes: [`The order of the layers follows from their shapes: ${sequences[0]!.map(({ name }) => name).join(", ")}.`] };
  }
  const shapes = layers.slice(0, 6).map((layer) => `${layer.weight.name} [${layer.weight.shape.join(", ")}]`).join(", ");
  return new NoChain(`its layers do not follow one another (${shapes})`);
}

function orientationNotes(sequence: readonly AffineLayer[], order: WeightOrder): string[] {
  if (!chains(sequence, order === "in,out" ? "out,in" : "in,out")) return [];
  return [`The shapes fit both orientations of the weights; [${order}] is taken from the name "${sequence[0]!.weight.name}". Write "architecture.weightOrder" in the spec if that is wrong.`];
}

/** Orders of the layers in which each takes what the one before gives; at most two, which is enough to know that it is not unique. */
function sequencesByShape(layers: readonly AffineLayer[], order: WeightOrder): AffineLayer[][] {
  const found: AffineLayer[][] = [];
  const extend = (sequence: AffineLayer[], rest: readonly AffineLayer[]): void => {
    if (found.length > 1) return;
    if (rest.length === 0) {
      found.push(sequence);
      return;
    }
    for (const layer of rest) {
      const next = [...sequence, layer];
      if (chains(next.slice(-2), order)) extend(next, rest.filter((one) => one !== layer));
    }
  };
  extend([], layers);
  return found;
}

function listedTensors(facts: ModelFacts, candidates: readonly TensorInfo[]): TensorInfo[] {
  const prefix = facts.spec.prefix ?? "";
  return facts.spec.layers!.flatMap((layer) => {
    const found = candidates.filter(({ name }) => {
      const own = splitName(name).layer;
      return own === layer || own === prefix + layer;
    });
    if (found.length > 0) return found;
    throw new InputError(`"architecture.layers" names "${layer}", but ${facts.model} has no tensor "${prefix}${layer}.weight" or the like: its tensors are ${listed(facts.tensors.map(({ name }) => name))}.`);
  });
}

function inListedOrder(layers: readonly AffineLayer[], facts: ModelFacts): AffineLayer[] {
  const prefix = facts.spec.prefix ?? "";
  return facts.spec.layers!.map((name) => layers.find((layer) => layer.name === name || layer.name === prefix + name)!);
}

/** A sidecar config that describes other sizes belongs to another model, or the training code has changed. */
function sidecarNotes(facts: ModelFacts, widths: readonly number[]): string[] {
  const { sidecar } = facts;
  const sizes = [["model.input_size", widths[0]!], ["model.output_size", widths.at(-1)!]] as const;
  return sizes.flatMap(([field, size]) => {
    const written = sidecar?.number(field) ?? null;
    return written === null || written === size ? [] : [`${sidecar!.name} says ${field} is ${written}, but the weights say ${size}; the weights count.`];
  });
}

export function listed(names: readonly string[]): string {
  return names.length <= 8 ? names.join(", ") : `${names.slice(0, 8).join(", ")} and ${names.length - 8} more`;
}
