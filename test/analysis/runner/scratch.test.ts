import { spawn } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancelledError } from "../../../server/src/analysis/errors";
import { Scratch } from "../../../server/src/analysis/runner/scratch";
import { readMatrix, withResult } from "../../../server/src/analysis/store/resultFile";
import { bundle, runCli } from "../bundles";
import { folder, random, writeData, writeMlp, writeSpec } from "../fixtures";

const never = (): void => undefined;

describe("a scratch file", () => {
  it("gives back what was put, in any order and as often as it is asked", async () => {
    const scratch = new Scratch(await folder(), "run", never);
    const next = random(1);
    const doubles = Float64Array.from({ length: 1000 }, next);
    const singles = Float32Array.from({ length: 77 }, next);
    const part = doubles.subarray(10, 20);
    const [a, b, c, empty] = [scratch.put(doubles), scratch.put(singles), scratch.put(part), scratch.put(new Float64Array(0))];
    expect(scratch.bytes).toBe(8000 + 308 + 80);
    for (const [back, values] of [[c, part], [a, doubles], [b, singles], [a, doubles], [empty, new Float64Array(0)]] as const) expect(back()).toEqual(values);
    a()[0] = 5;
    expect(a()).toEqual(doubles);
    scratch.close();
  });

  it("has no name while it is open, and opens nothing before something is put", async () => {
    const into = await folder();
    const scratch = new Scratch(join(into, "store"), "run", never);
    expect(await readdir(into)).toEqual([]);
    scratch.put(new Float64Array(10));
    if (process.platform !== "win32") expect(await readdir(join(into, "store"))).toEqual([]);
    scratch.close();
    expect(await readdir(join(into, "store"))).toEqual([]);
  });

  it("ends between two pieces when it is cancelled, and says where the disk refuses", async () => {
    const into = await folder();
    let cancelled = false;
    const scratch = new Scratch(into, "run", () => {
      if (cancelled) throw new CancelledError();
    });
    const back = scratch.put(new Float64Array(10));
    cancelled = true;
    expect(() => scratch.put(new Float64Array(10))).toThrow(CancelledError);
    expect(back).toThrow(CancelledError);
    scratch.close();
    await expect(async () => new Scratch(join(await writeSpec(into, { model: "m", data: { kind: "npy" } }), "below"), "run", never).put(new Float64Array(1))).rejects.toThrow();
  });
});

describe("an analysis whose bases do not fit", () => {
  let bundles = "";
  beforeAll(async () => { bundles = await bundle(["cli", "worker"]); });
  afterAll(() => rm(bundles, { recursive: true, force: true }));

  const widths = [48, 200, 200, 10];
  /** Room for one step, but not for everything that is found. */
  const little = "182MB";
  async function wideAnalysis(): Promise<{ into: string; spec: string }> {
    const into = await folder();
    await writeMlp(into, widths);
    await writeData(into, 200, widths[0]!, widths.at(-1)!);
    const data = { kind: "safetensors", inputs: "data.safetensors", inputsName: "inputs", labelsName: "labels" } as const;
    return { into, spec: await writeSpec(into, { model: "model.safetensors", data, precision: "float64", batchSize: 100 }) };
  }

  /** Edges and Jacobian summaries are stored in float32. */
  const singles = new Set<string>();
  async function tensorsOf(file: string): Promise<Map<string, Float64Array>> {
    return withResult(file, async (opened) => new Map(await Promise.all(opened.tensors
      .filter(({ shape }) => shape.length === 2)
      .map(async ({ name, dtype }) => {
        if (dtype === "float32") singles.add(name);
        return [name, (await readMatrix(opened, name))!.data] as const;
      }))));
  }

  it("finds the same as one that holds them", async () => {
    const { into, spec } = await wideAnalysis();
    const found: Map<string, Float64Array>[] = [];
    for (const limit of ["2GB", little]) {
      const { code, stdout, stderr } = await runCli(bundles, ["analyze", spec, "--json", "--max-memory", limit, "--out", join(into, limit)]);
      expect(code, stderr).toBe(0);
      expect(stderr.includes("finished bases wait on disk")).toBe(limit === little);
      found.push(await tensorsOf((JSON.parse(stdout) as { file: string }).file));
      expect(await readdir(join(into, limit))).toEqual(expect.arrayContaining([expect.stringMatching(/\.libresult$/)]));
    }
    const [held, spilled] = found as [Map<string, Float64Array>, Map<string, Float64Array>];
    expect([...spilled.keys()]).toEqual([...held.keys()]);
    for (const [name, values] of held) {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const other = spilled.get(name)!;
      expect(values.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0), name).toBeLessThanOrEqual((singles.has(name) ? 1e-7 : 1e-12) * largest);
    }
  }, 300_000);

  it("leaves nothing but what the next run continues from when it is cancelled", async () => {
    const { into, spec } = await wideAnalysis();
    const store = join(into, "store");
    let isStopped = false;
    const { code } = await runCli(bundles, ["analyze", spec, "--json", "--max-memory", little, "--out", store], {
      onStderr: (text, kill) => {
        if (isStopped || !text.includes("edges")) return;
        isStopped = true;
        kill("SIGINT");
      },
    });
    expect(code).toBe(130);
    const left = await readdir(store, { recursive: true });
    expect(left.filter((name) => name.includes("scratch") || name.endsWith(".libresult"))).toEqual([]);
  }, 300_000);

  it("leaves no scratch file when its process is killed", async () => {
    const { into, spec } = await wideAnalysis();
    const store = join(into, "store");
    const child = spawn(process.execPath, [join(bundles, "cli.js"), "analyze", spec, "--json", "--max-memory", little, "--out", store], { env: { ...process.env, LIB_LENS_BACKEND: "wasm" } });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("edges")) child.kill("SIGKILL");
    });
    await new Promise((ended) => child.on("close", ended));
    expect(said).toContain("finished bases wait on disk");
    expect((await readdir(store, { recursive: true })).filter((name) => name.includes("scratch"))).toEqual([]);
  }, 300_000);
});
