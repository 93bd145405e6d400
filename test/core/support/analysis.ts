/** @file Runs an analysis to its end and compares what it gives. */

import { analyzeLib, type Finished, type LibEvent } from "../../../server/src/core/lib/analyze";
import type { LayerBasis, LayerResult } from "../../../server/src/core/lib/basis/layerBasis";
import { defaultLibOptions, silentSignals, type EdgeBasis, type LibOptions, type LibSignals } from "../../../server/src/core/lib/options";
import { ActivationSource } from "../../../server/src/core/lib/statistics/activationSource";
import { matrix, type Matrix } from "../../../server/src/core/linalg/matrix";
import { networkBatches } from "../../../server/src/core/network/batches";
import type { Network, NetworkInputs } from "../../../server/src/core/network/network";
import { cutIntoSections, type SectionedNetwork } from "../../../server/src/core/network/section";
import { usualNodeLayers } from "./networks";

export interface Analysis {
  readonly network: SectionedNetwork;
  readonly layers: readonly LayerResult[];
  /** Bases of the layers that have one, first layer first. */
  readonly bases: readonly LayerBasis[];
  edges(basis: EdgeBasis, section: number): Matrix;
  readonly events: readonly LibEvent[];
}

export interface RunOptions extends Partial<LibOptions> {
  readonly nodeLayers?: readonly string[];
  readonly batchSize?: number;
  readonly signals?: LibSignals;
  readonly finished?: Finished;
}

/** float64 and a threshold far below every real feature, unless told otherwise. */
export async function analyze(network: Network, inputs: NetworkInputs, options: RunOptions = {}): Promise<Analysis> {
  const { nodeLayers = usualNodeLayers(network), batchSize = 64, signals = silentSignals, finished, ...changes } = options;
  const sectioned = cutIntoSections(network, nodeLayers);
  const lib: LibOptions = { ...defaultLibOptions, threshold: 1e-10, ...changes };
  const events: LibEvent[] = [];
  for await (const event of analyzeLib(sectioned, networkBatches(network, inputs, batchSize), lib, signals, finished)) events.push(event);
  const layers = [...(finished?.layers ?? []), ...events.flatMap((event) => (event.kind === "layer" ? [event.layer] : []))]
    .sort((a, b) => a.index - b.index);
  return {
    network: sectioned,
    layers,
    bases: layers.flatMap(({ basis }) => (basis ? [basis] : [])),
    events,
    edges(basis, section) {
      const found = events.find((event) => event.kind === "edges" && event.basis === basis && event.section === section);
      if (found?.kind !== "edges") throw new Error(`No ${basis} edges of section ${section}.`);
      return found.edges;
    },
  };
}

/** All activations of a node layer as rows [N * S, d]. */
export async function activationsAt(network: SectionedNetwork, inputs: NetworkInputs, layer: number): Promise<Matrix> {
  const source = new ActivationSource(network, networkBatches(network.network, inputs, 50), 0, () => undefined);
  const rows: number[] = [];
  let width = 0;
  await source.at(layer).forEachBatch(async (x) => {
    width = x.shape[2];
    for (const value of await network.network.engine.read(x)) rows.push(value);
  });
  return matrix(rows.length / width, width, Float64Array.from(rows));
}

/** Largest |a - b| over the largest |b|; Infinity when shapes differ. */
export function relativeDifference(a: { readonly data: Float64Array; readonly rows?: number; readonly cols?: number } | Float64Array, b: typeof a): number {
  const left = a instanceof Float64Array ? a : a.data;
  const right = b instanceof Float64Array ? b : b.data;
  if (left.length !== right.length) return Infinity;
  let difference = 0;
  let scale = 0;
  for (let index = 0; index < left.length; index += 1) {
    difference = Math.max(difference, Math.abs(left[index] - right[index]));
    scale = Math.max(scale, Math.abs(right[index]));
  }
  return difference === 0 ? 0 : difference / scale;
}

/** Largest relative difference of all Lambda and all edges between two analyses of networks that should be the same to the method. */
export function analysisDifference(a: Analysis, b: Analysis): number {
  const bases = a.bases.map((basis, layer) => relativeDifference(basis.lambda, b.bases[layer].lambda));
  const edges = a.network.sections.map(({ index }) => relativeDifference(a.edges("lib", index), b.edges("lib", index)));
  return Math.max(...bases, ...edges);
}
