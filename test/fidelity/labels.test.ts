import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fourierLabels } from "../../server/src/core/lib/labels/fourier";
import { cutIntoSections } from "../../server/src/core/network/section";
import { buildTransformerLens } from "../../server/src/core/network/transformer/transformerLens";
import type { HostTensor } from "../../server/src/core/network/weights";
import { createEngine } from "../../server/src/engine/createEngine";
import { openModel } from "../../server/src/formats/openModel";

const data = join(__dirname, "..", "..", "..", "shared", "data", "modadd");
const modulus = 113;
const nodeLayers = ["ln1.0", "ln2.0", "unembed", "output"];

/** Values of every feature of the authors' bases on all inputs, summed over positions: [layer][feature][x * modulus + y]. */
async function featuresOnAllInputs(seed: number): Promise<Float64Array[][]> {
  const engine = await createEngine({ backend: "wasm", precision: "float64" });
  const checkpoint = await openModel(join(data, `seed${seed}`, "model_epoch_60000.pt"));
  const weights = new Map<string, HostTensor>();
  for (const { name, shape, dtype } of checkpoint.tensors) {
    if (dtype === "float32") weights.set(name, { shape, values: Float32Array.from(await checkpoint.read(name)) });
  }
  const network = buildTransformerLens(weights, {
    activation: "relu", normalization: null, scaleAttention: true, causal: true, lastPositionOnly: "add_resid1",
  }, engine);
  const values = Int32Array.from({ length: modulus ** 2 * 3 }, (_, at) => {
    const pair = Math.floor(at / 3);
    return [Math.floor(pair / modulus), pair % modulus, modulus][at % 3]!;
  });
  const inputs = { kind: "tokens" as const, values, count: modulus ** 2, positions: 3, vocabulary: modulus + 1 };
  const { pre, sections } = cutIntoSections(network, nodeLayers);
  const graph = await openModel(join(data, `seed${seed}`, "lib_graph.pt"));
  let x = pre(network.encode(inputs, 0, inputs.count));
  const layers: Float64Array[][] = [];
  for (const [index, section] of sections.entries()) {
    const name = `interaction_rotations.${index}.C`;
    const shape = graph.tensors.find((tensor) => tensor.name === name)!.shape;
    const C = engine.tensor(Float64Array.from(await graph.read(name)), shape);
    const features = await engine.read(engine.sum(engine.matMul(x, C), [1]));
    const kept = shape[1]!;
    layers.push(Array.from({ length: kept }, (_, feature) => Float64Array.from({ length: inputs.count }, (_, pair) => features[pair * kept + feature]!)));
    x = section.forward(x).output;
  }
  await Promise.all([checkpoint.close(), graph.close()]);
  return layers;
}

describe.skipIf(!existsSync(data))("Fourier labels against the authors' files (skipped without ../shared/data)", () => {
  it.each([0, 3])("seed %i: the dominant label of every needed feature", async (seed) => {
    const published = readFileSync(join(data, `seed${seed}`, "lib_labels.csv"), "utf8").trim().split("\n").map((line) => line.split(","));
    const reference = JSON.parse(readFileSync(join(data, "reference.json"), "utf8")) as {
      seeds: Record<string, { rib: { layers: Record<string, { need_0p1: number }> } }>;
    };
    const layers = await featuresOnAllInputs(seed);
    for (const [index, layer] of nodeLayers.slice(0, 3).entries()) {
      const needed = reference.seeds[String(seed)]!.rib.layers[layer]!.need_0p1;
      expect(needed).toBeGreaterThan(5);
      for (let feature = 0; feature < needed; feature++) {
        const [dominant] = fourierLabels(layers[index]![feature]!, modulus);
        const [percent, name] = /^(\d+)% (.*)$/.exec(published[index]![feature]!.split("|")[0]!)!.slice(1);
        expect(`${layer} feature ${feature}: ${dominant!.text}`).toBe(`${layer} feature ${feature}: ${name}`);
        expect(Math.abs(dominant!.fraction * 100 - Number(percent))).toBeLessThan(1.001);
      }
    }
  });
});
