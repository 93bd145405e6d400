import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { distinctNames } from "../../server/src/cli/figure";
import { bundle, runCli } from "../analysis/bundles";
import { folder, tinyAnalysis } from "../analysis/fixtures";
import { json, type Analysis } from "./answers";

let bundles = "";

beforeAll(async () => {
  bundles = await bundle(["cli", "worker", "probe"]);
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

describe("cluster", () => {
  interface Clusters {
    modularity: number; edgesInside: number; gamma: number; norm: string; clusters: { layer: string; index: number }[][];
    sections: { inside: number; epsilon?: number }[]; stability: { mean: number; runs: number }; permutation: { p: number; z: number | null };
  }

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

  it("finds a wanted number, merges the output, and says how far to trust it", async () => {
    const { spec } = await tinyAnalysis();
    const found = json<Clusters>(await runCli(bundles, ["cluster", spec, "--json", "--clusters", "2", "--merge-output", "--seeds", "4", "--shuffles", "20"]));
    expect(found.clusters.filter(({ length }) => length > 1)).toHaveLength(2);
    expect(found.clusters.flat().filter(({ layer }) => layer === "output")).toEqual([{ layer: "output", index: 0 }]);
    expect(found.sections).toHaveLength(3);
    expect(found.stability.runs).toBe(4);
    expect(found.edgesInside).toBeGreaterThan(0);
    expect(found.edgesInside).toBeLessThanOrEqual(1);
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

  it("tells specs of one name apart by as many folders as it takes", () => {
    expect(distinctNames(["runs/a.lib.json", "runs/b.json", "c.pt"])).toEqual(["a", "b", "c.pt"]);
    expect(distinctNames(["runs/seed0/a.lib.json", "runs/seed1/a.lib.json"])).toEqual(["seed0/a", "seed1/a"]);
    expect(distinctNames(["one/seed0/a.lib.json", "two/seed0/a.lib.json"])).toEqual(["one/seed0/a", "two/seed0/a"]);
    expect(new Set(distinctNames(["a.lib.json", "a.lib.json"])).size).toBe(1);
  });

  it("of labels takes those that were kept for the same analysis, kind and basis", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const out = join(into, "explained.svg");
    const drawn = async (basis = "lib"): Promise<string> => {
      json(await runCli(bundles, ["figure", "explained", spec, "--basis", basis, "--json", "--out", out]));
      return readFile(out, "utf8");
    };
    const computed = await drawn();
    json(await runCli(bundles, ["labels", spec, "--json"]));
    expect(await drawn()).toBe(computed);
    const file = join(into, ".lib-lens", (await readdir(join(into, ".lib-lens"))).find((name) => name.endsWith(".labels.json"))!);
    interface Kept { key: string; found: { labels: { kind: string; layers: { name: string; explained: number[] }[] } }[] }
    const kept = JSON.parse(await readFile(file, "utf8")) as Kept;
    const [{ labels }] = kept.found as [Kept["found"][number]];
    for (const { explained } of labels.layers) explained.fill(0.125);
    const keep = (text: string): Promise<void> => writeFile(file, text);
    await keep(JSON.stringify(kept));
    expect(await drawn()).toContain("12.5");
    // Of another basis, kind, analysis or layer, or damaged: found anew.
    expect(await drawn("pca")).not.toContain("12.5");
    for (const other of [{ ...kept, key: "other" }, { ...kept, found: [{ basis: "lib", labels: { ...labels, kind: "token" } }] }]) {
      await keep(JSON.stringify(other));
      expect(await drawn()).toBe(computed);
    }
    await keep(JSON.stringify(kept).replace('"layers.1"', '"layers.9"'));
    expect(await drawn()).toBe(computed);
    await keep("{");
    expect(await drawn()).toBe(computed);
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

  it("keeps no number that no layer has, and probes the others where they exist", async () => {
    const { spec } = await tinyAnalysis();
    type Answer = { curves: Record<string, [number, number][]> };
    const kept = (await runCli(bundles, ["ablate", "nodes", spec, "--json", "--keep", "9,7"]));
    expect(Object.values(json<Answer>(kept).curves).map((curve) => curve.map(([count]) => count))).toEqual([[0, 7, 9], [0, 7], [0, 6]]);
    for (const [what, typed, sentence] of [
      ["nodes", "2,10", '"keep" names 10 features, but no node layer has more than 9, those of "layers.0": name at most 9.'],
      ["edges", "64,65,66,67,1", '"keep" names 64, 65, 66 and 1 more edges, but no section has more than 63, those of the one from "layers.0": name at most 63.'],
    ] as const) {
      const { code, stderr } = await runCli(bundles, ["ablate", what, spec, "--json", "--keep", typed]);
      expect(code).toBe(2);
      expect(stderr).toContain(sentence);
    }
  });

  it("is computed once for all who ask, and again when it is forced", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    type Answer = { required: Record<string, number>; probes: object };
    const ask = async (...more: string[]): Promise<Answer> => json<Answer>(await runCli(bundles, ["ablate", "edges", spec, "--json", ...more]));
    const sparsity = async (...more: string[]): Promise<(number | null)[]> => (
      json<{ bases: Record<string, { required: number | null }[]> }>(await runCli(bundles, ["sparsity", spec, "--json", "--basis", "lib", ...more])).bases["lib"]!.map(({ required }) => required)
    );
    const first = await ask();
    // A number that no computation gives shows who takes the stored answer.
    const file = (await readdir(join(into, ".lib-lens"))).find((name) => name.endsWith(".ablation.json"))!;
    const text = await readFile(join(into, ".lib-lens", file), "utf8");
    const tampered = JSON.parse(text) as { answers: { answer: Answer }[] };
    tampered.answers[0]!.answer.required["layers.1"] = 12345;
    const change = (): Promise<void> => writeFile(join(into, ".lib-lens", file), JSON.stringify(tampered));
    await change();
    expect([(await ask()).required["layers.1"], (await sparsity())[1]]).toEqual([12345, 12345]);
    expect(await ask("--force")).toEqual(first);
    expect(await ask()).toEqual(first);
    await change();
    expect(await sparsity("--force")).toEqual(Object.values(first.required));
    expect(await ask()).toEqual(first);
    // What sparsity has found is the answer to an ablation, too.
    await rm(join(into, ".lib-lens", file));
    await sparsity();
    expect((JSON.parse(await readFile(join(into, ".lib-lens", file), "utf8")) as { answers: { answer: Answer }[] }).answers.map(({ answer }) => answer)).toEqual([first]);
  });

  it("prints tables for people", async () => {
    const { spec } = await tinyAnalysis();
    expect((await runCli(bundles, ["ablate", "nodes", spec])).stdout).toContain("features needed");
    expect((await runCli(bundles, ["ablate", "edges", spec])).stdout).toContain("edges required");
  });
});
