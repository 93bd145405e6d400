/**
 * @file Sections: the pieces of a network between node layers (method sections 1.1, 1.4). A node layer is the concatenation of all tensors
 * that enter its module; a section splits it again, runs its modules and concatenates their outputs.
 */

import type { Engine, Tensor } from "../../engine/engine";
import type { Module } from "./module";
import { runModules, type Network } from "./network";
import { NetworkError } from "./networkError";
import { recognizeStructure, type SectionStructure } from "./sectionStructure";
import { concatLast, splitLast, widenSamples } from "./shapes";

export interface NodeLayer {
  readonly index: number;
  readonly name: string;
  /** Width d of the node layer, constant component(s) included. */
  readonly width: number;
  /** The last component is the constant 1; false for `output`. */
  readonly hasConstant: boolean;
  /** Component 0 is the variance of a norm, which may be kept as a feature of its own (method section 1.5): `ln1_out.*` and `ln2_out.*`. */
  readonly isolatedVariance: boolean;
}

export interface SectionRun {
  /** [B, T, d'] */
  readonly output: Tensor;
  /** Per module, what its vector-Jacobian product needs. */
  readonly saved: readonly (readonly Tensor[])[];
}

export interface Section {
  readonly index: number;
  readonly from: string;
  readonly to: string;
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly engine: Engine;
  readonly modules: readonly Module[];
  /** What the planner of closed forms reads. */
  readonly structure: SectionStructure;
  /** x [B, S, d] -> output [B, T, d'] */
  forward(x: Tensor): SectionRun;
  /** Cotangent [B or 1, R, T, d'] -> [B or 1, R, S, d]; 1 when the Jacobian is the same for all samples. */
  vjp(run: SectionRun, cotangent: Tensor): Tensor;
}

export interface SectionedNetwork {
  readonly network: Network;
  readonly nodeLayers: readonly NodeLayer[];
  /** From the tensors of a batch to the first node layer, [B, S, d]. */
  readonly pre: (tensors: readonly Tensor[]) => Tensor;
  /** `pre` runs no module: the first node layer is what enters the network. */
  readonly startsAtInput: boolean;
  /** sections[l] leads from node layer l to l + 1. */
  readonly sections: readonly Section[];
  /** From one node layer to any later one: neighbouring sections composed. */
  between(from: number, to: number): Section;
  /** From the last node layer [B, T, d] to the output of the network; the identity when that is `output`. */
  readonly post: (x: Tensor) => Tensor;
}

/**
 * @param nodeLayers names in the order of the network; at least two
 * @throws NetworkError when a name is unknown, repeated or out of order.
 */
export function cutIntoSections(network: Network, nodeLayers: readonly string[]): SectionedNetwork {
  const { engine, modules } = network;
  const places = nodeLayerPlaces(network, nodeLayers);
  const layers = nodeLayers.map((name, index): NodeLayer => {
    const place = places[index];
    const isOutput = place === modules.length;
    const widths = isOutput ? modules[place - 1].outputWidths : modules[place].inputWidths;
    return { index, name, width: total(widths), hasConstant: !isOutput, isolatedVariance: !isOutput && entersWithVariance(modules[place]) };
  });
  const first = places[0];
  const last = places[places.length - 1];
  const after = modules.slice(last);
  return {
    network,
    nodeLayers: layers,
    startsAtInput: first === 0,
    pre: (tensors) => concatLast(engine, runModules(modules.slice(0, first), tensors)),
    between: (from, to) => makeSection(engine, layers[from], layers[to], modules.slice(places[from], places[to])),
    sections: layers.slice(0, -1).map((from, index) => makeSection(engine, from, layers[index + 1], modules.slice(places[index], places[index + 1]))),
    post: (x) => (after.length === 0 ? x : concatLast(engine, runModules(after, splitLast(engine, x, after[0].inputWidths)))),
  };
}

function makeSection(engine: Engine, from: NodeLayer, to: NodeLayer, modules: readonly Module[]): Section {
  const outputWidths = modules[modules.length - 1].outputWidths;
  let structure: SectionStructure | undefined;
  return {
    index: from.index,
    from: from.name,
    to: to.name,
    inputWidth: from.width,
    outputWidth: to.width,
    engine,
    modules,
    get structure() {
      structure ??= recognizeStructure(modules);
      return structure;
    },
    forward(x) {
      const saved: (readonly Tensor[])[] = [];
      let tensors: readonly Tensor[] = splitLast(engine, x, modules[0].inputWidths);
      for (const module of modules) {
        const run = module.forward(tensors);
        saved.push(run.saved);
        tensors = run.outputs;
      }
      return { output: concatLast(engine, tensors), saved };
    },
    vjp(run, cotangent) {
      let cotangents = splitLast(engine, cotangent, outputWidths);
      for (let place = modules.length - 1; place >= 0; place -= 1) cotangents = modules[place].vjp(run.saved[place], cotangents);
      const samples = Math.max(...cotangents.map(({ shape }) => shape[0]));
      return concatLast(engine, cotangents.map((part) => widenSamples(engine, part, samples)));
    },
  };
}

/** Index of each node layer's module; the number of modules for `output`. */
function nodeLayerPlaces(network: Network, names: readonly string[]): number[] {
  if (names.length < 2) throw new NetworkError('"nodeLayers" needs at least two names, from the first layer to analyse to the last.');
  const places = names.map((name) => {
    if (!network.nodeLayerNames.includes(name)) {
      throw new NetworkError(`There is no node layer "${name}" in this network. Use names from: ${network.nodeLayerNames.join(", ")}.`);
    }
    return name === "output" ? network.modules.length : network.modules.findIndex(({ id }) => id === name);
  });
  places.slice(1).forEach((place, index) => {
    if (place <= places[index]) {
      throw new NetworkError(`Node layer "${names[index + 1]}" does not come after "${names[index]}". List "nodeLayers" in the order of the network, each once.`);
    }
  });
  return places;
}

/** The final norm is not among them, as in the reference. */
const entersWithVariance = ({ id, structure }: Module): boolean => structure.kind === "norm-divide" && /^ln[12]_out\./.test(id);

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
