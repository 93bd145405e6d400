/** @file A result without its long lists of edges: what a host keeps in memory, lists and shows in a hover. */

import type { EdgeList, ResultHeading, ResultMetadata, ResultOutline } from "../../protocol/result";

/** Features after the first one, by falling importance, whose strongest partners are kept. */
export const outlinedFeatures = 5;
/** Edges kept of each of them. */
export const outlinedPartners = 3;

export function outlineOf(metadata: ResultMetadata): ResultOutline {
  return { ...metadata, sections: metadata.sections.map(({ edges, ...section }) => ({ ...section, strongest: strongest(edges) })) };
}

/** What a list of results shows, without spectra and labels either. */
export function headingOf({ layers, sections, ...facts }: ResultOutline): ResultHeading {
  return {
    ...facts,
    layers: layers.map(({ lambda: _lambda, gramEigenvalues: _gramEigenvalues, labels: _labels, ...layer }) => layer),
    sections: sections.map(({ strongest: _strongest, ...section }) => section),
  };
}

/** Edges are sorted by weight: the first ones of a feature are its strongest. Those to the constant feature (target 0) say nothing. */
function strongest({ source, target, weight }: EdgeList): EdgeList {
  const kept: EdgeList = { source: [], target: [], weight: [] };
  const found = new Uint32Array(1 + outlinedFeatures);
  for (const [at, feature] of source.entries()) {
    if (feature === 0 || feature > outlinedFeatures || target[at] === 0 || found[feature]! >= outlinedPartners) continue;
    found[feature]! += 1;
    kept.source.push(feature);
    kept.target.push(target[at]!);
    kept.weight.push(weight[at]!);
  }
  return kept;
}
