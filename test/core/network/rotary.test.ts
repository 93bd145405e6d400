import { beforeAll, describe, expect, it } from "vitest";
import type { RotaryShape } from "../../../server/src/core/network/module";
import { pairSwap, rotate, rotaryFrequencies, rotation } from "../../../server/src/core/network/rotary";
import type { Engine, Tensor } from "../../../server/src/engine/engine";
import { gaussian, referenceEngine } from "../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const width = 8;
const positions = 9;
const shapes: RotaryShape[] = (["adjacent", "halves"] as const).flatMap((pairing) => [8, 6, 2].map((dimensions) => ({ dimensions, base: 40, pairing, scaling: null })));

/** One random row [width] at every position: [1, positions, width]. */
function everywhere(seed: number): Tensor {
  const next = gaussian(seed);
  const row = engine.tensor(Float64Array.from({ length: width }, next), [1, 1, width]);
  return engine.mul(engine.tensor(new Float64Array(positions).fill(1), [1, positions, 1]), row);
}

describe("rotary positions", () => {
  it.each(shapes)("make scores a function of the distance: $pairing, $dimensions components", async (rotary) => {
    const turn = rotation(engine, rotary, width, positions);
    const scores = await engine.read(engine.matMul(rotate(engine, turn, everywhere(1)), rotate(engine, turn, everywhere(2)), { transposeB: true }));
    const at = (t: number, s: number): number => scores[t * positions + s];
    for (let t = 1; t < positions; t += 1) {
      for (let s = 1; s < positions; s += 1) expect(at(t, s)).toBeCloseTo(at(t - 1, s - 1), 11);
    }
    expect(Math.abs(at(4, 0) - at(0, 0))).toBeGreaterThan(1e-3);
  });

  it.each(shapes)("are undone by the inverse, keep lengths and leave the other components: $pairing, $dimensions components", async (rotary) => {
    const turn = rotation(engine, rotary, width, positions);
    const x = everywhere(3);
    const turned = rotate(engine, turn, x);
    const difference = await engine.read(engine.sub(rotate(engine, turn, turned, true), x));
    expect(Math.max(...difference.map(Math.abs))).toBeLessThan(1e-14);
    const lengths = await engine.read(engine.sum(engine.square(turned), [2]));
    for (const length of lengths) expect(length).toBeCloseTo(lengths[0], 12);
    const rest = await engine.read(engine.slice(engine.sub(turned, x), [0, 0, rotary.dimensions], [1, positions, width - rotary.dimensions]));
    expect(rest.every((value) => value === 0)).toBe(true);
  });

  it("swap pairs so that doing it twice changes the sign", () => {
    for (const rotary of shapes) {
      const swap = pairSwap(rotary, width);
      for (let row = 0; row < width; row += 1) {
        for (let col = 0; col < width; col += 1) {
          let twice = 0;
          for (let middle = 0; middle < width; middle += 1) twice += swap.data[row * width + middle] * swap.data[middle * width + col];
          expect(twice + 0).toBe(row === col && row < rotary.dimensions ? -1 : 0);
        }
      }
    }
  });

  it("lower the frequencies that the scaling says, and no others", () => {
    const plain: RotaryShape = { dimensions: 8, base: 10000, pairing: "halves", scaling: null };
    expect(rotaryFrequencies(plain)).toEqual([1, 0.1, 0.01, 0.001].map((value): unknown => expect.closeTo(value, 15)));
    const linear = rotaryFrequencies({ ...plain, scaling: { kind: "linear", factor: 4 } });
    expect(linear.map((value, pair) => value / rotaryFrequencies(plain)[pair])).toEqual([0.25, 0.25, 0.25, 0.25]);
    // Turns within 1000 positions: 159, 15.9, 1.59, 0.159.
    const llama3 = rotaryFrequencies({ ...plain, scaling: { kind: "llama3", factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 1000 } });
    const shares = llama3.map((value, pair) => value / rotaryFrequencies(plain)[pair]);
    expect([shares[0], shares[1], shares[3]]).toEqual([1, 1, 0.125]);
    expect(shares[2]).toBeGreaterThan(0.125);
    expect(shares[2]).toBeLessThan(0.5);
  });
});
