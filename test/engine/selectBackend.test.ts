import { build } from "esbuild";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeBackend } from "../../server/src/engine/probeBackend";
import { backendOrder, chooseBackend, probeBackends } from "../../server/src/engine/selectBackend";
import type { BackendStatus } from "../../server/src/protocol/requests";

const status = (name: BackendStatus["name"], available: boolean): BackendStatus => ({ name, available, reason: `${name} says so.`, gflops: available ? 1 : null });

describe("chooseBackend", () => {
  const statuses = [status("tensorflow", false), status("webgpu", true), status("wasm", true), status("cpu", true)];
  it("takes the first available one that computes in the precision", () => {
    expect(chooseBackend(statuses, "auto", "float32").name).toBe("webgpu");
    expect(chooseBackend(statuses, "auto", "float64").name).toBe("wasm");
    expect(chooseBackend(statuses, "cpu", "float64").name).toBe("cpu");
  });
  it("says why a wanted backend cannot be had", () => {
    expect(() => chooseBackend(statuses, "tensorflow", "float32")).toThrow("The backend tensorflow does not run on this machine. tensorflow says so. Choose --backend webgpu.");
    expect(() => chooseBackend(statuses, "webgpu", "float64")).toThrow("--backend wasm");
    expect(() => chooseBackend([status("cpu", false)], "auto", "float32")).toThrow("No backend runs on this machine");
  });
});

describe("probeBackend", () => {
  it.each(["cpu", "wasm"] as const)("finds %s correct and measures it", async (name) => {
    const result = await probeBackend(name);
    expect(result.available).toBe(true);
    expect(result.gflops).toBeGreaterThan(0.01);
  });
  it("gives a sentence for a backend that is absent", async () => {
    const result = await probeBackend("webgpu");
    if (!result.available) expect(result.reason).toMatch(/^[A-Z].*\.$/);
  });
});

describe("probeBackends", () => {
  let folder = "";
  let probeFile = "";
  beforeAll(async () => {
    // Inside the project, so that the bundle finds its packages.
    folder = mkdtempSync(join("test", "engine", "tmp-probe-"));
    probeFile = join(folder, "probe.js");
    await build({
      entryPoints: ["server/src/engine/probe.ts"], outfile: probeFile, bundle: true, platform: "node", format: "cjs", target: "node20",
      mainFields: ["module", "main"], loader: { ".wasm": "binary" }, logLevel: "error",
      external: ["webgpu", "onnxruntime-node", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"],
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("tries every backend in a child process and keeps the answers", async () => {
    const cacheFile = join(folder, "cache", "backends.json");
    const first = await probeBackends({ probeFile, cacheFile });
    expect(first.map((each) => each.name)).toEqual(backendOrder);
    for (const name of ["wasm", "cpu"]) expect(first.find((each) => each.name === name)).toMatchObject({ available: true });
    for (const each of first) if (!each.available) expect(each.reason).toMatch(/\.$/);
    const stored = JSON.parse(readFileSync(cacheFile, "utf8")) as { key: string; statuses: BackendStatus[] };
    expect(stored.statuses).toEqual(first);

    stored.statuses[0].reason = "from the cache";
    writeFileSync(cacheFile, JSON.stringify(stored));
    expect((await probeBackends({ probeFile, cacheFile }))[0].reason).toBe("from the cache");
    writeFileSync(cacheFile, JSON.stringify({ ...stored, key: "another machine" }));
    expect((await probeBackends({ probeFile, cacheFile }))[0].reason).not.toBe("from the cache");
  });

  it("survives a probe that crashes, hangs or cannot start", async () => {
    const script = (name: string, text: string): string => {
      const file = join(tmpdir(), `lib-lens-${process.pid}-${name}.cjs`);
      writeFileSync(file, text);
      return file;
    };
    // Only the probe that hangs is cut short: on a busy machine the others need a while to start.
    const cases = [
      { file: script("crash", "process.abort()"), timeout: 60_000, reason: "ended early (SIGABRT)" },
      { file: script("hang", "setInterval(() => {}, 1000)"), timeout: 1500, reason: "did not answer within 1.5 seconds" },
      { file: script("quiet", ""), timeout: 60_000, reason: "ended early" },
    ];
    try {
      for (const { file, timeout, reason } of cases) {
        const statuses = await probeBackends({ probeFile: file, cacheFile: null, timeout });
        for (const each of statuses) expect(each).toMatchObject({ available: false, reason: expect.stringContaining(reason) as string });
      }
    } finally {
      for (const { file } of cases) rmSync(file);
    }
  });
});

describe("probeBackends without a bundle", () => {
  it("tries the backends in this process", async () => {
    const statuses = await probeBackends({ probeFile: null, cacheFile: null });
    expect(statuses.find((each) => each.name === "wasm")).toMatchObject({ available: true });
  });
});
