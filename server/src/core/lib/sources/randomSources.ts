/**
 * @file Random sources (method sections 2.4 and 3.2): independent signs in place of exact sums over output positions, output features or both.
 * Every sample has its own generator, keyed by its place in the data: the same seed gives the same signs whatever the batches.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import type { Matrix } from "../../linalg/matrix";
import { keyedRandom } from "../../random";
import type { BasisSources } from "../options";
import { sourceChunks, type Source, type Sources } from "./sourceChunks";

/** Keeps apart what Grams and edges of one section draw. */
const purpose = { gram: 1, edges: 2 } as const;

/** Writes the signs of one source for one sample into phi [T, features], which is 0 before. */
type Draw = (source: Source, sample: number, phi: Float64Array, positions: number) => void;

/**
 * Sources of the Jacobian Gram:
 *   position r_p        for every feature r_p draws of independent signs over the positions
 *   hidden r_h          for every position r_h draws of independent signs over the features
 *   both                r_p r_h draws of independent signs everywhere
 * @param nextC columns are the output features
 * @param section index, so that sections draw apart
 */
export function gramSources(engine: Engine, nextC: Matrix, { position, hidden }: BasisSources, seed: number, section: number): Sources {
  const features = nextC.cols;
  const generator = (source: Source, sample: number): (() => number) => keyedRandom(seed, purpose.gram, section, sample, source.position, source.feature);
  if (hidden === null) {
    const draws = position ?? 1;
    return randomSources(engine, nextC, draws, (_, size) => sourceChunks(draws, features, size), (source, sample, phi, positions) => {
      const random = generator(source, sample);
      for (let t = 0; t < positions; t += 1) phi[t * features + source.feature] = sign(random);
    });
  }
  if (position === null) {
    return randomSources(engine, nextC, hidden, (positions, size) => sourceChunks(positions, hidden, size), (source, sample, phi) => {
      const random = generator(source, sample);
      for (let feature = 0; feature < features; feature += 1) phi[source.position * features + feature] = sign(random);
    });
  }
  return randomSources(engine, nextC, position * hidden, (_, size) => sourceChunks(position, hidden, size), (source, sample, phi) => {
    const random = generator(source, sample);
    for (let at = 0; at < phi.length; at += 1) phi[at] = sign(random);
  });
}

/** Random signs over the output positions of a section, for squared edges (method section 3.2). */
export interface EdgeDraws {
  /** Draws per sample, Q. */
  readonly count: number;
  /** Writes the signs of one draw for one sample of the pass over the data into `into` [T]. */
  signs(draw: number, sample: number, into: Float64Array): void;
}

/** @param section index, so that sections draw apart */
export function edgeDraws(count: number, seed: number, section: number): EdgeDraws {
  return {
    count,
    signs: (draw, sample, into) => {
      const random = keyedRandom(seed, purpose.edges, section, sample, draw);
      for (let t = 0; t < into.length; t += 1) into[t] = sign(random);
    },
  };
}

/** The same draws as sources of the general path: each is shared by all features. */
export function edgeSources(engine: Engine, nextC: Matrix, draws: EdgeDraws): Sources {
  const features = nextC.cols;
  return randomSources(engine, nextC, draws.count, (_, size) => sourceChunks(draws.count, features, size), (source, sample, phi, positions) => {
    const signs = new Float64Array(positions);
    draws.signs(source.position, sample, signs);
    for (let t = 0; t < positions; t += 1) phi[t * features + source.feature] = signs[t];
  });
}

/** 1 or -1 with equal chance. */
const sign = (random: () => number): number => (random() < 0.5 ? -1 : 1);

function randomSources(engine: Engine, nextC: Matrix, draws: number, chunks: Sources["chunks"], draw: Draw): Sources {
  const { rows: width, cols: features } = nextC;
  const back = transpose(nextC);
  return {
    draws,
    chunks,
    cotangent: (chunk, positions, firstSample, samples): Tensor => {
      const size = positions * features;
      const signs = new Float64Array(samples * chunk.length * size);
      for (let sample = 0; sample < samples; sample += 1) {
        for (const [index, source] of chunk.entries()) {
          const start = (sample * chunk.length + index) * size;
          draw(source, firstSample + sample, signs.subarray(start, start + size), positions);
        }
      }
      const rows = engine.matMul(engine.tensor(signs, [signs.length / features, features]), engine.tensor(back.data, [features, width]));
      return engine.reshape(rows, [samples, chunk.length, positions, width]);
    },
  };
}
