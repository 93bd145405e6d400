import { describe, expect, it } from "vitest";
import type { MlpArchitecture, ModelFacts } from "../../../server/src/analysis/architecture/architecture";
import { inferArchitecture } from "../../../server/src/analysis/architecture/inferArchitecture";
import { specProblems } from "../../../server/src/analysis/spec/parseSpec";

const shapes = { "0.weight": [5, 8], "2.weight": [4, 5], "4.weight": [3, 4] };

function mlp(more: Partial<ModelFacts>, tensors: Record<string, number[]> = shapes): MlpArchitecture {
  return inferArchitecture({
    model: "model.pt", tensors: Object.entries(tensors).map(([name, shape]) => ({ name, shape, dtype: "float32" as const })), metadata: new Map(), sidecar: null, spec: {},
    lastPositionOnly: null, data: null, ...more,
  }) as MlpArchitecture;
}

/** What a file with whole modules says about an nn.Sequential of these classes. */
const stored = (...classes: (string | Record<string, unknown>)[]): Partial<ModelFacts> => ({
  metadata: new Map([["modules", Object.fromEntries([
    ["", { class: "torch.nn.modules.container.Sequential" }],
    ...classes.map((one, index) => [String(index), typeof one === "string" ? { class: one } : one]),
  ])]]),
});
const linear = "torch.nn.modules.linear.Linear";
const act = (name: string): string => `torch.nn.modules.activation.${name}`;
const after = ({ description }: MlpArchitecture): unknown[] => description.layers.map(({ activation }) => activation ?? null);

describe("activations after each affine layer", () => {
  it("come from the modules that the file stores", () => {
    const found = mlp(stored(linear, act("Tanh"), linear, { class: act("LeakyReLU"), negative_slope: 0.2 }, linear, act("Sigmoid")));
    expect(after(found)).toEqual([{ name: "tanh" }, { name: "leaky_relu", negativeSlope: 0.2 }, { name: "sigmoid" }]);
    expect(found.how).toContain("tanh, leaky_relu, sigmoid after them");
    expect(found.notes).toEqual([]);
  });

  it("tell both kinds of gelu apart, and know identities", () => {
    const found = mlp(stored(linear, { class: act("GELU"), approximate: "tanh" }, linear, "torch.nn.modules.linear.Identity", linear));
    expect(after(found)).toEqual([{ name: "gelu_new" }, { name: "identity" }, null]);
  });

  it("are one word where one says everything", () => {
    const found = mlp(stored(linear, act("SiLU"), linear, act("SiLU"), linear));
    expect(found.description.activation).toBe("silu");
    expect(after(found)).toEqual([null, null, null]);
  });

  it("leave a softmax at the end out, and say so", () => {
    const found = mlp(stored(linear, act("ReLU"), linear, act("ReLU"), linear, act("LogSoftmax")));
    expect(after(found)).toEqual([{ name: "relu" }, { name: "relu" }, null]);
    expect(found.notes.join()).toContain("LogSoftmax at the end is left out");
  });

  it("are not guessed from modules that do not stand between the layers", () => {
    const order = { "0": { class: linear }, "2": { class: linear }, "4": { class: linear }, "act": { class: act("Tanh") }, "out": { class: act("ReLU") } };
    const found = mlp({ metadata: new Map([["modules", order]]) });
    expect(after(found)).toEqual([null, null, null]);
    expect(found.notes.join()).toContain("relu is assumed");
  });

  it("are what the spec says", () => {
    const found = mlp({ spec: { activations: ["leaky_relu", null, "sigmoid"], negativeSlope: 0.3 }, ...stored(linear, act("Tanh"), linear, act("Tanh"), linear) });
    expect(after(found)).toEqual([{ name: "leaky_relu", negativeSlope: 0.3 }, { name: "identity" }, { name: "sigmoid" }]);
    expect(after(mlp({ spec: { activations: ["relu", "tanh", null] } }))).toEqual([{ name: "relu" }, { name: "tanh" }, null]);
    expect(() => mlp({ spec: { activations: ["relu"] } })).toThrow("has 1 entries, but the network has 3 affine layers (0, 2, 4)");
  });

  it("are said once in a spec", () => {
    const spec = (architecture: object): string => JSON.stringify({ model: "m.pt", architecture, data: { kind: "npy", inputs: "x.npy" } });
    const messages = (architecture: object): string => specProblems(spec(architecture)).map(({ message }) => message).join();
    expect(messages({ activations: ["relu", null] })).toBe("");
    expect(messages({ activations: ["leaky_relu", null], negativeSlope: 0.1 })).toBe("");
    expect(messages({ activations: ["relu", null], negativeSlope: 0.1 })).toContain("belongs to the activation \"leaky_relu\"");
    expect(messages({ activation: "relu", activations: ["relu", null] })).toContain("keep one of them");
    expect(messages({ activations: ["softplus"] })).not.toBe("");
  });
});

describe("dense layers as Keras names them", () => {
  const tensors = { "dense/kernel:0": [8, 5], "dense/bias:0": [5], "dense_1/kernel:0": [5, 3], "dense_1/bias:0": [3] };
  it("are affine layers with weights [in, out]", () => {
    for (const spec of [{}, { family: "keras" }, { layers: ["dense", "dense_1"] }] as const) {
      const found = mlp({ spec: { ...spec, ...("layers" in spec ? { layers: [...spec.layers] } : {}) } as ModelFacts["spec"] }, tensors);
      expect(found).toMatchObject({ widths: [8, 5, 3], description: { layers: [{ name: "dense", order: "in,out", bias: "dense/bias:0" }, { name: "dense_1", order: "in,out" }] } });
    }
    expect(mlp({ spec: { family: "keras" } }, tensors).description.family).toBe("keras");
  });

  it("with other variables are refused by their full names", () => {
    expect(() => mlp({}, { ...tensors, "batch/gamma:0": [3] })).toThrow('"batch/gamma:0" belongs to no affine layer');
  });
});
