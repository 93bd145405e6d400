import { spawn } from "node:child_process";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../../server/src/analysis/runner/loadModel";
import { planMemory, type MemoryFacts } from "../../../server/src/analysis/runner/memory";
import { bundle } from "../bundles";
import { folder, writeData, writeMlp, writeSpec } from "../fixtures";

/** Notes the resident memory at the start of the process and its highest value. Loaded before the command line. */
const hook = `
const { isMainThread } = require("node:worker_threads");
if (isMainThread) {
  const start = process.memoryUsage().rss;
  process.on("exit", () => require("node:fs").writeFileSync(process.env.LIB_LENS_TEST_PEAK, JSON.stringify({ start, peak: 1024 * process.resourceUsage().maxRSS })));
}
`;

let bundles = "";
beforeAll(async () => {
  bundles = await bundle(["cli", "worker"]);
  await writeFile(join(bundles, "hook.cjs"), hook);
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

/** Bytes of a whole analysis beyond the start of its process, and what was said before. */
async function measure(into: string, spec: string, limit: string): Promise<{ measured: number; estimated: number }> {
  const file = join(into, "peak.json");
  const env = { ...process.env, LIB_LENS_BACKEND: "wasm", LIB_LENS_TEST_PEAK: file };
  const child = spawn(process.execPath, ["--require", join(bundles, "hook.cjs"), join(bundles, "cli.js"), "analyze", spec, "--json", "--max-memory", limit], { env });
  let answer = "";
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((ended) => child.on("close", ended));
  if (code !== 0) throw new Error(said);
  expect(said).toMatch(/The run will take about [\d.]+ [MG]B of memory \(limit [\d.]+ [MG]B\)/);
  const { start, peak } = JSON.parse(await readFile(file, "utf8")) as { start: number; peak: number };
  return { measured: peak - start, estimated: (JSON.parse(answer) as { memoryBytes: number }).memoryBytes };
}

const megabyte = 2 ** 20;

describe("the memory of a run", () => {
  it.each<[string, readonly number[], number, number, string]>([
    ["many samples", [300, 24, 10], 30_000, 60, "4GB"],
    ["many samples, and a limit that leaves little", [300, 24, 10], 30_000, 60, "700MB"],
    ["wide layers", [32, 260, 260, 8], 300, 200, "4GB"],
    ["wide layers, and a limit that leaves little", [32, 260, 260, 8], 300, 200, "450MB"],
    ["wide layers, and a limit below what they take together", [64, 512, 512, 10], 600, 200, "206MB"],
    ["many layers", [24, 24, 24, 24, 24, 24, 24, 10], 1000, 500, "1GB"],
  ])("with %s is within 1.2 of the estimate, and the estimate within the limit", async (_what, widths, samples, scored, limit) => {
    const into = await folder();
    await writeMlp(into, widths);
    const evaluation = await folder();
    await writeData(into, samples, widths[0]!, widths.at(-1)!);
    await writeData(evaluation, scored, widths[0]!, widths.at(-1)!, 9);
    const kind = { kind: "safetensors", inputsName: "inputs", labelsName: "labels" } as const;
    const spec = await writeSpec(into, {
      model: "model.safetensors", data: { ...kind, inputs: "data.safetensors" }, evaluation: { data: { ...kind, inputs: join(evaluation, "data.safetensors") } },
    });
    const { measured, estimated } = await measure(into, spec, limit);
    console.log(`${widths.join("-")}, ${samples} samples, limit ${limit}: ${Math.round(measured / megabyte)} MB measured, ${Math.round(estimated / megabyte)} MB estimated`);
    expect(measured).toBeLessThanOrEqual(1.2 * estimated);
    expect(estimated).toBeLessThanOrEqual((limit.endsWith("GB") ? 1024 : 1) * Number.parseInt(limit, 10) * megabyte);
    // Bytes of the data alone are no estimate, and neither is everything.
    expect(estimated).toBeLessThanOrEqual(3 * measured);
  }, 600_000);
});

it("weights beyond the limit are refused before they are read: a sparse file promises more than its disk holds", async () => {
  const into = await folder();
  const width = 60_000;
  const sizes: [string, number[]][] = [["fc1.weight", [width, width]], ["fc1.bias", [width]], ["fc2.weight", [3, width]], ["fc2.bias", [3]]];
  let end = 0;
  const header = Buffer.from(JSON.stringify(Object.fromEntries(sizes.map(([name, shape]) => {
    const begin = end;
    end += 4 * shape.reduce((product, extent) => product * extent, 1);
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
  }))));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const model = join(into, "model.safetensors");
  await writeFile(model, Buffer.concat([length, header]));
  await truncate(model, 8 + header.length + end);
  const loaded = loadModel(model, { architecture: { family: "mlp" }, data: { kind: "npy" } }, 4 * 1024 * megabyte, () => undefined);
  await expect(loaded).rejects.toThrow(/The weights of .*model\.safetensors take at least 13\.4 GB, more than the limit of 4\.0 GB\. Raise "maxMemory"/);
  await rm(into, { recursive: true });
});

describe("the plan", () => {
  const facts: MemoryFacts = {
    dataBytes: 1e8, evaluationBytes: 0, weightBytes: 2e7, widths: [785, 1025, 10], hidden: [{ neurons: 1025, factors: 1 }, { neurons: 0, factors: 1 }],
    activationsPerSample: 1820, samples: 30_000, positions: 1, bytesPerValue: 4,
  };
  const gigabyte = 1024 * megabyte;

  it("grows with everything that is held, and never beyond the limit", () => {
    const plain = planMemory(facts, 4 * gigabyte);
    for (const more of [
      { dataBytes: 2e8 }, { evaluationBytes: 1e8 }, { weightBytes: 1e8 }, { widths: [785, 2049, 10] }, { hidden: [{ neurons: 3000, factors: 1 }, { neurons: 0, factors: 1 }] }, { bytesPerValue: 8 }, { samples: 60_000 }, { activationsPerSample: 4000 },
    ] as const) expect(planMemory({ ...facts, ...more }, 4 * gigabyte).estimate).toBeGreaterThan(plain.estimate);
    for (const limit of [1, 1.2, 1.5, 2, 3, 4, 8].map((size) => size * gigabyte)) {
      const { estimate, budget, fixed, spills } = planMemory(facts, limit);
      expect(spills).toBe(false);
      expect(estimate).toBeLessThanOrEqual(limit);
      expect(budget).toBeGreaterThan(0);
      expect(fixed).toBeLessThan(estimate);
    }
  });

  it("puts finished matrices on disk when it cannot hold all of them, and then more layers need no more memory", () => {
    const wide: MemoryFacts = { ...facts, widths: [785, 1025, 1025, 10], hidden: [...facts.hidden, { neurons: 1025, factors: 1 }] };
    const wider: MemoryFacts = { ...wide, widths: [...wide.widths, 1025, 1025], hidden: [...wide.hidden, ...wide.hidden.slice(0, 2)] };
    const least = 450 * megabyte;
    expect(planMemory(wide, gigabyte).spills).toBe(false);
    expect(planMemory(wide, least)).toMatchObject({ spills: true });
    expect(planMemory(wide, least).estimate).toBeLessThanOrEqual(least);
    expect(planMemory(wider, least).fixed).toBe(planMemory(wide, least).fixed);
    expect(planMemory(wider, gigabyte).fixed).toBeGreaterThan(planMemory(wide, gigabyte).fixed);
  });

  it("that does not fit names the numbers and the fields to change", () => {
    const sentence = /needs about [\d.]+ [MG]B \(data 191 MB, weights 19 MB, one step on layers of up to 1025 dimensions \d+ MB, \d+ MB to compute with\), more than the limit of 384 MB\. Raise "maxMemory", or give "data\.limit" or fewer "nodeLayers" in the spec\.$/;
    expect(() => planMemory({ ...facts, evaluationBytes: 1e8 }, (gigabyte * 3) / 8)).toThrow(sentence);
  });
});
