/** @file The graph of the present basis and its threshold: one truth for the Graph and the Table tab. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { resultTensorName } from "../../../server/src/protocol/result";
import type { ViewMatrix } from "../../../server/src/protocol/views";
import type { ViewContext } from "../shared/context";
import type { EdgeNorm } from "../shared/savedState";
import { buildGraph, type Graph } from "./model";
import { countsAt, defaultThreshold, extent } from "./threshold";

export interface GraphStore {
  graph: ReadonlySignal<Graph>;
  basis: ReadonlySignal<"lib" | "pca">;
  norm: ReadonlySignal<EdgeNorm>;
  /** Smallest and largest edge in units of the norm; null without edges. */
  ends: ReadonlySignal<{ smallest: number; largest: number } | null>;
  /** The user's threshold, or one chosen from the data. */
  threshold: ReadonlySignal<number>;
  /** Edges at or above the threshold, by section. */
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
  const pcaEdges = signal<ReadonlyMap<number, ViewMatrix>>(new Map());
  const graph = computed(() => buildGraph(
    { layers: layers.value, sections: sections.value, metadata: metadata.value },
    { basis: basis.value, showConstant: showConstant.value, pcaEdges: pcaEdges.value },
  ));
  const ends = computed(() => extent(graph.value, norm.value));
  const automatic = computed(() => defaultThreshold(graph.value, norm.value));
  const threshold = computed(() => options.value.threshold ?? automatic.value);
  const above = computed(() => countsAt(graph.value, norm.value, threshold.value));

  // Edges between PCA features are not part of the summary; they are read when they are first asked for.
  effect(() => {
    const stored = metadata.value;
    if (basis.value !== "pca" || stored === null) {
      pcaEdges.value = new Map();
      return;
    }
    const read = stored.sections.map(async (_, index) => [index, await context.matrices.get(resultTensorName.edgesPca(index))] as const);
    void Promise.all(read).then((found) => {
      if (basis.peek() !== "pca" || metadata.peek() !== stored) return;
      const known = found.flatMap(([index, matrix]) => (matrix === null ? [] : [[index, matrix] as const]));
      if (known.length === 0) context.fail("This result stores no edges between PCA features: run the analysis again to see them.");
      pcaEdges.value = new Map(known);
    }, (error: unknown) => context.fail(error instanceof Error ? error.message : String(error)));
  });
  return { graph, basis, norm, ends, threshold, above };
}
