import { describe, expect, it } from "vitest";
import type { MlpArchitecture, ModelFacts } from "../../../server/src/analysis/architecture/architecture";
import { inferArchitecture } from "../../../server/src/analysis/architecture/inferArchitecture";
import { Sidecar } from "../../../server/src/analysis/architecture/sidecar";
import { inspectModel } from "../../../server/src/analysis/inspectModel";
import { sharedData } from "../../formats/sharedData";

function facts(shapes: Record<string, number[]>, more: Partial<ModelFacts> = {}): ModelFacts {
  const tensors = Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: "float32" as const }));
  return { model: "model.pt", tensors, metadata: new Map(), sidecar: null, spec: {}, lastPositionOnly: null, data: null, ...more };
}

const mlp = (shapes: Record<string, number[]>, more: Partial<ModelFacts> = {}): MlpArchitecture => inferArchitecture(facts(shapes, more)) as MlpArchitecture;

describe("chains of affine layers", () => {
  it("tell [out,in] from [in,out] by shapes", () => {
    expect(mlp({ "fc1.weight": [5, 8], "fc1.bias": [5], "fc2.weight": [3, 5], "fc2.bias": [3] })).toMatchObject({ widths: [8, 5, 3], description: { layers: [{ order: "out,in" }, { order: "out,in" }] } });
    expect(mlp({ "layers.0.W": [8, 5], "layers.0.b": [5], "layers.1.W": [5, 3], "layers.1.b": [3] })).toMatchObject({ widths: [8, 5, 3], description: { layers: [{ order: "in,out" }, { order: "in,out" }] } });
  });

  it("take the orientation from the name where shapes cannot tell, and say so", () => {
    const square = mlp({ "0.weight": [4, 4], "2.weight": [4, 4] });
    expect(square.description.layers[0]!.order).toBe("out,in");
    expect(square.notes.join()).toContain("both orientations");
    expect(mlp({ "a.kernel": [4, 4] }).description.layers[0]!.order).toBe("in,out");
    expect(mlp({ "0.weight": [4, 4] }, { spec: { weightOrder: "in,out" } }).notes.join()).not.toContain("both orientations");
  });

  it("are found in the order of the names when the file has another", () => {
    const shapes = { "net.10.weight": [2, 3], "net.2.weight": [3, 7], "net.0.weight": [7, 9] };
    expect(mlp(shapes).description.layers.map(({ name }) => name)).toEqual(["net.0", "net.2", "net.10"]);
  });

  it("are found by shapes when neither order fits", () => {
    const found = mlp({ "decoder.weight": [8, 3], "encoder.weight": [7, 9], "bottleneck.weight": [3, 7] });
    expect(found.widths).toEqual([9, 7, 3, 8]);
    expect(found.notes.join()).toContain("order of the layers follows from their shapes");
  });

  it("use every tensor or name it", () => {
    const found = mlp({ "model.a.weight": [3, 4], "model.b.weight": [2, 3], "other.scale": [7] }, { spec: { prefix: "model." } });
    expect(found.tensors).toEqual(["model.a.weight", "model.b.weight"]);
    expect(found.notes.join()).toContain("other.scale");
  });

  it("follow the layers that the spec lists", () => {
    const shapes = { "conv.weight": [8, 1, 3, 3], "fc1.weight": [5, 8], "fc1.bias": [5], "fc2.weight": [3, 5] };
    const found = mlp(shapes, { spec: { family: "layers", layers: ["fc1", "fc2"], activation: "tanh" } });
    expect(found).toMatchObject({ widths: [8, 5, 3], description: { family: "layers", activation: "tanh" } });
    expect(() => mlp(shapes, { spec: { layers: ["fc1", "fc9"] } })).toThrow('no tensor "fc9.weight"');
  });

  it.each([
    [{ "conv.weight": [8, 1, 3, 3] }, "a convolution"],
    [{ "embed.weight": [59, 128], "l1.weight": [128, 128] }, "is an embedding"],
    [{ "norm.weight": [5], "norm.bias": [5] }, "a normalisation layer"],
    [{ "a.weight": [3, 4], "b.weight": [5, 6] }, "do not follow one another"],
    [{ "a.bias": [3] }, "has no weight beside it"],
    [{}, "holds no tensors"],
  ])("%j is refused with the way to a spec", (shapes, reason) => {
    expect(() => mlp(shapes as Record<string, number[]>)).toThrow(reason);
    expect(() => mlp(shapes as Record<string, number[]>)).toThrow("spec");
  });

  it("take the activation from spec, sidecar or file, and say when it is a guess", () => {
    const shapes = { "0.weight": [3, 4], "2.weight": [2, 3] };
    const sidecar = new Sidecar("config.yaml", { model: { activation_fn: "gelu" } });
    expect(mlp(shapes, { sidecar }).description.activation).toBe("gelu");
    expect(mlp(shapes, { sidecar, spec: { activation: "tanh" } }).description.activation).toBe("tanh");
    expect(mlp(shapes, { metadata: new Map([["hyper_parameters", new Map([["activation", "nn.SiLU()"]])]]) }).description.activation).toBe("silu");
    expect(mlp(shapes).notes.join()).toContain("relu is assumed");
    expect(() => mlp(shapes, { sidecar: new Sidecar("c.yaml", { model: { act_fn: "maxout" } }) })).toThrow('"maxout"');
  });
});

describe("families that are not built", () => {
  it("are refused by name", () => {
    expect(() => inferArchitecture(facts({}, { spec: { family: "onnx" } }))).toThrow('family "onnx" cannot be analysed yet');
  });
});

const seeds = [0, 1, 3].map((seed) => sharedData(`modadd/seed${seed}/model_epoch_60000.pt`));

describe.skipIf(seeds.includes(null))("the authors' and other people's checkpoints (skipped without ../shared/data)", () => {
  it.each([0, 1, 3])("modular addition, seed %i", async (seed) => {
    const found = await inspectModel(sharedData(`modadd/seed${seed}/model_epoch_60000.pt`)!);
    expect(found.architecture).toMatchObject({
      family: "transformer-lens", activation: "relu", normalization: null, heads: 4, modelWidth: 128, headWidth: 32, hiddenWidth: 512, vocabulary: 114, positions: 3,
    });
    expect(found.nodeLayers).toEqual(["ln1.0", "ln2.0", "unembed", "output"]);
    expect(found.notes).toEqual([]);
  });

  it("MNIST MLP", async () => {
    const found = await inspectModel(sharedData("mnist-mlp/model_epoch_12.pt")!);
    expect(found.architecture).toMatchObject({ family: "mlp", activation: "relu", widths: [784, 100, 100, 10], layers: [{ order: "in,out" }, {}, {}] });
    expect(found.nodeLayers).toEqual(["layers.0", "layers.1", "layers.2", "output"]);
  });

  it.each(["formats/lightning_mlp.ckpt", "formats/lightning_mlp_state.pt"])("%s", async (path) => {
    const found = await inspectModel(sharedData(path)!);
    expect(found.architecture).toMatchObject({ family: "mlp", widths: [784, 50, 25, 10], layers: [{ order: "out,in" }, {}, {}] });
  });

  it("tiny-gpt2, a folder whose parameters are those that its library counts, and whose output is no node layer because it is large", async () => {
    const found = await inspectModel(sharedData("tiny-gpt2")!);
    expect(found.architecture).toMatchObject({ family: "gpt2", activation: "gelu_new", layers: 2, heads: 2, modelWidth: 2, vocabulary: 50257, positions: 1024, parameters: 102_714 });
    expect(found.nodeLayers).toEqual(["ln1.0", "attn_in.0", "ln2.0", "ln1.1", "attn_in.1", "ln2.1", "ln_final", "unembed"]);
    expect(found.notes.join()).toContain("50257 components");
  });

  it("stories260K", async () => {
    const found = await inspectModel(sharedData("stories260K/stories260K.bin")!);
    expect(found.architecture).toMatchObject({ family: "llama", layers: 5, heads: 8, keyValueHeads: 4, modelWidth: 64, hiddenWidth: 172, vocabulary: 512, positions: 512 });
    expect(found.nodeLayers.length).toBe(18);
    expect(found.notes).toEqual([]);
  });

  it.each([
    ["formats/mnist_cnn.safetensors", "and an affine layer has 2"],
    ["formats/mnist_cnn_mps.pt", "and an affine layer has 2"],
    ["clock-pizza/model_7r4zst7evs.pt", "embed.weight"],
    ["clock-pizza/model_p99zdpze5l.pt", "not its layout"],
  ])("%s is listed, and why it cannot be analysed is said", async (path, reason) => {
    const found = await inspectModel(sharedData(path)!);
    expect(found.tensors.length).toBeGreaterThan(3);
    expect(found.architecture).toBeNull();
    expect(found.nodeLayers).toEqual([]);
    expect(found.reason).toContain(reason);
  });
});
