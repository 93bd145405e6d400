import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createSpec } from "../../../server/src/analysis/spec/createSpec";
import { inferData } from "../../../server/src/analysis/spec/inferData";
import { parseSpec } from "../../../server/src/analysis/spec/parseSpec";
import { sharedData } from "../../formats/sharedData";
import { folder } from "../fixtures";

const fixtures = join(__dirname, "../../fixtures/families");

async function copyOf(name: string): Promise<string> {
  const into = await folder();
  await cp(join(fixtures, name), join(into, name), { recursive: true });
  return join(into, name);
}

describe("a spec for a language model", () => {
  it("of a folder lies beside it, names its family, node layers and what data to fill in", async () => {
    const model = await copyOf("gpt-neox");
    const { file, text } = await createSpec(model);
    expect(file).toBe(`${model}.lib.json`);
    expect(text).toContain("GPT-NeoX: 2 blocks, width 12, 3 heads of 4");
    expect(text).toContain("token ids below 19");
    expect(parseSpec(text, file)).toMatchObject({
      model: "gpt-neox", architecture: { family: "gpt-neox" }, nodeLayers: ["ln1.0", "attn_in.0", "ln2.0", "ln1.1", "attn_in.1", "ln2.1", "ln_final", "unembed", "output"],
      data: { kind: "text", inputs: "text.txt", tokenizer: "tokenizer.json", contextLength: 16 }, evaluation: { metric: "ce-loss" }, basis: { formula: "jacobian" },
    });
  });

  it("finds a tokenizer and a single text beside the weights", async () => {
    const model = await copyOf("gpt2");
    await writeFile(join(model, "vocab.json"), "{}");
    await writeFile(join(model, "merges.txt"), "");
    expect(parseSpec((await createSpec(model)).text, "s").data).toMatchObject({ inputs: "text.txt", tokenizer: join("gpt2", "vocab.json") });
    await mkdir(join(model, "data"));
    await writeFile(join(model, "data", "stories.txt"), "Once upon a time");
    const expected = { kind: "text", inputs: join("gpt2", "data", "stories.txt"), tokenizer: join("gpt2", "vocab.json"), contextLength: 128, limit: 100 };
    expect(parseSpec((await createSpec(model)).text, "s")).toMatchObject({ data: expected, evaluation: { metric: "ce-loss" } });
    expect((await inferData(join(model, "pytorch_model.bin"))).data).toMatchObject({ inputs: join("data", "stories.txt"), tokenizer: "vocab.json" });
    await writeFile(join(model, "data", "more.txt"), "Another one");
    await expect(inferData(model)).rejects.toThrow("No data set is known");
  });

  const large = sharedData("tiny-gpt2");
  it.skipIf(large === null)("with a large vocabulary ends before the unembedding, whose principal components are taken (skipped without ../shared/data)", async () => {
    const spec = parseSpec((await createSpec(large!)).text, "s");
    expect(spec.nodeLayers?.at(-1)).toBe("unembed");
    expect(spec.basis?.rotateOutput).toBe(true);
  });
});

describe("a spec for a perceptron", () => {
  /** The MLP of an example in a folder of its own. */
  async function mlp(): Promise<{ into: string; model: string }> {
    const into = await folder();
    const model = join(into, "mlp.pt");
    await cp(join(__dirname, "../../../examples/mnist-mlp/checkpoints/mlp.pt"), model);
    return { into, model };
  }

  async function classes(...path: string[]): Promise<void> {
    for (const name of ["cat", "dog"]) {
      await mkdir(join(...path, name), { recursive: true });
      await writeFile(join(...path, name, "1.png"), "");
    }
  }

  it("suggests folders of images with what held-out images there are, and says what nobody can infer", async () => {
    const { into, model } = await mlp();
    await classes(into, "data", "train");
    await mkdir(join(into, "data", "notes", "old"), { recursive: true });
    const { text } = await createSpec(model);
    expect(parseSpec(text, "s")).toMatchObject({ data: { kind: "images", inputs: join("data", "train") } });
    expect(parseSpec(text, "s").evaluation).toBeUndefined();
    expect(text).toContain('"mean" and "std"');
    await classes(into, "data", "test");
    expect(parseSpec((await createSpec(model)).text, "s").evaluation).toEqual({ data: { kind: "images", inputs: join("data", "test") }, metric: "accuracy" });
    await expect(inferData(model)).rejects.toThrow("No data set is known");
  });

  it("suggests CIFAR-10 with its own splits, and nothing where two image sets could be meant", async () => {
    const { into, model } = await mlp();
    await classes(into, "first");
    await classes(into, "second");
    expect(parseSpec((await createSpec(model)).text, "s").data).toMatchObject({ kind: "npz" });
    await mkdir(join(into, "cifar-10-batches-bin"));
    const cifar = { kind: "cifar10-binary", inputs: "cifar-10-batches-bin" };
    expect(parseSpec((await createSpec(model)).text, "s")).toMatchObject({ data: { ...cifar, split: "train" }, evaluation: { data: { ...cifar, split: "test" }, metric: "accuracy" } });
  });
});
