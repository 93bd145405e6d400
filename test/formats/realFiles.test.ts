import { describe, expect, it } from "vitest";
import { FormatError, type ModelFile } from "../../server/src/formats/modelFile";
import { openModel } from "../../server/src/formats/openModel";
import { sharedData } from "./sharedData";

/** Runs the test with the shared file, or skips it and says so. */
function withShared(parts: string[], title: string, body: (path: string) => Promise<void>): void {
  const path = sharedData(...parts);
  it.skipIf(path === null)(path === null ? `${title} (skipped: shared data ${parts.join("/")} is not there)` : title, () => body(path!));
}

async function readAll(model: ModelFile): Promise<number> {
  let numbers = 0;
  for (const { name, shape, dtype } of model.tensors) {
    const values = await model.read(name);
    expect(values.length, name).toBe(shape.reduce((a, b) => a * b, 1) * (dtype.startsWith("complex") ? 2 : 1));
    numbers += values.length;
  }
  return numbers;
}

const shapes = (model: ModelFile): Record<string, string> => Object.fromEntries(model.tensors.map((t) => [t.name, `${t.dtype} ${t.shape.join("x")}`]));

describe("files that others made", () => {
  const files: [string[], string, number][] = [
    [["modadd", "seed0", "model_epoch_60000.pt"], "pytorch", 18],
    [["modadd", "seed1", "model_epoch_60000.pt"], "pytorch", 18],
    [["modadd", "seed3", "model_epoch_60000.pt"], "pytorch", 18],
    [["mnist-mlp", "model_epoch_12.pt"], "pytorch", 6],
    [["formats", "lightning_mlp.ckpt"], "pytorch", 6],
    [["formats", "lightning_mlp_state.pt"], "pytorch", 6],
    [["formats", "mnist_cnn_mps.pt"], "pytorch", 20],
    [["formats", "mnist_cnn.safetensors"], "safetensors", 20],
    [["tiny-gpt2", "pytorch_model.bin"], "pytorch-legacy", 33],
    [["clock-pizza", "model_7r4zst7evs.pt"], "pytorch", 4],
    [["clock-pizza", "model_p99zdpze5l.pt"], "pytorch", 12],
    [["cifar10", "cifar10_test_lossless_from_vnnlib.npz"], "npz", 3],
    [["stories260K", "stories260K.bin"], "llama2.c", 47],
    [["modadd", "seed0", "lib_graph.pt"], "pytorch", 27],
    [["modadd", "seed3", "pca_graph.pt"], "pytorch", 21],
  ];
  for (const [parts, format, count] of files) {
    withShared(parts, `${parts.join("/")}: ${format}, ${count} tensors, every value readable`, async (path) => {
      const model = await openModel(path);
      expect(model.format).toBe(format);
      expect(model.tensors.length).toBe(count);
      expect(await readAll(model)).toBeGreaterThan(0);
      await model.close();
    });
  }

  withShared(["modadd", "seed0", "model_epoch_60000.pt"], "lists the modular-addition transformer, whose IGNORE scalar is minus infinity", async (path) => {
    const model = await openModel(path);
    expect(shapes(model)).toMatchObject({
      "embed.W_E": "float32 114x128", "blocks.0.attn.W_Q": "float32 4x128x32", "blocks.0.attn.mask": "bool 3x3", "blocks.0.attn.IGNORE": "float32 ",
    });
    expect([...await model.read("blocks.0.attn.IGNORE")]).toEqual([-Infinity]);
    await model.close();
  });

  withShared(["modadd", "seed0", "lib_graph.pt"], "reads the authors' own result: C_pinv is a left inverse of C, and facts become metadata", async (path) => {
    const model = await openModel(path);
    const [d, r] = model.tensors.find((t) => t.name === "interaction_rotations.0.C")!.shape as [number, number];
    const C = await model.read("interaction_rotations.0.C");
    const CPinv = await model.read("interaction_rotations.0.C_pinv");
    let worst = 0;
    for (let i = 0; i < r; i++) {
      for (let j = 0; j < r; j++) {
        let sum = 0;
        for (let k = 0; k < d; k++) sum += CPinv[i * d + k]! * C[k * r + j]!;
        worst = Math.max(worst, Math.abs(sum - (i === j ? 1 : 0)));
      }
    }
    expect(worst).toBeLessThan(1e-6);
    expect(model.metadata.get("config")).toMatchObject({ node_layers: expect.arrayContaining(["ln1.0", "ln2.0"]) as unknown });
    expect(() => JSON.stringify(Object.fromEntries(model.metadata))).not.toThrow();
    await model.close();
  });

  withShared(["formats", "lightning_mlp.ckpt"], "takes the network out of a Lightning checkpoint and keeps its hyper-parameters as facts", async (path) => {
    const model = await openModel(path);
    expect(shapes(model)["model.all_layers.0.weight"]).toBe("float32 50x784");
    expect(model.metadata.get("tensorsFrom")).toBe("state_dict");
    expect(model.metadata.has("hyper_parameters")).toBe(true);
    expect(model.metadata.get("epoch")).toEqual(expect.any(Number));
    await model.close();
  });

  withShared(["tiny-gpt2"], "opens a Hugging Face folder with its config", async (path) => {
    const model = await openModel(path);
    expect(model.format).toBe("pytorch-legacy");
    expect(model.metadata.get("config")).toMatchObject({ model_type: "gpt2", n_embd: 2 });
    await model.close();
  });

  const refused: [string[], string][] = [
    [["formats", "keras_mnist_cnn.h5"], "HDF5"],
    [["formats", "keras_mnist_cnn.keras"], "Keras archive"],
    [["formats", "mnist_mlp_256x2.onnx"], "ONNX"],
    [["formats", "tfjs_lenet", "model.json"], "JSON"],
    [["cifar10", "cifar10_train_first4000.bin"], "no known format"],
  ];
  for (const [parts, words] of refused) {
    withShared(parts, `${parts.join("/")} is refused with a sentence about ${words}`, async (path) => {
      await expect(openModel(path)).rejects.toThrow(FormatError);
      await expect(openModel(path)).rejects.toThrow(words);
    });
  }
});
