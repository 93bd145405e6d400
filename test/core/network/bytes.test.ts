import { describe, expect, it } from "vitest";
import { evenSample } from "../../../server/src/core/network/evenSample";
import type { NetworkInputs } from "../../../server/src/core/network/network";
import { mlpOf, mlpWeights, referenceEngine } from "../support/networks";

const [count, width] = [9, 4];
const codes = Uint8Array.from({ length: count * width }, (_, index) => (index * 71) % 256);
const meaning = Float32Array.from({ length: 256 }, (_, value) => value / 255 - 0.5);
const bytes: NetworkInputs = { kind: "bytes", values: codes, meaning, count, width };
const numbers: NetworkInputs = { kind: "vectors", values: Float32Array.from(codes, (code) => meaning[code]), count, width };

describe("vectors of bytes", () => {
  it("enter the network as the numbers they mean, from batch to batch", async () => {
    const engine = await referenceEngine();
    const network = mlpOf(mlpWeights([width, 3, 2], 1), engine);
    for (const [start, size] of [[0, 5], [5, 4], [2, 3]] as const) {
      const [[fromBytes], [fromNumbers]] = [network.encode(bytes, start, size), network.encode(numbers, start, size)];
      expect(await engine.read(fromBytes)).toEqual(await engine.read(fromNumbers));
    }
  });

  it("are sampled as their numbers are", () => {
    const labels = Int32Array.from({ length: count }, (_, index) => index % 3);
    const sampled = evenSample({ inputs: bytes, labels }, 4);
    const wanted = evenSample({ inputs: numbers, labels }, 4);
    expect(sampled.labels).toEqual(wanted.labels);
    expect(Float32Array.from(sampled.inputs.values as Uint8Array, (code) => meaning[code])).toEqual(wanted.inputs.values);
  });
});
