import { beforeAll, describe, expect, it } from "vitest";
import { evaluateNetwork, type Network } from "../../../../server/src/core/network/network";
import { cutIntoSections, type Section } from "../../../../server/src/core/network/section";
import { buildTransformer } from "../../../../server/src/core/network/transformer/buildTransformer";
import type { Engine, Tensor } from "../../../../server/src/engine/engine";
import { uniform } from "../../linalg/random";
import { vjpDeviation } from "../../support/finiteDifferences";
import { referenceEngine, tokens } from "../../support/networks";
import { context, descriptions, hidden, modelWidth, outputs, randomWeights, vocabulary } from "../../support/transformers";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const samples = 3;
const inputs = tokens(samples, context, vocabulary, 1);
const network = (name: string, lastPositionOnly: string | null = null): Network => {
  const description = { ...descriptions[name], lastPositionOnly };
  return buildTransformer(randomWeights(description, 7), description, engine);
};
const largest = async (x: Tensor): Promise<number> => Math.max(...(await engine.read(x)).map(Math.abs));

const w = modelWidth + 1;
const projected = (heads: number, groups: number): number => heads * 4 + groups * 4 + groups * 5;

/** Method section 1.4, block 1 of 2. */
const sequential = {
  "ln1.1": w, "ln1_out.1": 1 + w, "attn_in.1": 2 * w, "attn_out.1": projected(2, 2) + w, "add_resid1.1": 2 * w,
  "ln2.1": w, "ln2_out.1": 1 + w, "mlp_in.1": 2 * w, "mlp_act.1": hidden + 1 + w, "mlp_out.1": hidden + 1 + w, "add_resid2.1": 2 * w,
  "ln_final": w, "ln_final_out": 1 + w, "unembed": w, "output": outputs,
};
const widths: Record<string, Record<string, number>> = {
  "GPT-2": { add_embed: 2 * w, ...sequential },
  "GPT-NeoX": { add_embed: w, ...sequential, "ln2.1": 2 * w, "ln2_out.1": 1 + 2 * w },
  "llama": { add_embed: w, ...sequential, "attn_out.1": projected(4, 2) + w, "mlp_act.1": 2 * (hidden + 1) + w },
  "without norms": { add_embed: 2 * w, ...sequential, "ln1_out.1": w, "ln2_out.1": w, "ln_final_out": w },
  "parallel without norms": { add_embed: 2 * w, ...sequential, "ln1_out.1": w, "ln2.1": 2 * w, "ln2_out.1": 2 * w, "ln_final_out": w },
};

describe("node layers", () => {
  it.each(Object.entries(widths))("of %s have the widths of the method's table", (name, wanted) => {
    const { nodeLayerNames } = network(name);
    const block = Object.keys(wanted);
    expect(nodeLayerNames.filter((layer) => block.includes(layer))).toEqual(block);
    const { nodeLayers } = cutIntoSections(network(name), block);
    expect(Object.fromEntries(nodeLayers.map((layer) => [layer.name, layer.width]))).toEqual(wanted);
    expect(nodeLayers.filter(({ hasConstant }) => !hasConstant).map((layer) => layer.name)).toEqual(["output"]);
  });

  it("say where the variance of a norm is component 0", () => {
    const isolated = (name: string): string[] => {
      const built = network(name);
      return cutIntoSections(built, built.nodeLayerNames).nodeLayers.filter(({ isolatedVariance }) => isolatedVariance).map((layer) => layer.name);
    };
    const norms = ["ln1_out.0", "ln2_out.0", "ln1_out.1", "ln2_out.1"];
    for (const name of ["GPT-2", "GPT-NeoX", "llama"]) expect(isolated(name)).toEqual(norms);
    expect(isolated("without norms")).toEqual([]);
  });

  it.each(["GPT-2", "GPT-NeoX", "llama"])("of %s hold the variance of the raw residual there", async (name) => {
    const built = network(name);
    for (const [layer, streams] of [["ln1_out.1", 1], ["ln2_out.1", descriptions[name].blockOrder === "parallel" ? 2 : 1]] as const) {
      const x = cutIntoSections(built, [layer, "output"]).pre(built.encode(inputs, 0, samples));
      expect(x.shape[2]).toBe(1 + streams * w);
      const values = await engine.read(x);
      for (let start = 0; start < values.length; start += x.shape[2]) {
        const row = Array.from(values.slice(start + 1, start + 1 + modelWidth));
        const mean = name === "llama" ? 0 : row.reduce((sum, value) => sum + value, 0) / modelWidth;
        expect(values[start]).toBeCloseTo(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / modelWidth, 12);
      }
    }
  });
});

describe("parallel blocks", () => {
  it("hand the raw residual to the MLP and add to attention + residual", async () => {
    const built = network("GPT-NeoX");
    const at = (layer: string): Tensor => cutIntoSections(built, [layer, "output"]).pre(built.encode(inputs, 0, samples));
    const part = (x: Tensor, from: number): Tensor => engine.slice(x, [0, 0, from], [samples, context, w]);
    const residual = at("ln1.1");
    const before = at("add_resid1.1");
    const sum = engine.add(part(before, 0), part(before, w));
    const [ln2, ln2Out, mlpIn] = [at("ln2.1"), at("ln2_out.1"), at("mlp_in.1")];
    expect(await largest(engine.sub(part(ln2, 0), sum))).toBe(0);
    expect(await largest(engine.sub(part(ln2, w), residual))).toBe(0);
    expect(await largest(engine.sub(part(ln2Out, 1), residual))).toBe(0);
    expect(await largest(engine.sub(part(ln2Out, 1 + w), sum))).toBe(0);
    expect(await largest(engine.sub(part(mlpIn, w), sum))).toBe(0);
  });
});

/** At least two node layers, at random and in order. */
function randomCut(names: readonly string[], next: () => number): string[] {
  for (;;) {
    const share = next();
    const chosen = names.filter(() => next() < share);
    if (chosen.length >= 2) return chosen;
  }
}

/** A section, or a chain of sections, as one differentiable function at x. */
function differentiable(sections: readonly Section[]): Parameters<typeof vjpDeviation>[1] {
  const runs = (x: Tensor): ReturnType<Section["forward"]>[] => {
    const result: ReturnType<Section["forward"]>[] = [];
    for (const section of sections) result.push(section.forward(result.at(-1)?.output ?? x));
    return result;
  };
  return {
    forward: ([x]) => ({ outputs: [runs(x).at(-1)!.output], saved: [x] }),
    vjp: ([x], [cotangent]) => {
      const at = runs(x);
      return [sections.reduceRight((pulled, section, index) => section.vjp(at[index], pulled), cotangent)];
    },
  };
}

describe.each(Object.keys(descriptions))("%s, cut at random node layers", (name) => {
  const next = uniform(11);
  const positive = (): number => (next() + 1) / 2;
  it.each([null, "add_resid1", "add_resid1.0"])("computes the same and has an exact vector-Jacobian product (last position after %s)", async (lastPositionOnly) => {
    const built = network(name, lastPositionOnly);
    const whole = evaluateNetwork(built, built.encode(inputs, 0, samples));
    for (let trial = 0; trial < 6; trial += 1) {
      const cut = cutIntoSections(built, trial === 0 ? built.nodeLayerNames : randomCut(built.nodeLayerNames, positive));
      const start = cut.pre(built.encode(inputs, 0, samples));
      let x = start;
      for (const section of cut.sections) {
        expect(x.shape[2]).toBe(section.inputWidth);
        if (trial < 2) expect(await vjpDeviation(engine, differentiable([section]), [x], trial + 1), `${section.from} to ${section.to}`).toBeLessThan(1e-7);
        x = section.forward(x).output;
      }
      expect(await vjpDeviation(engine, differentiable(cut.sections), [start], trial + 20)).toBeLessThan(1e-7);
      expect(await largest(engine.sub(cut.post(x), whole))).toBeLessThan(1e-12);
    }
  });
});
