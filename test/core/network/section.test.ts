import { beforeAll, describe, expect, it } from "vitest";
import type { Matrix } from "../../../server/src/core/linalg/matrix";
import { applyActivation } from "../../../server/src/core/network/activationFunction";
import { attentionPattern } from "../../../server/src/core/network/attentionModule";
import { evaluateNetwork } from "../../../server/src/core/network/network";
import { cutIntoSections, type Section } from "../../../server/src/core/network/section";
import type { SectionStructure } from "../../../server/src/core/network/sectionStructure";
import type { Engine, Tensor } from "../../../server/src/engine/engine";
import { vjpDeviation } from "../support/finiteDifferences";
import { gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights } from "../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const sizes = smallTransformer;
const d = sizes.width + 1;
const transformer = (options: Parameters<typeof transformerOf>[2] = {}, blocks = 1): ReturnType<typeof transformerOf> =>
  transformerOf(transformerWeights({ ...sizes, blocks }, 1), engine, options);
const inputs = tokens(5, sizes.context, sizes.vocabulary, 2);

const tensor = ({ data, rows, cols }: Matrix): Tensor => engine.tensor(data, [rows, cols]);
const largest = async (x: Tensor): Promise<number> => Math.max(...(await engine.read(x)).map(Math.abs));

/** The section as its structure says it is. */
function computeFromStructure(structure: SectionStructure, x: Tensor): Tensor {
  switch (structure.kind) {
    case "affine": return engine.matMul(x, tensor(structure.W));
    case "affine-activation": return applyActivation(engine, structure.activation, engine.matMul(x, tensor(structure.W)));
    case "mlp-skip": {
      const hidden = applyActivation(engine, structure.activation, engine.matMul(x, tensor(structure.A)));
      return engine.add(engine.matMul(x, tensor(structure.skip)), engine.matMul(hidden, tensor(structure.B)));
    }
    case "attention-skip": {
      const all = structure.heads.reduce((sum, { Q, K, V, O }) => {
        const [q, k, v] = [Q, K, V].map((weight) => {
          const projected = engine.matMul(x, tensor(weight));
          return engine.reshape(projected, [projected.shape[0], 1, projected.shape[1], projected.shape[2]]);
        });
        const mixed = engine.matMul(attentionPattern(engine, q, k, structure.scale, structure.causal), v);
        const [samples, , positions, width] = mixed.shape;
        return engine.add(sum, engine.matMul(engine.reshape(mixed, [samples, positions, width]), tensor(O)));
      }, engine.matMul(x, tensor(structure.skip)));
      const [samples, positions, width] = all.shape;
      return structure.lastPositionOnly ? engine.slice(all, [0, positions - 1, 0], [samples, 1, width]) : all;
    }
    case "gated-mlp-skip":
    case "norm":
    case "norm-mlp":
    case "norm-attention":
    case "general": throw new Error(`${structure.kind} is not for this test`);
  }
}

describe("node layers", () => {
  const { width, heads, headWidth, hidden } = sizes;
  const queries = 2 * heads * headWidth + heads * (headWidth + 1);
  it.each([
    ["add_embed", 2 * d], ["ln1.0", d], ["ln1_out.0", d], ["attn_in.0", 2 * d], ["attn_out.0", queries + d], ["add_resid1.0", 2 * d],
    ["ln2.0", d], ["ln2_out.0", d], ["mlp_in.0", 2 * d], ["mlp_act.0", hidden + 1 + width + 1], ["mlp_out.0", hidden + 1 + width + 1],
    ["add_resid2.0", 2 * d], ["unembed", d],
  ])("%s has the width of its tensors together", (name, wanted) => {
    const [layer] = cutIntoSections(transformer(), [name, "output"]).nodeLayers;
    expect(layer).toMatchObject({ name, width: wanted, hasConstant: true });
  });

  it("may be cut anywhere without changing the network", async () => {
    const network = transformer({ lastPositionOnly: "add_resid1" }, 2);
    const whole = evaluateNetwork(network, network.encode(inputs, 0, 5));
    const names = network.nodeLayerNames;
    for (const chosen of [names, names.filter((_, index) => index % 3 === 1), ["ln1.0", "ln2.1"], ["attn_out.1", "output"]]) {
      const cut = cutIntoSections(network, chosen);
      let x = cut.pre(network.encode(inputs, 0, 5));
      for (const section of cut.sections) {
        expect(x.shape[2]).toBe(section.inputWidth);
        x = section.forward(x).output;
      }
      expect(await largest(engine.sub(cut.post(x), whole))).toBeLessThan(1e-13);
    }
  });

  it.each([
    [["ln1.0"], /at least two/],
    [["ln1.0", "ln9.0"], /no node layer "ln9.0".*Use names from: add_embed, ln1.0/],
    [["ln2.0", "ln1.0"], /"ln1.0" does not come after "ln2.0"/],
    [["ln1.0", "ln1.0"], /does not come after/],
  ])("%j are refused in one sentence", (names, message) => {
    expect(() => cutIntoSections(transformer(), names)).toThrow(message);
  });
});

describe("sections", () => {
  it.each([
    [["ln1.0", "ln2.0"], null], [["ln1.0", "ln2.0"], "add_resid1"], [["ln2.0", "unembed"], "add_resid1"], [["ln1.0", "unembed"], "add_resid1"],
    [["attn_in.0", "add_resid1.0"], null], [["mlp_act.0", "output"], null], [["ln1.0", "output"], "add_resid1"],
  ])("of %j (last position after %s) have an exact vector-Jacobian product", async (names, lastPositionOnly) => {
    const network = transformer({ lastPositionOnly, activation: "gelu" });
    const { pre, sections: [section] } = cutIntoSections(network, names);
    const asModule = {
      forward: ([x]: readonly Tensor[]) => {
        const run = section.forward(x);
        return { outputs: [run.output], saved: [] };
      },
      vjp: (_saved: readonly Tensor[], [cotangent]: readonly Tensor[]) => [section.vjp(section.forward(x0), cotangent)],
    };
    const x0 = pre(network.encode(inputs, 0, 5));
    expect(await vjpDeviation(engine, asModule, [x0], 3)).toBeLessThan(1e-8);
  });
});

describe("structures", () => {
  const cases: [string, string[], SectionStructure["kind"], string | null][] = [
    ["attention with residual", ["ln1.0", "ln2.0"], "attention-skip", null],
    ["attention with residual, last position", ["ln1.0", "ln2.0"], "attention-skip", "add_resid1"],
    ["attention from doubled residual", ["attn_in.0", "add_resid1.0"], "attention-skip", null],
    ["MLP with residual", ["ln2.0", "unembed"], "mlp-skip", null],
    ["MLP, residual and unembedding", ["mlp_in.0", "output"], "mlp-skip", null],
    ["unembedding", ["unembed", "output"], "affine", null],
    ["projection to queries, keys, values", ["ln1.0", "attn_out.0"], "affine", null],
  ];
  it.each(cases)("%s is recognised and computes the same", async (_name, names, kind, lastPositionOnly) => {
    const network = transformer({ lastPositionOnly });
    const { pre, sections: [section] } = cutIntoSections(network, names);
    expect(section.structure.kind).toBe(kind);
    const x = pre(network.encode(inputs, 0, 5));
    expect(await largest(engine.sub(computeFromStructure(section.structure, x), section.forward(x).output))).toBeLessThan(1e-12);
  });

  it("of perceptrons: affine with activation, the last layer affine", async () => {
    const { sections } = cutIntoSections(mlpOf(mlpWeights([4, 6, 5, 3], 4), engine, "silu"), ["layers.0", "layers.1", "layers.2", "output"]);
    expect(sections.map(({ structure }) => structure.kind)).toEqual(["affine-activation", "affine-activation", "affine"]);
    const x = engine.tensor(Float64Array.from({ length: 21 }, gaussian(5)), [3, 1, 7]);
    expect(await largest(engine.sub(computeFromStructure(sections[1].structure, x), sections[1].forward(x).output))).toBeLessThan(1e-13);
  });

  it("say why there is no closed form", () => {
    const why = ({ structure }: Section): string => (structure.kind === "general" ? structure.why : structure.kind);
    expect(why(cutIntoSections(transformer(), ["ln1.0", "unembed"]).sections[0])).toMatch(/2 nonlinear modules/);
    expect(why(cutIntoSections(transformer({ lastPositionOnly: "add_resid1" }), ["add_resid1.0", "ln2.0"]).sections[0])).toMatch(/drops positions/);
  });
});
