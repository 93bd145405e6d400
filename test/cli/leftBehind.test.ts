import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, runCli } from "../analysis/bundles";
import { folder, tinyAnalysis } from "../analysis/fixtures";

let bundles = "";

beforeAll(async () => {
  bundles = await bundle(["cli", "worker", "probe"]);
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

describe("nothing is told to anybody", () => {
  it("onnxruntime's telemetry, which begins with an identifier in the user's folders, is off in every process and thread", async () => {
    const { spec } = await tinyAnalysis();
    const home = await folder();
    // Telemetry is off anyway where these say that a build machine runs the process.
    const env = { HOME: home, CI: undefined, GITHUB_ACTIONS: undefined, TF_BUILD: undefined, ORT_DISABLE_TELEMETRY: undefined, XDG_CACHE_HOME: undefined, LIB_LENS_BACKEND: undefined };
    expect((await runCli(bundles, ["analyze", spec, "--json"], { env })).code).toBe(0);
    const backends = JSON.parse((await runCli(bundles, ["backends", "--json"], { env })).stdout) as { name: string; reason: string }[];
    const wasm = backends.find(({ name }) => name === "wasm")!;
    if (!wasm.reason.includes("onnxruntime")) console.warn("onnxruntime is not installed: its telemetry is NOT tested here");
    const left = (await readdir(home, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    expect(left.filter((name) => !name.startsWith(join(home, ".cache", "lib-lens")))).toEqual([]);
  });
});

describe("what cannot be written is said before the work", () => {
  it.each([
    ["figure", "spectra", "no folder", ["nowhere", "plot.svg"], /nowhere.*plot\.svg cannot be written: there is no folder .*nowhere; create it or choose another\./],
    ["figure", "spectra", "a folder", ["data"], /data cannot be written: it is a folder; name a file in it\./],
    ["figure", "spectra", "a file as a folder", ["spec.lib.json", "plot.svg"], /plot\.svg cannot be written: .*file, not a folder; choose another\./],
    ["analyze", "", "no folder", ["nowhere", "report.html"], /report\.html cannot be written: there is no folder/],
    ["labels", "", "no folder", ["nowhere", "labels.csv"], /labels\.csv cannot be written: there is no folder/],
  ])("%s %s: %s", async (command, what, _why, path, sentence) => {
    const { folder: into, spec } = await tinyAnalysis();
    await mkdir(join(into, "data"), { recursive: true });
    await writeFile(join(into, "spec.lib.json"), "{}");
    const before = (await readdir(into)).sort();
    const { code, stdout, stderr } = await runCli(bundles, [command, ...(what ? [what] : []), spec, command === "analyze" ? "--report" : "--out", join(into, ...path)]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(sentence);
    expect((await readdir(into)).sort()).toEqual(before);
  });

  it("a file in the place of the result folder", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const out = join(into, "taken");
    await writeFile(out, "");
    const { code, stderr } = await runCli(bundles, ["analyze", spec, "--json", "--out", out]);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(`lib-lens: ${out} cannot be written: a part of the path is a file, not a folder; choose another.`);
    expect(stderr).not.toContain("bases");
  });
});
