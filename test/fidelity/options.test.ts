import { beforeAll, describe, expect, it } from "vitest";
import type { LayerBasis } from "../../server/src/core/lib/basis/layerBasis";
import { createEngine } from "../../server/src/engine/createEngine";
import type { Engine } from "../../server/src/engine/engine";
import { relativeDifference } from "../core/support/analysis";
import { analyseModularAddition, modaddFolder } from "./modularAddition";

/** Seconds on a quiet machine, but it may be a busy one. */
const patience = 600_000;
/** Taken from the front of a random split: all tokens and their structure, a tenth of the time. */
const samples = 400;

describe.skipIf(modaddFolder === null)("options on the authors' checkpoint, seed 0 (skipped without ../shared/data)", () => {
  let engine: Engine;
  beforeAll(async () => { engine = await createEngine({ backend: "wasm", precision: "float64" }); });

  it("the global basis is the local one at ln2.0 and unembed, and not at ln1.0 (method 2.8)", async () => {
    const options = { edgeBases: [], threshold: 1e-10 } as const;
    const local = await analyseModularAddition(0, engine, options, { samples });
    const global = await analyseModularAddition(0, engine, { ...options, global: true }, { samples });
    const difference = (layer: number): number => relativeDifference(global.bases[layer]!.lambda.slice(1, 19), local.bases[layer]!.lambda.slice(1, 19));
    expect(difference(0)).toBeGreaterThan(1e-2);
    expect(agreement(global.bases[0]!, local.bases[0]!, 15)).toBeLessThan(0.99);
    // Up to the directions that the local basis truncates at unembed: nearer with a smaller threshold.
    expect(difference(1)).toBeLessThan(1e-6);
    expect(agreement(global.bases[1]!, local.bases[1]!, 15)).toBeGreaterThan(1 - 1e-4);
    expect([difference(2), agreement(global.bases[2]!, local.bases[2]!, 15)]).toEqual([0, expect.closeTo(1, 14)]);
  }, patience);

  it.each([["float64", 1e-12], ["float32", 1e-6]] as const)("does not depend on the batch size, in %s to %d", async (precision, tolerance) => {
    const own = await createEngine({ backend: "wasm", precision });
    const options = { edgeBases: ["lib"] } as const;
    const whole = await analyseModularAddition(0, own, options, { samples, batchSize: samples });
    for (const batchSize of [61, 7, 150]) {
      const other = await analyseModularAddition(0, own, options, { samples, batchSize });
      for (const layer of [0, 1, 2]) {
        expect(relativeDifference(other.bases[layer]!.lambda, whole.bases[layer]!.lambda)).toBeLessThan(tolerance);
        expect(relativeDifference(other.edges.lib[layer], whole.edges.lib[layer])).toBeLessThan(tolerance);
      }
    }
  }, patience);
});

/** Smallest agreement |cos| of the leading features' columns of C, the constant left out. */
function agreement(a: LayerBasis, b: LayerBasis, count: number): number {
  let smallest = 1;
  for (let col = 1; col <= count; col += 1) {
    let [product, left, right] = [0, 0, 0];
    for (let row = 0; row < a.C.rows; row += 1) {
      const [x, y] = [a.C.data[row * a.C.cols + col], b.C.data[row * b.C.cols + col]];
      product += x * y;
      left += x * x;
      right += y * y;
    }
    smallest = Math.min(smallest, Math.abs(product) / Math.sqrt(left * right));
  }
  return smallest;
}
