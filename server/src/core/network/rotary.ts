/** @file Rotary positions: queries and keys are turned by angles that grow with their position, so that scores see distances only. */

import type { Engine, Tensor } from "../../engine/engine";
import { matrix, type Matrix } from "../linalg/matrix";
import type { RotaryScaling, RotaryShape } from "./module";

/** Tensors that turn rows of a head's width at positions 0 to S - 1: x cos + (x swap) sin. */
export interface Rotation {
  /** [S, width]; 1 at components that are not turned */
  readonly cosines: Tensor;
  /** [S, width]; 0 at components that are not turned */
  readonly sines: Tensor;
  /** [width, width]: every pair (a, b) becomes (-b, a) */
  readonly swap: Tensor;
}

/** @param width of one head @param positions S */
export function rotation(engine: Engine, rotary: RotaryShape, width: number, positions: number): Rotation {
  const frequencies = rotaryFrequencies(rotary);
  const pairs = rotaryPairs(rotary);
  const cosines = matrix(positions, width).data.fill(1);
  const sines = matrix(positions, width).data;
  for (let position = 0; position < positions; position += 1) {
    pairs.forEach((pair, index) => {
      const angle = position * frequencies[index];
      for (const component of pair) {
        cosines[position * width + component] = Math.cos(angle);
        sines[position * width + component] = Math.sin(angle);
      }
    });
  }
  const { data } = pairSwap(rotary, width);
  return { cosines: engine.tensor(cosines, [positions, width]), sines: engine.tensor(sines, [positions, width]), swap: engine.tensor(data, [width, width]) };
}

/** x [.., S, width] turned by its positions; turned back with `inverse`, which is also the transpose. */
export function rotate(engine: Engine, { cosines, sines, swap }: Rotation, x: Tensor, inverse = false): Tensor {
  const across = engine.mul(engine.matMul(x, swap), sines);
  const along = engine.mul(x, cosines);
  return inverse ? engine.sub(along, across) : engine.add(along, across);
}

/** [width, width], row vectors from the left: every pair (a, b) becomes (-b, a), all other components 0. */
export function pairSwap(rotary: RotaryShape, width: number): Matrix {
  const swap = matrix(width, width);
  for (const [first, second] of rotaryPairs(rotary)) {
    swap.data[second * width + first] = -1;
    swap.data[first * width + second] = 1;
  }
  return swap;
}

/** Components of every pair. */
function rotaryPairs({ dimensions, pairing }: RotaryShape): [number, number][] {
  const count = dimensions / 2;
  return Array.from({ length: count }, (_, pair) => (pairing === "adjacent" ? [2 * pair, 2 * pair + 1] : [pair, pair + count]));
}

/** Angle per position of every pair, in radians. */
export function rotaryFrequencies({ dimensions, base, scaling }: RotaryShape): number[] {
  return Array.from({ length: dimensions / 2 }, (_, pair) => scaledFrequency(base ** ((-2 * pair) / dimensions), scaling));
}

function scaledFrequency(frequency: number, scaling: RotaryScaling | null): number {
  if (!scaling) return frequency;
  const lowered = frequency / scaling.factor;
  if (scaling.kind === "linear") return lowered;
  const turns = (scaling.originalPositions * frequency) / (2 * Math.PI);
  const share = (turns - scaling.lowFrequencyFactor) / (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
  const kept = Math.min(1, Math.max(0, share));
  return kept * frequency + (1 - kept) * lowered;
}
