import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, runCli, type Finished } from "../analysis/bundles";
import { folder, longAnalysis, tinyAnalysis, writeSpec } from "../analysis/fixtures";
import { sharedData } from "../formats/sharedData";

let bundles = "";

beforeAll(async () => {
  bundles = await bundle(["cli", "worker", "probe"]);
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

/** Exactly one JSON value on standard output. */
function json<T>({ code, stdout, stderr }: Finished): T {
  expect(code, stderr).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(stdout) as T;
}

interface Analysis {
  key: string; file: string; backend: string; seconds: number; phases: Record<string, number>; cached: boolean;
  nodeLayers: { name: string; dim: number; kept: number; lambda: number[] }[];
  sections: { from: string; to: string; shape: [number, number] }[];
}

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

describe("cluster", () => {
  it("puts every feature into exactly one cluster, more of them at a larger resolution", async () => {
    const { spec } = await tinyAnalysis();
    const { nodeLayers } = json<Analysis>(await runCli(bundles, ["analyze", spec, "--json"]));
    const clustersAt = async (gamma: string): Promise<{ layer: string; index: number }[][]> => (
      json<{ modularity: number; clusters: { layer: string; index: number }[][] }>(await runCli(bundles, ["cluster", spec, "--json", "--gamma", gamma])).clusters
    );
    const [few, many] = [await clustersAt("0.001"), await clustersAt("10")];
    const features = nodeLayers.flatMap(({ name, kept }) => Array.from({ length: kept }, (_, index) => `${name} ${index}`));
    for (const clusters of [few, many]) expect(clusters.flat().map(({ layer, index }) => `${layer} ${index}`).sort()).toEqual(features.sort());
    expect(few.length).toBeLessThan(many.length);
    // The constant features interact with everything and belong nowhere.
    for (const own of few.filter((members) => members.some(({ index }) => index === 0))) expect(own).toHaveLength(1);
  });
});

describe("cluster, further", () => {
  interface Clusters {
    modularity: number; gamma: number; norm: string; clusters: { layer: string; index: number }[][];
    sections: { inside: number; epsilon?: number }[]; stability: { mean: number; runs: number }; permutation: { p: number; z: number | null };
  }

  it("finds a wanted number, merges the output, and says how far to trust it", async () => {
    const { spec } = await tinyAnalysis();
    const found = json<Clusters>(await runCli(bundles, ["cluster", spec, "--json", "--clusters", "2", "--merge-output", "--seeds", "4", "--shuffles", "20"]));
    expect(found.clusters.filter(({ length }) => length > 1)).toHaveLength(2);
    expect(found.clusters.flat().filter(({ layer }) => layer === "output")).toEqual([{ layer: "output", index: 0 }]);
    expect(found.sections).toHaveLength(3);
    expect(found.stability.runs).toBe(4);
    expect(found.permutation.p).toBeGreaterThanOrEqual(1 / 21);
    const impossible = await runCli(bundles, ["cluster", spec, "--clusters", "50"]);
    expect([impossible.code, impossible.stderr]).toEqual([2, expect.stringContaining("gives 50 clusters")]);
  });

  it("with a logarithmic norm drops what edge ablation did not need", async () => {
    const { spec } = await tinyAnalysis();
    const { weakest } = json<{ weakest: Record<string, number> }>(await runCli(bundles, ["ablate", "edges", spec, "--json", "--tolerance", "0.01"]));
    const found = json<Clusters>(await runCli(bundles, ["cluster", spec, "--json", "--norm", "log", "--tolerance", "0.01"]));
    expect(found.sections.map(({ epsilon }) => epsilon)).toEqual([weakest["layers.0"], weakest["layers.1"]]);
    const none = json<Clusters>(await runCli(bundles, ["cluster", spec, "--json", "--norm", "node-log", "--epsilon", "1e9"]));
    expect([none.modularity, none.clusters.every(({ length }) => length === 1)]).toEqual([0, true]);
  });
});

describe("sparsity", () => {
  it("measures every section in every basis, with the edges that ablation requires", async () => {
    const { spec } = await tinyAnalysis();
    interface Section { from: string; possible: number; present: number; participationRatio: number; hoyer: number; required: number | null }
    const { bases } = json<{ bases: Record<string, Section[]> }>(await runCli(bundles, ["sparsity", spec, "--json"]));
    expect(Object.keys(bases)).toEqual(["lib", "pca", "neuron"]);
    const { required } = json<{ required: Record<string, number> }>(await runCli(bundles, ["ablate", "edges", spec, "--json", "--basis", "pca"]));
    expect(Object.fromEntries(bases["pca"]!.map((one) => [one.from, one.required]))).toEqual(required);
    for (const sections of Object.values(bases)) {
      // Widths without the constants: 8, 6, 5 and 3 outputs.
      expect(sections.map(({ possible }) => possible)).toEqual([48, 30, 15]);
      for (const { participationRatio, hoyer, present, possible } of sections) {
        expect(participationRatio).toBeGreaterThanOrEqual(1);
        expect(participationRatio).toBeLessThanOrEqual(present);
        expect(present).toBeLessThanOrEqual(possible);
        expect(hoyer).toBeGreaterThan(0);
      }
    }
    expect((await runCli(bundles, ["sparsity", spec, "--basis", "lib"])).stdout).toContain("Hoyer");
  });

  it("needs no labels for what is not scored", async () => {
    const { spec } = await tinyAnalysis({ data: { kind: "block-vectors", size: 200, width: 8 } });
    const { bases } = json<{ bases: Record<string, { required: number | null; hoyer: number }[]> }>(await runCli(bundles, ["sparsity", spec, "--json", "--basis", "lib"]));
    expect(bases["lib"]!.every(({ required, hoyer }) => required === null && hoyer > 0)).toBe(true);
  });
});

describe("labels", () => {
  interface Labels { kind: string; file: string; handMade: number; layers: { name: string; labels: string[]; computed: string[]; explained: number[]; profile: object[][] }[] }

  it("say by class what features respond to; a label made by hand stays", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const first = json<Labels>(await runCli(bundles, ["labels", spec, "--json"]));
    expect([first.kind, first.handMade, first.file]).toEqual(["class", 0, join(into, "analysis.labels.csv")]);
    expect(first.layers.map(({ name }) => name)).toEqual(["layers.0", "layers.1", "layers.2"]);
    for (const { labels, profile } of first.layers) {
      expect(labels[0]).toBe("constant");
      for (const text of labels.slice(1)) expect(text).toMatch(/^\d+% class/);
      for (const groups of profile) expect(groups).toHaveLength(3);
    }
    const text = await readFile(first.file, "utf8");
    expect(text.split("\n")[0]).toBe("layer,feature,label,computed,result");
    await writeFile(first.file, text.replace("layers.1,2,,", 'layers.1,2,"wheels, mostly",'));
    const again = json<Labels>(await runCli(bundles, ["labels", spec, "--json"]));
    expect([again.handMade, again.layers[1]!.labels[2], again.layers[1]!.computed]).toEqual([1, "wheels, mostly", first.layers[1]!.computed]);
    expect(await readFile(first.file, "utf8")).toContain('layers.1,2,"wheels, mostly",');
  });

  it("in the authors' form are a line per layer; other bases leave the file beside the spec alone", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const out = join(into, "pca.csv");
    const { layers } = json<Labels>(await runCli(bundles, ["labels", spec, "--json", "--basis", "pca", "--out", out]));
    const lines = (await readFile(out, "utf8")).trimEnd().split("\n");
    expect(lines).toEqual([...layers.map(({ computed }) => computed.join(",")), "output_0,output_1,output_2"]);
    expect(existsSync(join(into, "analysis.labels.csv"))).toBe(false);
    for (const kind of ["fourier", "position", "token"]) {
      const { code, stderr } = await runCli(bundles, ["labels", spec, "--kind", kind]);
      expect([code, stderr]).toEqual([2, expect.stringContaining("choose --kind class")]);
    }
  });
});

describe("figure", () => {
  it("writes a plot of one or several analyses", async () => {
    const [one, two] = [await tinyAnalysis(), await tinyAnalysis({ seed: 7 })];
    for (const [name, specs] of [["required", [one.spec, two.spec]], ["graph", [one.spec]], ["architecture", [one.spec]]] as const) {
      const out = join(one.folder, `${name}.svg`);
      expect(json(await runCli(bundles, ["figure", name, ...specs, "--json", "--out", out]))).toEqual({ file: out });
      expect(await readFile(out, "utf8")).toMatch(/^<\?xml [^]*<svg [^]*layers\.1[^]*<\/svg>\n$/);
    }
  });

  it.each<[string[], string]>([
    [["figure", "graph", "a.lib.json"], "add --out FILE.svg"],
    [["figure", "grap", "a.lib.json"], 'did you mean "graph"?'],
    [["figure", "graph"], "needs a spec file"],
    [["figure", "graph", "a.lib.json", "b.lib.json", "--out", "x.svg"], "shows one analysis"],
  ])("%j says what to type", async (args, message) => {
    const { code, stderr } = await runCli(bundles, args, { cwd: await folder() });
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it("of pictures needs a layer that is one", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const { code, stderr } = await runCli(bundles, ["figure", "directions", spec, "--out", join(into, "x.svg")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("no square picture")]);
    expect(existsSync(join(into, "x.svg"))).toBe(false);
  });
});

describe("ablate", () => {
  it("nodes: curves end at the base score, and needed is where they stay there", async () => {
    const { spec } = await tinyAnalysis();
    for (const basis of ["lib", "pca"]) {
      const { base, curves, needed } = json<{ base: number; curves: Record<string, [number, number][]>; needed: Record<string, number> }>(
        await runCli(bundles, ["ablate", "nodes", spec, "--json", "--basis", basis, "--tolerance", "0.01"]),
      );
      expect(Object.keys(curves)).toEqual(["layers.0", "layers.1", "layers.2"]);
      for (const [layer, curve] of Object.entries(curves)) {
        expect(curve.map(([kept]) => kept)).toEqual(curve.map((_, i) => i));
        expect(curve.at(-1)![1]).toBe(base);
        const stays = curve.filter(([kept]) => kept >= needed[layer]!).every(([, score]) => score >= base - 0.01);
        expect(stays).toBe(true);
        if (needed[layer]! > 0) expect(curve[needed[layer]! - 1]![1]).toBeLessThan(base - 0.01);
      }
    }
  });

  it("edges: the required number keeps the score", async () => {
    const { spec } = await tinyAnalysis();
    const { base, required, probes } = json<{ base: number; required: Record<string, number>; probes: Record<string, [number, number][]> }>(
      await runCli(bundles, ["ablate", "edges", spec, "--json"]),
    );
    expect(Object.keys(required)).toEqual(["layers.0", "layers.1", "layers.2"]);
    for (const [layer, edges] of Object.entries(required)) {
      const probe = probes[layer]!.find(([kept]) => kept === edges);
      if (probe) expect(probe[1]).toBeGreaterThanOrEqual(base - 0.001);
    }
  });

  it("with every basis answers under their names, each as when asked alone", async () => {
    const { spec } = await tinyAnalysis();
    const every = json<Record<string, object>>(await runCli(bundles, ["ablate", "edges", spec, "--json", "--basis", "all"]));
    expect(Object.keys(every)).toEqual(["lib", "pca", "neuron"]);
    expect(every["pca"]).toEqual(json(await runCli(bundles, ["ablate", "edges", spec, "--json", "--basis", "pca"])));
    const neurons = json<{ base: number; curves: Record<string, [number, number][]> }>(await runCli(bundles, ["ablate", "nodes", spec, "--json", "--basis", "neuron"]));
    for (const curve of Object.values(neurons.curves)) expect(curve.at(-1)![1]).toBe(neurons.base);
  });

  it("probes what the schedule says, typed or in the spec", async () => {
    const { spec } = await tinyAnalysis({ ablation: { nodes: { schedule: "linear", points: 3 }, tolerance: 0.5 } });
    type Answer = { tolerance: number; metric: string; curves: Record<string, [number, number][]>; probes: Record<string, [number, number][]> };
    const ask = async (what: string, ...typed: string[]): Promise<Answer> => json<Answer>(await runCli(bundles, ["ablate", what, spec, "--json", ...typed]));
    const counts = (curve: [number, number][]): number[] => curve.map(([kept]) => kept);
    const own = await ask("nodes");
    expect([own.tolerance, counts(own.curves["layers.0"]!)]).toEqual([0.5, [0, 5, 9]]);
    expect(counts((await ask("nodes", "--schedule", "linear", "--points", "100", "--tolerance", "0.1")).curves["layers.2"]!)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(counts((await ask("nodes", "--schedule", "exponential", "--base", "2", "--cutoff", "1")).curves["layers.0"]!)).toEqual([0, 1, 2, 4, 8, 9]);
    expect(counts((await ask("nodes", "--schedule", "all", "--keep", "2,4")).curves["layers.0"]!)).toHaveLength(10);
    const edges = await ask("edges", "--keep", "2,4", "--metric", "ce-loss");
    expect([edges.metric, counts(edges.probes["layers.0"]!)]).toEqual(["ce-loss", [63, 4, 2, 0]]);
    expect(counts((await ask("edges", "--schedule", "logarithmic", "--tolerance", "0")).probes["layers.0"]!)[0]).toBe(1);
    expect(await ask("edges", "--schedule", "linear", "--points", "64", "--stop-at", "0")).toMatchObject({ metric: "accuracy" });
    // A loss is scored in nats, and a tenth of one counts as kept.
    const { spec: other } = await tinyAnalysis();
    expect(json<Answer>(await runCli(bundles, ["ablate", "nodes", other, "--json", "--metric", "ce-loss"])).tolerance).toBe(0.1);
  });

  it("prints tables for people", async () => {
    const { spec } = await tinyAnalysis();
    expect((await runCli(bundles, ["ablate", "nodes", spec])).stdout).toContain("features needed");
    expect((await runCli(bundles, ["ablate", "edges", spec])).stdout).toContain("edges required");
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

describe.skipIf(seed0 === null)("the authors' modular addition, seed 0 (skipped without ../shared/data)", () => {
  it("keeps 13 to 28 features per layer and the exact base accuracy", async () => {
    const into = await folder();
    const out = join(into, "results");
    await mkdir(out);
    const data = { kind: "modular-addition", modulus: 113, fracTrain: 0.3, seed: 0 } as const;
    const spec = await writeSpec(into, {
      model: seed0!, architecture: { family: "transformer-lens" }, data: { ...data, split: "train" },
      evaluation: { data: { ...data, split: "test" }, metric: "accuracy" },
      nodeLayers: ["ln1.0", "ln2.0", "unembed", "output"], lastPositionOnly: "add_resid1", basis: { formula: "jacobian", threshold: 1e-6 },
    });
    const found = json<Analysis & { evaluation: { base: number } }>(await runCli(bundles, ["analyze", spec, "--json", "--out", out]));
    const reference = JSON.parse(await readFile(sharedData("modadd/reference.json")!, "utf8")) as { seeds: Record<string, { rib: { base_test_accuracy: number } }> };
    expect(found.evaluation.base).toBe(reference.seeds["0"]!.rib.base_test_accuracy);
    for (const { kept } of found.nodeLayers.slice(0, 3)) {
      expect(kept).toBeGreaterThanOrEqual(13);
      expect(kept).toBeLessThanOrEqual(28);
    }
    expect(found.nodeLayers[3]).toMatchObject({ name: "output", dim: 114, kept: 0 });
  }, 600_000);
});
