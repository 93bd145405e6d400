/** @file The graph of the present basis and its threshold: one truth for the Graph and the Table tab. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { resultTensorName, type BasisName } from "../../../server/src/protocol/result";
import type { ViewMatrix } from "../../../server/src/protocol/views";
import type { ViewContext } from "../shared/context";
import type { EdgeNorm } from "../shared/savedState";
import { buildGraph, type Graph } from "./model";
import { countsAt, defaultThreshold, extent } from "./threshold";

/** More outputs than this are one node until the user asks for each: their edges would be a solid fan. */
const mostSeparateOutputs = 16;

export interface GraphStore {
  /** What is drawn. */
  graph: ReadonlySignal<Graph>;
  /** The same with a node for every output: what the tables list. */
  complete: ReadonlySignal<Graph>;
  basis: ReadonlySignal<BasisName>;
  norm: ReadonlySignal<EdgeNorm>;
  /** The outputs are one node; null when the last layer cannot be merged. */
  merged: ReadonlySignal<boolean | null>;
  /** Smallest and largest edge in units of the norm; null without edges. */
  ends: ReadonlySignal<{ smallest: number; largest: number } | null>;
  /** The user's threshold, or one chosen from the data. */
  threshold: ReadonlySignal<number>;
  /** Edges at or above the threshold in `complete`, by section. */
  above: ReadonlySignal<number[]>;
}

export function graphStore(context: ViewContext): GraphStore {
  const options = computed(() => context.state.value.graph);
  const basis = computed(() => options.value.basis);
  const norm = computed(() => options.value.norm);
  const showConstant = computed(() => options.value.showConstant);
  // Taken apart so that a progress report, which changes none of them, rebuilds nothing.
  const layers = computed(() => context.data.value.layers);
  const sections = computed(() => context.data.value.sections);
  const metadata = computed(() => context.data.value.metadata);
  const labels = computed(() => context.labels.value.get(basis.value) ?? null);
  const matrices = signal<ReadonlyMap<number, ViewMatrix>>(new Map());
  const complete = computed(() => buildGraph(
    { layers: layers.value, sections: sections.value, metadata: metadata.value },
    { basis: basis.value, showConstant: showConstant.value, matrices: matrices.value, labels: labels.value },
  ));
  const merged = computed(() => {
    const last = complete.value.layers.at(-1);
    if (last === undefined || !last.known || last.importance !== null || last.count < 2) return null;
    return options.value.mergeOutputs ?? last.count > mostSeparateOutputs;
  });
  const graph = computed(() => (merged.value !== true ? complete.value : buildGraph(
    { layers: layers.value, sections: sections.value, metadata: metadata.value },
    { basis: basis.value, showConstant: showConstant.value, matrices: matrices.value, labels: labels.value, mergeOutputs: true },
  )));
  const ends = computed(() => extent(graph.value, norm.value));
  const automatic = computed(() => defaultThreshold(graph.value, norm.value));
  const threshold = computed(() => options.value.threshold ?? automatic.value);
  const above = computed(() => countsAt(complete.value, norm.value, threshold.value));

  // Edges of the other bases are not part of the summary; they are read when they are first asked for.
  effect(() => {
    const stored = metadata.value;
    const wanted = basis.value;
    matrices.value = new Map();
    if (wanted === "lib" || stored === null) return;
    const read = stored.sections.map(async (_, index) => [index, await context.matrices.get(edgeTensor(wanted, index))] as const);
    void Promise.all(read).then((found) => {
      if (basis.peek() !== wanted || metadata.peek() !== stored) return;
      const known = found.flatMap(([index, matrix]) => (matrix === null ? [] : [[index, matrix] as const]));
      if (known.length === 0) context.fail(`This result stores no edges between ${wanted === "pca" ? "PCA features" : "neurons"}: run the analysis again to see them.`);
      matrices.value = new Map(known);
    }, (error: unknown) => context.fail(error instanceof Error ? error.message : String(error)));
  });
  return { graph, complete, basis, norm, merged, ends, threshold, above };
}

/** Neurons have no edges of their own in a result: how strongly one moves another is the root mean square of the Jacobian. */
const edgeTensor = (basis: "pca" | "neuron", section: number): string =>
  (basis === "pca" ? resultTensorName.edgesPca(section) : resultTensorName.jacobianRms("neuron", section));
