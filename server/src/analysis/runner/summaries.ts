/** @file Core results as the plain summaries that are streamed, stored and shown. */

import type { LayerResult } from "../../core/lib/basis/layerBasis";
import type { Matrix } from "../../core/linalg/matrix";
import type { EdgeList, LayerSummary, SectionSummary } from "../../protocol/result";

/** Edges listed per section; the complete matrix is a tensor of the result. They cross the language server, whose event loop reads them in one turn. */
export const listedEdges = 10_000;

export function summarizeLayer(layer: LayerResult): LayerSummary {
  const { basis } = layer;
  return {
    index: layer.index,
    name: layer.name,
    dimension: layer.width,
    kept: basis?.lambda.length ?? 0,
    lambda: [...(basis?.lambda ?? [])],
    gramEigenvalues: [...(basis?.gramEigenvalues ?? [])],
    gramRank: basis?.D.length ?? 0,
    ...(layer.facts !== null ? { basis: layer.facts } : {}),
    ...(layer.path !== null ? { path: layer.path } : {}),
  };
}

/**
 * @param edges E [out, in]; column 0 comes from the constant feature when `hasConstant`.
 * @throws Error when an edge is not finite: then the numbers of the whole run cannot be trusted.
 */
export function summarizeSection(index: number, from: string, to: string, edges: Matrix, hasConstant: boolean): SectionSummary {
  const { rows, cols, data } = edges;
  let total = 0;
  for (let at = 0; at < data.length; at += 1) if (!hasConstant || at % cols !== 0) total += Math.abs(data[at]!);
  if (!Number.isFinite(total)) throw new Error(`The edges from ${from} to ${to} are not finite numbers: the network overflows on this data. Try "precision": "float64", or check the scale of the data.`);
  const { list, truncated } = strongest(edges);
  return { index, from, to, shape: [rows, cols], total, edges: list, truncated };
}

/** Edges by falling absolute weight; zeros are no edges. */
function strongest({ cols, data }: Matrix): { list: EdgeList; truncated: SectionSummary["truncated"] } {
  const { leading, count } = leadingEntries(data, listedEdges + 1);
  const shown = leading.slice(0, listedEdges);
  const first = leading[listedEdges];
  return {
    list: {
      source: shown.map((at) => at % cols),
      target: shown.map((at) => Math.floor(at / cols)),
      weight: shown.map((at) => data[at]!),
    },
    truncated: { count: count - shown.length, largest: first === undefined ? 0 : data[first]! },
  };
}

/**
 * Places of the `most` largest absolute values, by falling value, the first of equal ones first; and how many are not zero. Candidates are
 * sorted whenever twice as many have come together: a wide layer has more edges than a list of all could hold.
 */
function leadingEntries(data: Float64Array, most: number): { leading: number[]; count: number } {
  let candidates: number[] = [];
  let count = 0;
  let smallest = 0;
  const cut = (): void => {
    candidates = candidates.sort((a, b) => Math.abs(data[b]!) - Math.abs(data[a]!) || a - b).slice(0, most);
    if (candidates.length === most) smallest = Math.abs(data[candidates[most - 1]!]!);
  };
  for (let at = 0; at < data.length; at += 1) {
    const size = Math.abs(data[at]!);
    if (size === 0) continue;
    count += 1;
    // An equal one comes later, so it does not displace what is there.
    if (size <= smallest) continue;
    candidates.push(at);
    if (candidates.length >= 2 * most) cut();
  }
  cut();
  return { leading: candidates, count };
}
