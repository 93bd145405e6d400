import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FormatError } from "../../server/src/formats/modelFile";
import { parseConfig, readSidecarConfig } from "../../server/src/formats/sidecarConfig";
import { sharedData } from "./sharedData";

describe("parseConfig", () => {
  it("gives plain data and the place of every value", () => {
    const config = parseConfig("# comment\nmodel:\n  hidden_sizes:\n  - 100\n  - 50\n  act: relu\nmissing: null\nbig: .inf\n", "c.yaml")!;
    expect(config.data).toEqual({ model: { hidden_sizes: [100, 50], act: "relu" }, missing: null, big: "Infinity" });
    expect(config.positions.get("model.hidden_sizes.1")).toEqual({ line: 4, character: 4 });
    expect(config.positions.get("model.act")).toEqual({ line: 5, character: 7 });
  });

  it("reads JSON, tabs included", () => {
    const config = parseConfig("{\n\t\"model_type\": \"gpt2\",\n\t\"n\": [1, {\"deep\": true}]\n}", "c.json")!;
    expect(config.data).toEqual({ model_type: "gpt2", n: [1, { deep: true }] });
    expect(parseConfig(JSON.stringify({ many: new Array(50_000).fill(1) }), "c.json")!.data["many"]).toHaveLength(50_000);
  });

  it("makes no object whose keys mean something to JavaScript", () => {
    const config = parseConfig("__proto__:\n  polluted: yes\nconstructor: 1\n", "c.yaml")!;
    expect(Object.keys(config.data)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("passes over what is no mapping", () => {
    expect(parseConfig("- 1\n- 2\n", "c.yaml")).toBeNull();
    expect(parseConfig("", "c.yaml")).toBeNull();
  });

  const laughs = ["a: &a0 [x,x,x,x,x,x,x,x,x]", ...Array.from({ length: 12 }, (_, i) => `b${i}: &a${i + 1} [${new Array(9).fill(`*a${i}`).join()}]`)].join("\n");
  it.each([
    ["aliases that multiply", laughs], ["brackets", "[".repeat(50_000)], ["dashes", "- ".repeat(30_000)], ["braces in JSON", "{\"a\":".repeat(5_000)],
    ["an open quote", "a: \"b"], ["bad indentation", "a: 1\n b: 2\n"], ["too much text", `a: ${"x".repeat(70_000)}`],
  ])("refuses %s with one sentence", (_title, text) => {
    expect(() => parseConfig(text, "c.yaml")).toThrow(FormatError);
    expect(() => parseConfig(text, "c.yaml")).toThrow(/^c\.yaml .*\.$/);
  });
});

describe("readSidecarConfig", () => {
  let folder: string;
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "sidecar-")); });
  afterAll(async () => { await rm(folder, { recursive: true }); });

  it("prefers the file that carries the checkpoint's own name", async () => {
    const model = join(folder, "model_a.pt");
    expect(await readSidecarConfig(model)).toBeNull();
    await writeFile(join(folder, "hparams.yaml"), "from: hparams");
    expect((await readSidecarConfig(model))!.data).toEqual({ from: "hparams" });
    await writeFile(join(folder, "config.yaml"), "from: config");
    expect((await readSidecarConfig(model))!.data).toEqual({ from: "config" });
    await writeFile(join(folder, "config_a.json"), "{\"from\": \"config_a\"}");
    expect((await readSidecarConfig(model))!.data).toEqual({ from: "config_a" });
    await writeFile(join(folder, "model_a.yaml"), "from: model_a");
    expect((await readSidecarConfig(model))!).toMatchObject({ path: join(folder, "model_a.yaml"), data: { from: "model_a" } });
  });

  const authors = sharedData("modadd", "seed0", "model_epoch_60000.pt");
  it.skipIf(authors === null)("finds the authors' configuration (skipped without the shared data)", async () => {
    expect((await readSidecarConfig(authors!))!.data).toMatchObject({ dataset: { modulus: 113, frac_train: 0.3 }, model: { n_heads: 4, normalization_type: null } });
  });

  const pizza = sharedData("clock-pizza", "model_p99zdpze5l.pt");
  it.skipIf(pizza === null)("finds the configuration named after its checkpoint (skipped without the shared data)", async () => {
    expect((await readSidecarConfig(pizza!))!.path).toMatch(/config_p99zdpze5l\.json$/);
  });
});
