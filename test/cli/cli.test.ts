import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, runCli } from "../analysis/bundles";
import { folder, longAnalysis, tinyAnalysis, writeSpec } from "../analysis/fixtures";
import { sharedData } from "../formats/sharedData";
import { json, type Analysis } from "./answers";

let bundles = "";

beforeAll(async () => {
  bundles = await bundle(["cli", "worker", "probe"]);
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

describe("analyze", () => {
  it("prints the contract's object, and answers from the store the second time", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const first = json<Analysis>(await runCli(bundles, ["analyze", spec, "--json"]));
    expect(first.key).toMatch(/^[0-9a-f]{64}$/);
    expect(first.file).toBe(join(into, ".lib-lens", `${first.key}.libresult`));
    expect(existsSync(first.file)).toBe(true);
    expect(first.backend).toBe("wasm");
    expect(Object.values(first.phases).every((seconds) => seconds >= 0)).toBe(true);
    expect(first.nodeLayers.map(({ name }) => name)).toEqual(["layers.0", "layers.1", "layers.2", "output"]);
    for (const { kept, lambda } of first.nodeLayers) {
      expect(lambda).toHaveLength(kept);
      expect(lambda.slice(1)).toEqual(lambda.slice(1).sort((a, b) => b - a));
    }
    first.sections.forEach(({ from, to, shape }, i) => {
      const [earlier, later] = [first.nodeLayers[i]!, first.nodeLayers[i + 1]!];
      expect([from, to]).toEqual([earlier.name, later.name]);
      expect(shape).toEqual([later.kept || later.dim, earlier.kept]);
    });
    const again = await runCli(bundles, ["analyze", spec, "--json"]);
    console.log(`answered from the store: ${Math.round(again.milliseconds)} ms with the start of the process, ${Math.round(json<Analysis>(again).seconds * 1000)} ms in it`);
    expect(json<Analysis>(again)).toMatchObject({ key: first.key, file: first.file, cached: true, nodeLayers: first.nodeLayers });
    expect(await readdir(join(into, ".lib-lens"))).toEqual([`${first.key}.libresult`, "index.json"].sort());
  });

  it("without --json prints a summary and writes a report without scripts", async () => {
    const { spec } = await tinyAnalysis();
    const out = await folder();
    const { code, stdout } = await runCli(bundles, ["analyze", spec, "--out", out]);
    expect(code).toBe(0);
    for (const part of ["layers.0", "not rotated", "accuracy", ".libresult", ".html"]) expect(stdout).toContain(part);
    const names = await readdir(out);
    const report = names.find((name) => name.endsWith(".html"))!;
    const html = await readFile(join(out, report), "utf8");
    expect(html).toContain("<svg");
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3)|\son\w+=/i);
  });

  it("takes paths relative to the spec, wherever it is started", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const { file } = json<Analysis>(await runCli(bundles, ["analyze", join(basename(into), basename(spec)), "--json"], { cwd: dirname(into) }));
    expect(dirname(dirname(file))).toBe(into);
  });

  it("computes the same on the cpu backend", async () => {
    const [one, two] = [await tinyAnalysis(), await tinyAnalysis()];
    const wasm = json<Analysis>(await runCli(bundles, ["analyze", one.spec, "--json", "--backend", "wasm"]));
    const cpu = json<Analysis>(await runCli(bundles, ["analyze", two.spec, "--json", "--backend", "cpu"]));
    expect(cpu.backend).toBe("cpu");
    expect(cpu.key).toBe(wasm.key);
    cpu.nodeLayers.forEach(({ kept, lambda }, i) => {
      expect(kept).toBe(wasm.nodeLayers[i]!.kept);
      lambda.forEach((value, k) => expect(Math.abs(value - wasm.nodeLayers[i]!.lambda[k]!)).toBeLessThan(1e-4 * Math.abs(lambda[1] ?? 1)));
    });
  });

  it("interrupted with Ctrl-C ends with 130 and leaves no result", async () => {
    const { folder: into, spec } = await longAnalysis();
    let killed = 0;
    const { code, stdout, stderr } = await runCli(bundles, ["analyze", spec, "--json"], {
      onStderr: (text, kill) => {
        if (killed > 0 || !text.includes("bases")) return;
        killed = performance.now();
        kill("SIGINT");
      },
    });
    console.log(`interrupted: ended after ${Math.round(performance.now() - killed)} ms`);
    expect(code).toBe(130);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n").at(-1)).toBe("lib-lens: cancelled");
    const left = await readdir(join(into, ".lib-lens")).catch(() => []);
    expect(left.filter((name) => name.endsWith(".libresult") || name.includes("tmp") || name.startsWith("."))).toEqual([]);
  });
});

describe("a run that is killed", () => {
  it("leaves no result, and the next one continues from its last finished layer", async () => {
    const { folder: into, spec } = await longAnalysis();
    const store = join(into, ".lib-lens");
    const finished = async (): Promise<string[]> => {
      const [key] = await readdir(join(store, "unfinished")).catch(() => []);
      return key === undefined ? [] : (await readdir(join(store, "unfinished", key))).filter((name) => /^layer-\d+\.safetensors$/.test(name));
    };
    let stop: ((signal: NodeJS.Signals) => void) | null = null;
    const killed = runCli(bundles, ["analyze", spec, "--json"], { onStderr: (_text, kill) => { stop ??= kill; } });
    let ended = false;
    void killed.then(() => { ended = true; });
    while (!ended && (await finished()).length === 0) await new Promise((passed) => setTimeout(passed, 20));
    stop!("SIGKILL");
    expect((await killed).code).toBeNull();
    expect((await readdir(store)).filter((name) => name.endsWith(".libresult"))).toEqual([]);
    const before = (await finished()).length;
    expect(before).toBeGreaterThan(0);

    let isStopped = false;
    const { code, stderr } = await runCli(bundles, ["analyze", spec, "--json"], {
      onStderr: (text, kill) => {
        if (isStopped || !text.includes("Continued from")) return;
        isStopped = true;
        kill("SIGTERM");
      },
    });
    expect(stderr).toContain(`Continued from an earlier run that had finished ${before} of 4 node layers.`);
    expect(code).toBe(130);
    expect((await finished()).length).toBeGreaterThanOrEqual(before);
  });
});

describe("inspect and backends", () => {
  it("inspect lists tensors, architecture and node layers", async () => {
    const { model } = await tinyAnalysis();
    const found = json<{ format: string; tensors: object[]; architecture: object; nodeLayers: string[] }>(await runCli(bundles, ["inspect", model, "--json"]));
    expect(found).toMatchObject({ format: "safetensors", architecture: { family: "mlp" }, nodeLayers: ["layers.0", "layers.1", "layers.2", "output"] });
    expect(found.tensors[0]).toEqual({ name: "fc1.weight", dtype: "float32", shape: [6, 8] });
    expect((await runCli(bundles, ["inspect", model])).stdout).toContain("8 → 6 → 5 → 3");
  });

  it("backends says of each whether and why", async () => {
    const found = json<{ name: string; available: boolean; reason: string; gflops: number | null }[]>(await runCli(bundles, ["backends", "--json"]));
    expect(found.map(({ name }) => name)).toEqual(["tensorflow", "webgpu", "wasm", "cpu"]);
    expect(found.every(({ reason }) => reason.length > 0)).toBe(true);
    expect(found.find(({ name }) => name === "cpu")!.available).toBe(true);
  });
});

describe("mistakes", () => {
  it.each<[string[], string]>([
    [["anlyze", "x"], 'did you mean "analyze"?'],
    [["analyze"], "needs a spec file"],
    [["analyze", "a.lib.json", "b"], "one argument too many"],
    [["analyze", "nowhere.lib.json"], "does not exist"],
    [["analyze", "a.lib.json", "--jsn"], "did you mean --json?"],
    [["analyze", "a.lib.json", "--backend", "cuda"], "it is one of auto, tensorflow, webgpu, wasm, cpu"],
    [["ablate", "a.lib.json"], "nodes or edges"],
    [["ablate", "nodes", "a.lib.json", "--tolerance", "much"], "0.001"],
    [["ablate", "nodes", "a.lib.json", "--schedule", "linera"], "it is one of all, linear, exponential, bisect, logarithmic"],
    [["ablate", "edges", "a.lib.json", "--keep", "1,two"], "--keep is \"two\""],
    [["ablate", "edges", "a.lib.json", "--points", "1"], "at least 2"],
    [["inspect", "a.pt", "--force"], "has no option --force"],
    [["inspect", "/nowhere.pt"], "/nowhere.pt"],
    [["analyze", "a.lib.json", "--max-memory", "10XB"], "--max-memory is \"10XB\"; a size such as 4GB or 512MB is expected."],
    [["analyze", "a.lib.json", "--backend"], "--backend needs a value: --backend VALUE"],
    [["cluster", "a.lib.json", "--gamma", "-1"], "--gamma=VALUE where it begins with a dash."],
    [["figure", "spectra", "a.lib.json", "--out", "a.svg", "--gamma", "2"], "The figure \"spectra\" has no option --gamma"],
    [["figure", "graph", "a.lib.json", "--out", "a.svg", "--schedule", "all"], "The figure \"graph\" has no option --schedule"],
    [["cluster", "a.lib.json", "--epsilon", "1"], "--epsilon belongs to the logarithmic norms: add --norm log or --norm node-log."],
  ])("%j: exit code 2 and one line that says what to do", async (args, message) => {
    const { code, stdout, stderr } = await runCli(bundles, args, { cwd: await folder() });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    const lines = stderr.trimEnd().split("\n");
    expect(lines.at(-1)).toContain(message);
    expect(lines.filter((line) => line.startsWith("lib-lens: "))).toHaveLength(1);
  });

  it("in the spec name the line; a hostile model is refused", async () => {
    const into = await folder();
    await writeFile(join(into, "a.lib.json"), '{\n  "model": "m.pt",\n  "data": { "kind": "npz" },\n  "sed": 1\n}');
    const wrong = await runCli(bundles, ["analyze", join(into, "a.lib.json")]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('line 4: Unknown field "sed": did you mean "seed"?')]);
    await writeFile(join(into, "m.pt"), Buffer.from([0x80, 2, 0x42, 0xfb, 0xff, 0xff, 0xff]));
    const spec = await writeSpec(into, { model: "m.pt", data: { kind: "block-vectors", size: 4, width: 4 } }, "b.lib.json");
    const noData = await writeSpec(into, { model: "m.pt", data: { kind: "idx", inputs: "nowhere.gz" } }, "c.lib.json");
    const missing = await runCli(bundles, ["analyze", noData]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining(`${join(into, "nowhere.gz")} cannot be opened: there is no such file; check the path.`)]);
    const hostile = await runCli(bundles, ["analyze", spec]);
    expect([hostile.code, hostile.stderr]).toEqual([2, expect.stringContaining("m.pt")]);
  });

  it("a backend that cannot run here is a failed run that names another", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const { code, stderr } = await runCli(bundles, ["analyze", spec, "--backend", "webgpu"]);
    if (code === 0) return console.log("webgpu runs here: nothing to refuse");
    expect([code, stderr]).toEqual([1, expect.stringContaining("--backend wasm")]);
    expect((await readdir(join(into, ".lib-lens"))).filter((name) => name !== "index.json")).toEqual([]);
  });

  it("help and version go to standard output", async () => {
    expect(await runCli(bundles, ["--help"])).toMatchObject({ code: 0, stdout: expect.stringContaining("ablate edges SPEC") as string });
    expect((await runCli(bundles, ["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

const seed0 = sharedData("modadd/seed0/model_epoch_60000.pt");

describe.skipIf(seed0 === null)("the authors' modular addition, by the spec of the design (skipped without ../shared/data)", () => {
  interface Layer { Lambda_const: number; Lambda_head_sorted: number[] }
  interface Reference { seeds: Record<string, { rib: { base_test_accuracy: number; layers: Record<string, Layer> } }> }

  it.each([0, 1, 3])("seed %i has the exact base accuracy, 13 to 28 features per layer, and the published Lambda", async (seed) => {
    const into = await folder();
    const out = join(into, "results");
    await mkdir(out);
    const data = { kind: "modular-addition", modulus: 113, fracTrain: 0.3, seed: 0 } as const;
    const spec = await writeSpec(into, {
      model: sharedData(`modadd/seed${seed}/model_epoch_60000.pt`)!, architecture: { family: "transformer-lens" }, data: { ...data, split: "train" },
      evaluation: { data: { ...data, split: "test" }, metric: "accuracy" },
      nodeLayers: ["ln1.0", "ln2.0", "unembed", "output"], lastPositionOnly: "add_resid1",
      basis: {
        formula: "jacobian", center: true, integration: "gradient", intervals: 0, global: false, sources: { position: null, hidden: null },
        threshold: 1e-6, rotateOutput: false, isolateLayerNormVariance: true,
      },
      edges: { formula: "squared", sources: null }, precision: "float32", batchSize: "auto", maxMemory: "4GB", seed: 0,
    });
    const found = json<Analysis & { evaluation: { base: number } }>(await runCli(bundles, ["analyze", spec, "--json", "--out", out]));
    const { rib } = (JSON.parse(await readFile(sharedData("modadd/reference.json")!, "utf8")) as Reference).seeds[String(seed)]!;
    expect(found.evaluation.base).toBe(rib.base_test_accuracy);
    for (const { name, kept, lambda } of found.nodeLayers.slice(0, 3)) {
      expect(kept).toBeGreaterThanOrEqual(13);
      expect(kept).toBeLessThanOrEqual(28);
      const published = rib.layers[name]!;
      const leading = published.Lambda_head_sorted.filter((value) => value > 1e-4 * published.Lambda_head_sorted[0]!);
      for (const [feature, value] of [published.Lambda_const, ...leading].entries()) expect(Math.abs(lambda[feature]! / value - 1)).toBeLessThan(0.005);
    }
    expect(found.nodeLayers[3]).toMatchObject({ name: "output", dim: 114, kept: 0 });
  }, 600_000);
});
