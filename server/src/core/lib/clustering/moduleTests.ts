/** @file Whether modules mean something: a resolution for a wanted number, agreement between seeds, modularity against shuffled edges. */

import type { Matrix } from "../../linalg/matrix";
import { seededRandom } from "../../random";
import { adjustedRandIndex } from "./agreement";
import { leiden } from "./leiden";
import { featureGraph, type ModuleOptions } from "./modules";
import { modularity, type WeightedGraph } from "./weightedGraph";

/** Modules of more than one feature. */
export function moduleCount(community: Int32Array): number {
  const sizes = new Map<number, number>();
  for (const own of community) sizes.set(own, (sizes.get(own) ?? 0) + 1);
  return [...sizes.values()].filter((size) => size > 1).length;
}

/** Spread of the resolutions tried, as the standard deviation of their logarithm. */
const spread = 1;
const mostDraws = 300;
const enoughHits = 10;

export interface ResolutionSearch {
  resolution: number;
  seed: number;
}

/**
 * Draws resolutions from a lognormal around the given one, keeps the first ten runs that have the wanted number of modules, and takes the one of best
 * modularity (method section 4.5).
 * @returns null when none of three hundred runs has that number
 */
export function searchResolution(graph: WeightedGraph, wanted: number, around: number, seed: number, checkCancelled: () => void): ResolutionSearch | null {
  const random = seededRandom(seed);
  const hits: (ResolutionSearch & { quality: number })[] = [];
  for (let draw = 0; draw < mostDraws && hits.length < enoughHits; draw += 1) {
    checkCancelled();
    const resolution = around * Math.exp(spread * normal(random));
    const community = leiden(graph, { resolution, seed: seed + draw });
    if (moduleCount(community) === wanted) hits.push({ resolution, seed: seed + draw, quality: modularity(graph, community) });
  }
  if (hits.length === 0) return null;
  const { resolution, seed: found } = hits.reduce((best, hit) => (hit.quality > best.quality ? hit : best));
  return { resolution, seed: found };
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface Stability {
  runs: number;
  /** Adjusted Rand index between all pairs of runs, over the features that have an edge. */
  mean: number;
  least: number;
  /** Modularity of the runs. */
  modularity: { least: number; largest: number };
}

/** The same graph clustered from several seeds. */
export function stability(graph: WeightedGraph, resolution: number, seed: number, runs: number, checkCancelled: () => void): Stability {
  const connected = Array.from(graph.strength.keys()).filter((node) => graph.strength[node]! > 0);
  const qualities: number[] = [];
  const partitions = Array.from({ length: runs }, (_, run) => {
    checkCancelled();
    const community = leiden(graph, { resolution, seed: seed + run });
    qualities.push(modularity(graph, community));
    return connected.map((node) => community[node]!);
  });
  const agreements = partitions.flatMap((one, i) => partitions.slice(i + 1).map((other) => adjustedRandIndex(one, other)));
  return {
    runs,
    mean: agreements.length > 0 ? agreements.reduce((sum, value) => sum + value, 0) / agreements.length : 1,
    least: Math.min(1, ...agreements),
    modularity: { least: Math.min(...qualities), largest: Math.max(...qualities) },
  };
}

export interface ShuffleTest {
  shuffles: number;
  /** Modularity of the shuffled graphs. */
  mean: number;
  deviation: number;
  /** How many deviations the real modularity lies above the mean; null when shuffling changes nothing. */
  z: number | null;
  /** Share of shuffled graphs at least as modular, the real one counted among them. */
  p: number;
}

/**
 * Modularity against graphs in which the edges of every section are dealt out anew: as many, as strong, between the same two layers.
 * @param quality modularity of the real graph at the same options
 */
export function shuffleTest(sections: readonly Matrix[], options: ModuleOptions, quality: number, shuffles: number, checkCancelled: () => void): ShuffleTest {
  const seed = options.seed ?? 0;
  const random = seededRandom(seed ^ 0x5bd1e995);
  const found = Array.from({ length: shuffles }, (_, run) => {
    checkCancelled();
    const { graph } = featureGraph(sections, { ...options, permute: random });
    return modularity(graph, leiden(graph, { ...options, seed: seed + run }));
  });
  const mean = found.reduce((sum, value) => sum + value, 0) / shuffles;
  const deviation = Math.sqrt(found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, shuffles - 1));
  return {
    shuffles, mean, deviation,
    z: deviation > 0 ? (quality - mean) / deviation : null,
    p: (1 + found.filter((value) => value >= quality).length) / (1 + shuffles),
  };
}
