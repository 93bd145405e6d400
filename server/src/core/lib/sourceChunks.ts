/**
 * @file The general path's work in pieces that fit the memory budget: some samples, some output features at a time.
 * A "source" is one output feature i at one output position t; its cotangent at the section's output is column i of C at t.
 */

import type { Engine, Tensor } from "../../engine/engine";
import { identity } from "../linalg/elementary";
import type { Matrix } from "../linalg/matrix";
import type { Section, SectionRun } from "../network/section";
import type { IntegrationPoint } from "./integration";

/** Tensors of about this many times a chunk's Jacobian are alive at once during the backward pass. */
const liveTensors = 4;

/** Position-wise sections have no cross-position terms: their positions are just more samples (S = 1). */
export function isPositionWise(section: Section): boolean {
  return section.modules.every(({ structure }) => structure.kind === "linear" || structure.kind === "activation");
}

/** [B, S, d] -> [B * S, 1, d] */
export function positionsAsSamples(engine: Engine, x: Tensor): Tensor {
  const [samples, positions, width] = x.shape;
  return engine.reshape(x, [samples * positions, 1, width]);
}

/** Cotangents of the sources: of output features `first` to `first + count` at output position t. */
export interface SourceChunk {
  readonly position: number;
  readonly first: number;
  readonly count: number;
}

/** All sources of a section with T output positions and `features` output features, at most `size` in one chunk. */
export function* sourceChunks(positions: number, features: number, size: number): Generator<SourceChunk> {
  for (let position = 0; position < positions; position += 1) {
    for (let first = 0; first < features; first += size) yield { position, first, count: Math.min(size, features - first) };
  }
}

/** Number of sources and samples of one chunk within the budget. */
export function chunkSizes(section: Section, positions: number, samples: number, features: number, memoryBudget: number): { sources: number; samples: number } {
  const width = Math.max(...section.modules.map(({ inputWidths, outputWidths }) => Math.max(sum(inputWidths), sum(outputWidths))));
  const bytesPerValue = section.engine.precision === "float64" ? 8 : 4;
  const places = memoryBudget / (liveTensors * bytesPerValue * positions * width);
  const sources = Math.max(1, Math.min(features, Math.floor(places / samples)));
  return { sources, samples: Math.max(1, Math.min(samples, Math.floor(places / sources))) };
}

/** Cotangent [1, count, T, d'] of a chunk: C of the next layer (identity when null) turned into rows. */
export function chunkCotangent(engine: Engine, nextC: Matrix, chunk: SourceChunk, positions: number): Tensor {
  const width = nextC.rows;
  const values = new Float64Array(chunk.count * positions * width);
  for (let source = 0; source < chunk.count; source += 1) {
    const start = (source * positions + chunk.position) * width;
    for (let row = 0; row < width; row += 1) values[start + row] = nextC.data[row * nextC.cols + chunk.first + source];
  }
  return engine.tensor(values, [1, chunk.count, positions, width]);
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
