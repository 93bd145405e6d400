import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSpec } from "../../server/src/analysis/spec/loadSpec";
import { openModel } from "../../server/src/formats/openModel";

const examples = resolve(import.meta.dirname, "../../examples");
const specs = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".lib.json")).map((file) => join(examples, file));

/** Sizes of the tensors of the networks, as their code defines them. */
const parameters: Record<string, number> = {
  "block-diagonal": 5 * 8 * 8,
  "cifar-mlp": 3072 * 100 + 100 + 100 * 100 + 100 + 100 * 10 + 10,
  "mnist-mlp": 784 * 100 + 100 + 100 * 100 + 100 + 100 * 10 + 10,
  "modular-addition": 54 * 64 + 3 * 64 + 3 * (4 * 64 * 16 + 4 * 16) + 4 * 16 * 64 + 64 + 64 * 256 + 256 + 256 * 64 + 64 + 64 * 54 + 54,
};

/** The code that wrote the checkpoint. */
const code = (name: string): string => (name === "block-diagonal" ? "make_model.py" : "train.py");
const exampleOf = (file: string): string => basename(dirname(file));

it("every example has a spec", () => {
  expect(specs.map(exampleOf).sort()).toEqual(Object.keys(parameters).sort());
});

describe.each(specs.map((file) => ({ name: exampleOf(file), file })))("$name", ({ name, file }) => {
  it("the spec is valid and names files that are there, all below two megabytes", async () => {
    const { spec, model, notes } = await loadSpec({ spec: file, model: null });
    expect(notes).toEqual([]);
    const data = [spec.data, spec.evaluation?.data].flatMap((one) => [one?.inputs, one?.labels]).filter((path) => path !== undefined);
    for (const path of [model, ...data.map((relative) => join(dirname(file), relative))]) {
      expect(statSync(path).size).toBeGreaterThan(0);
      expect(statSync(path).size).toBeLessThan(2e6);
    }
  });

  it("the checkpoint holds the network of the code", async () => {
    const { model } = await loadSpec({ spec: file, model: null });
    const open = await openModel(model);
    const trained = open.tensors.filter(({ dtype }) => dtype === "float32");
    const count = trained.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    await open.close();
    expect(count).toBe(parameters[name]);
  });

  it("the code names the checkpoint where the spec finds it", async () => {
    const source = readFileSync(join(dirname(file), code(name)), "utf8");
    const { spec } = await loadSpec({ spec: file, model: null });
    for (const part of spec.model.split("/")) expect(source).toContain(`"${part}"`);
    expect(source).toMatch(/torch\.save\(/);
    expect(source).toMatch(/torch\.load\(/);
  });
});
