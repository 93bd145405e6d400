/**
 * @file The general path's work in pieces that fit the memory budget: some samples, some sources at a time, all in one product.
 * A "source" is one output feature i at one output position t; its cotangent at the section's output is column i of C at t.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { identity } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import type { Section, SectionRun } from "../../network/section";
import { largestChunk, longestChunk } from "../closedForms/chunks";
import { backwardCost } from "../plans/sectionCost";
import type { IntegrationPoint } from "./integration";

/** Tensors of about this many times a chunk's Jacobian are alive at once during the backward pass. */
const liveTensors = 4;

/** Position-wise sections have no cross-position terms: their positions are just more samples (S = 1). */
export function isPositionWise(section: Section): boolean {
  return section.modules.every(({ structure }) => structure.kind !== "attention" && structure.kind !== "last-position");
}

/** [B, S, d] -> [B * S, 1, d] */
export function positionsAsSamples(engine: Engine, x: Tensor): Tensor {
  const [samples, positions, width] = x.shape;
  return engine.reshape(x, [samples * positions, 1, width]);
}

/** What jointly stands for all output features and positions of a section. */
export interface Sources {
  /** Draws per exact source, by which the sum is divided. */
  readonly draws: number;
  /** All sources of a section with T output positions, at most `size` in one chunk. */
  chunks(positions: number, size: number): Iterable<readonly Source[]>;
  /**
   * Cotangents [1 or samples, count, T, d'] of a chunk.
   * @param firstSample place of the first of the samples in the pass over the data
   */
  cotangent(chunk: readonly Source[], positions: number, firstSample: number, samples: number): Tensor;
}

/** Every output feature at every output position, the same for all samples. @param nextC columns are the features */
export function exactSources(engine: Engine, nextC: Matrix): Sources {
  return {
    draws: 1,
    chunks: (positions, size) => sourceChunks(positions, nextC.cols, size),
    cotangent: (chunk, positions) => chunkCotangent(engine, nextC, chunk, positions),
  };
}

/** One output feature at one output position; of random sources (randomSources.ts) the places say which draw they are. */
export interface Source {
  readonly position: number;
  readonly feature: number;
}

/** All sources of a section with T output positions and `features` output features, at most `size` in one chunk. */
export function* sourceChunks(positions: number, features: number, size: number): Generator<Source[]> {
  const all = positions * features;
  for (let first = 0; first < all; first += size) {
    yield Array.from({ length: Math.min(size, all - first) }, (_, index) => (
      { position: Math.floor((first + index) / features), feature: (first + index) % features }
    ));
  }
}

/** Number of sources and samples of one chunk within the budget, such that its backward passes from all integration points stay short. */
export function chunkSizes(
  section: Section, positions: number, samples: number, features: number, { memoryBudget, points }: { memoryBudget: number; points: readonly unknown[] },
): { sources: number; samples: number } {
  const bytesPerValue = section.engine.precision === "float64" ? 8 : 4;
  const bytes = Math.min(memoryBudget, largestChunk);
  const fitting = bytes / (liveTensors * bytesPerValue * valuesPerSource(section, positions));
  const short = longestChunk(section.engine) / (positions * (points.length * backwardCost(section, positions) + section.inputWidth ** 2));
  const places = Math.min(fitting, short);
  const sources = Math.max(1, Math.min(features * positions, Math.floor(places / samples)));
  return { sources, samples: Math.max(1, Math.min(samples, Math.floor(places / sources))) };
}

/** Numbers of the widest tensor that one source's backward pass makes per sample: activations, or attention scores. */
function valuesPerSource(section: Section, positions: number): number {
  return Math.max(...section.modules.map(({ inputWidths, outputWidths, structure }) => {
    const scores = structure.kind === "attention" ? structure.attention.heads * positions : 0;
    return positions * Math.max(sum(inputWidths), sum(outputWidths), scores);
  }));
}

/** Cotangent [1, R, T, d'] of R sources: columns of C of the next layer as rows, each at its source's position. */
export function chunkCotangent(engine: Engine, nextC: Matrix, sources: readonly Source[], positions: number): Tensor {
  const width = nextC.rows;
  const values = new Float64Array(sources.length * positions * width);
  for (const [index, { position, feature }] of sources.entries()) {
    const start = (index * positions + position) * width;
    for (let row = 0; row < width; row += 1) values[start + row] = nextC.data[row * nextC.cols + feature];
  }
  return engine.tensor(values, [1, sources.length, positions, width]);
}

/** Adds to row i of `target` the values [R, cols] of every source that is feature i. */
export function addSourceRows(target: Matrix, sources: readonly Source[], values: ArrayLike<number>, factor: number): void {
  for (const [index, { feature }] of sources.entries()) {
    const from = index * target.cols;
    const to = feature * target.cols;
    for (let col = 0; col < target.cols; col += 1) target.data[to + col] += factor * values[from + col];
  }
}

/** C of the next layer, or the identity over the section's output components. */
export const featuresOfOutput = (section: Section, nextC: Matrix | null): Matrix => nextC ?? identity(section.outputWidth);

/** Forward passes at alpha * x for every integration point. */
export function runsAlong(section: Section, x: Tensor, points: readonly IntegrationPoint[]): SectionRun[] {
  return points.map(({ alpha }) => section.forward(alpha === 1 ? x : section.engine.affine(x, alpha)));
}

/** Every tensor that forward passes keep alive, once each. */
export const tensorsOfRuns = (runs: readonly SectionRun[]): Tensor[] => [...new Set(runs.flatMap((run) => [run.output, ...run.saved.flat()]))];

/** Integrated Jacobian: sum over the points of weight times Jacobian, [B or 1, R, S, d]. */
export function integratedVjp(section: Section, runs: readonly SectionRun[], points: readonly IntegrationPoint[], cotangent: Tensor): Tensor {
  const { engine } = section;
  const terms = runs.map((run, index) => {
    const jacobian = section.vjp(run, cotangent);
    return points[index].weight === 1 ? jacobian : engine.affine(jacobian, points[index].weight);
  });
  return terms.reduce((total, term) => engine.add(total, term));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
