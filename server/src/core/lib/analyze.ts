/** @file The whole LIB algorithm over a network (method section 2.9): means, Grams, then from the last node layer backwards the bases, then the edges. */

import type { Matrix } from "../linalg/matrix";
import type { BatchSource } from "../network/batches";
import type { NodeLayer, SectionedNetwork } from "../network/section";
import { basisOfLayer } from "./basis/basisOfLayer";
import type { LayerResult } from "./basis/layerBasis";
import { checkLibOptions } from "./checkOptions";
import { edgesBetween, featureMapIn } from "./edges/edgesBetween";
import type { EdgeBasis, LibOptions, LibSignals } from "./options";
import { ActivationSource } from "./statistics/activationSource";
import { layerStatistics } from "./statistics/layerStatistics";
import type { LayerStatistics } from "./statistics/statistics";

export type LibEvent =
  /** From the last node layer backwards. */
  | { readonly kind: "layer"; readonly layer: LayerResult }
  /** E [features of the section's output, features of its input]; from the last section backwards, for one basis after the other. */
  | { readonly kind: "edges"; readonly basis: EdgeBasis; readonly section: number; readonly edges: Matrix; readonly path: string };

/** What an earlier, interrupted run of the same analysis already finished. */
export interface Finished {
  readonly layers: readonly LayerResult[];
  readonly edges: readonly { readonly basis: EdgeBasis; readonly section: number }[];
}

/**
 * Yields every finished layer, then every finished section. What `finished` holds is neither computed nor yielded again.
 * @throws NetworkError for options that exclude each other; whatever `signals.checkCancelled` throws.
 */
export async function* analyzeLib(
  network: SectionedNetwork, batches: BatchSource, options: LibOptions, signals: LibSignals, finished: Finished = { layers: [], edges: [] },
): AsyncGenerator<LibEvent> {
  const source = activationSource(network, batches, options, signals);
  try {
    yield* analyzeActivations(network, source, options, signals, finished);
  } finally {
    source.dispose();
  }
}

/** Activations of a run, which keeps those that fit half of its memory. */
export const activationSource = (network: SectionedNetwork, batches: BatchSource, options: LibOptions, signals: LibSignals): ActivationSource =>
  new ActivationSource(network, batches, options.memoryBudget / 2, () => signals.checkCancelled());

/** As analyzeLib, for a caller that goes on to use the activations which the analysis kept, and disposes them. */
export async function* analyzeActivations(
  network: SectionedNetwork, source: ActivationSource, options: LibOptions, signals: LibSignals, finished: Finished,
): AsyncGenerator<LibEvent> {
  checkLibOptions(options, network.nodeLayers.map(({ name }) => name));
  const layers = new Map(finished.layers.map((layer) => [layer.index, layer]));
  for await (const layer of finishLayers(network, source, options, signals, layers)) {
    layers.set(layer.index, layer);
    yield { kind: "layer", layer };
  }
  const bases = network.nodeLayers.map(({ index }) => layers.get(index)?.basis ?? null);
  const wanted = options.edgeBases
    .flatMap((basis) => network.sections.map(({ index }) => ({ basis, section: index })).reverse())
    .filter(({ basis, section }) => !finished.edges.some((edge) => edge.basis === basis && edge.section === section));
  for (const [place, { basis, section }] of wanted.entries()) {
    const progress = (fraction: number): void => signals.progress("edges", (place + fraction) / wanted.length, `${basis}, ${network.sections[section].from}`);
    const maps = bases.map((layer, index) => featureMapIn(basis, layer, network.nodeLayers[index]));
    const stride = basis === options.edgeBases[0] ? 1 : Math.ceil(source.samples / options.comparisonSamples);
    const sample = stride === 1 ? null : source.sampleAt(section, stride);
    // A few samples are too few draws of random signs: where a closed form makes exact edges possible, the estimate takes them.
    const { structure } = network.sections[section];
    const exactly = sample !== null && structure.kind !== "general";
    const { edges, path } = await edgesBetween(
      network.sections[section], sample?.activations ?? source.at(section), maps, exactly ? { ...options, edgeSources: null } : options, { ...signals, task: progress },
    );
    sample?.dispose();
    yield { kind: "edges", basis, section, edges, path: stride === 1 ? path : `${path}, from one sample in ${stride}` };
  }
}

/** Bases of all unfinished layers from the last backwards; statistics of as many layers as fit come from one pass, just before the first of them. */
async function* finishLayers(
  network: SectionedNetwork, source: ActivationSource, options: LibOptions, signals: LibSignals, known: ReadonlyMap<number, LayerResult>,
): AsyncGenerator<LayerResult> {
  const missing = network.nodeLayers.filter(({ index }) => !known.has(index));
  if (missing.length === 0) return;
  const withBasis = missing.filter(({ index, name }) => index < network.nodeLayers.length - 1 || options.rotateOutput || options.imported.has(name));
  const groups = together(withBasis, options.gramBudget);
  const statistics = new Map<number, LayerStatistics>();
  const found = new Map(known);
  let group = 0;
  for (const [place, layer] of [...missing].reverse().entries()) {
    // The first group comes first of all, also where the output has no basis: a phase does not wait in the middle of another.
    if (group < groups.length && (place === 0 || groups[group].at(-1) === layer)) {
      const start = group;
      const part: LibSignals["progress"] = (phase, fraction, detail) => signals.progress(phase, (start + fraction) / groups.length, detail);
      for (const [index, one] of await layerStatistics(network, source, groups[group], options, { ...signals, progress: part })) statistics.set(index, one);
      group += 1;
    }
    const progress = (fraction: number): void => signals.progress("bases", (place + fraction) / missing.length, layer.name);
    progress(0);
    const next = found.get(options.global ? network.sections.length : layer.index + 1)?.basis ?? null;
    const result = await basisOfLayer(network, layer, statistics.get(layer.index) ?? null, next, source, options, { ...signals, task: progress });
    statistics.delete(layer.index);
    found.set(layer.index, result);
    progress(1);
    yield result;
  }
}

/** Neighbouring layers whose Grams fit the budget, at least one at a time; the groups from the last layers backwards. */
function together(layers: readonly NodeLayer[], gramBudget: number): NodeLayer[][] {
  const groups: NodeLayer[][] = [];
  let left = 0;
  for (const layer of [...layers].reverse()) {
    const bytes = 8 * layer.width * layer.width;
    if (groups.length === 0 || bytes > left) {
      groups.push([]);
      left = gramBudget;
    }
    groups.at(-1)!.unshift(layer);
    left -= bytes;
  }
  return groups;
}
