import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { featureMapIn } from "../../server/src/core/lib/edges/edgesBetween";
import { fourierLabels } from "../../server/src/core/lib/labels/fourier";
import { matrix, type Matrix } from "../../server/src/core/linalg/matrix";
import { cutIntoSections, type SectionedNetwork } from "../../server/src/core/network/section";
import { createEngine } from "../../server/src/engine/createEngine";
import { openModel } from "../../server/src/formats/openModel";
import { analyseModularAddition, modaddFolder, nodeLayers, readJson, readNetwork } from "./modularAddition";

const modulus = 113;
/** Seconds on a quiet machine, but it may be a busy one. */
const patience = 600_000;

/** Values of every feature on all inputs, summed over positions: [layer][feature][x * modulus + y]. @param bases C [d, r] by layer */
async function featuresOnAllInputs({ network, pre, sections }: SectionedNetwork, bases: readonly Matrix[]): Promise<Float64Array[][]> {
  const { engine } = network;
  const values = Int32Array.from({ length: modulus ** 2 * 3 }, (_, at) => {
    const pair = Math.floor(at / 3);
    return [Math.floor(pair / modulus), pair % modulus, modulus][at % 3]!;
  });
  const inputs = { kind: "tokens" as const, values, count: modulus ** 2, positions: 3, vocabulary: modulus + 1 };
  let x = pre(network.encode(inputs, 0, inputs.count));
  const layers: Float64Array[][] = [];
  for (const [index, { data: C, rows, cols }] of bases.entries()) {
    const features = await engine.read(engine.sum(engine.matMul(x, engine.tensor(C, [rows, cols])), [1]));
    layers.push(Array.from({ length: cols }, (_, feature) => Float64Array.from({ length: inputs.count }, (_, pair) => features[pair * cols + feature]!)));
    x = sections[index]!.forward(x).output;
  }
  return layers;
}

async function authorsBases(seed: number): Promise<Matrix[]> {
  const graph = await openModel(join(modaddFolder!, `seed${seed}`, "lib_graph.pt"));
  const bases: Matrix[] = [];
  for (const layer of [0, 1, 2]) {
    const name = `interaction_rotations.${layer}.C`;
    const [rows, cols] = graph.tensors.find((tensor) => tensor.name === name)!.shape as [number, number];
    bases.push(matrix(rows, cols, Float64Array.from(await graph.read(name))));
  }
  await graph.close();
  return bases;
}

/** The strongest term of every feature that is needed is the published one, and explains as much but for `percent`: the files hold rounded percentages. */
function expectPublished(layers: readonly (readonly Float64Array[])[], seed: number, basis: "lib" | "pca", percent: number): void {
  const published = readFileSync(join(modaddFolder!, `seed${seed}`, `${basis}_labels.csv`), "utf8").trim().split("\n").map((line) => line.split(","));
  const reference = readJson<{ seeds: Record<string, Record<"rib" | "pca", { layers: Record<string, { need_0p1: number }> }>> }>("reference.json");
  for (const [index, layer] of nodeLayers.slice(0, 3).entries()) {
    const needed = reference.seeds[seed]![basis === "lib" ? "rib" : "pca"].layers[layer]!.need_0p1;
    expect(needed).toBeGreaterThan(5);
    for (let feature = 0; feature < needed; feature++) {
      const [dominant] = fourierLabels(layers[index]![feature]!, modulus);
      const [share, name] = /^(\d+)% (.*)$/.exec(published[index]![feature]!.split("|")[0]!)!.slice(1);
      expect(`${layer} feature ${feature}: ${dominant!.text}`).toBe(`${layer} feature ${feature}: ${name}`);
      expect(Math.abs(dominant!.fraction * 100 - Number(share)), `${layer} feature ${feature}`).toBeLessThan(percent);
    }
  }
}

describe.skipIf(modaddFolder === null)("Fourier labels against the authors' files (skipped without ../shared/data)", () => {
  it.each([0, 3])("seed %i, the authors' bases: the dominant label of every needed feature", async (seed) => {
    const network = cutIntoSections(await readNetwork(seed, await createEngine({ backend: "wasm", precision: "float64" })), nodeLayers);
    expectPublished(await featuresOnAllInputs(network, await authorsBases(seed)), seed, "lib", 0.6);
  }, patience);

  it.each([0, 1, 3])("seed %i, own bases in float32: the dominant label of every needed feature, LIB and PCA", async (seed) => {
    const model = await analyseModularAddition(seed, await createEngine({ backend: "wasm", precision: "float32" }), { edgeBases: [] });
    for (const basis of ["lib", "pca"] as const) {
      const bases = [0, 1, 2].map((layer) => featureMapIn(basis, model.bases[layer]!, model.network.nodeLayers[layer]!)!.C);
      expectPublished(await featuresOnAllInputs(model.network, bases), seed, basis, 0.6);
    }
  }, patience);
});
