import { build } from "esbuild";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeBackend } from "../../server/src/engine/probeBackend";
import { keepAnswers, readAnswers } from "../../server/src/engine/backendAnswers";
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
    const stored = JSON.parse(readFileSync(cacheFile, "utf8")) as { answers: { key: string; statuses: BackendStatus[] }[] };
    const [own] = stored.answers;
    expect(own!.statuses).toEqual(first);

    own!.statuses[0]!.reason = "from the cache";
    const reason = async (contents: unknown): Promise<string> => {
      writeFileSync(cacheFile, JSON.stringify(contents));
      return (await probeBackends({ probeFile, cacheFile }))[0]!.reason;
    };
    expect(await reason(stored)).toBe("from the cache");
    // Beside the answers for another version of Node, and alone, as earlier versions wrote them.
    const other = { key: "another machine", statuses: [status("cpu", true)] };
    expect(await reason({ answers: [other, own] })).toBe("from the cache");
    expect(await reason(own)).toBe("from the cache");
    expect(await reason({ answers: [other] })).not.toBe("from the cache");
    expect(readAnswers(cacheFile, own!.key)?.map((each) => each.name)).toEqual(backendOrder);
    expect(readAnswers(cacheFile, other.key)).toEqual(other.statuses);
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

describe("the file of answers", () => {
  let folder = "";
  let file = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "lib-lens-answers-"));
    file = join(folder, "cache", "backends.json");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const answer = (text: string): BackendStatus[] => [{ ...status("cpu", true), reason: text }];

  it("answers each key with what was kept for it last, whoever wrote in between", () => {
    keepAnswers(file, "editor", answer("first"));
    keepAnswers(file, "command line", answer("second"));
    expect(readAnswers(file, "editor")).toEqual(answer("first"));
    keepAnswers(file, "editor", answer("third"));
    expect(readAnswers(file, "editor")).toEqual(answer("third"));
    expect(readAnswers(file, "command line")).toEqual(answer("second"));
    expect(readAnswers(file, "nobody")).toBeNull();
  });

  it("keeps a bounded number of keys, those that were answered last", () => {
    const keys = Array.from({ length: 100 }, (_, place) => `key ${place}`);
    for (const key of keys) keepAnswers(file, key, answer(key));
    const known = keys.filter((key) => readAnswers(file, key) !== null);
    expect(known.length).toBeGreaterThan(1);
    expect(known.length).toBeLessThan(20);
    expect(known).toEqual(keys.slice(-known.length));
    expect(readAnswers(file, "editor")).toBeNull();
    // An old one that is answered again is the last to go.
    keepAnswers(file, known[0]!, answer("again"));
    for (const key of known.slice(1).map((one) => `${one} later`)) keepAnswers(file, key, answer(key));
    expect(readAnswers(file, known[0]!)).toEqual(answer("again"));
    expect(readAnswers(file, known[1]!)).toBeNull();
    expect(readdirSync(join(folder, "cache"))).toEqual(["backends.json"]);
  });

  it.each([
    "", "{", "null", "7", "[]", '{"answers":7}', '{"answers":[null,3,{"key":1,"statuses":[]},{"key":"a"},{"key":"a","statuses":[null]}]}', '{"key":"a","statuses":{}}',
  ])("takes %j for no answers and writes over it", (contents) => {
    writeFileSync(file, contents);
    expect(readAnswers(file, "a")).toBeNull();
    keepAnswers(file, "a", answer("new"));
    expect(readAnswers(file, "a")).toEqual(answer("new"));
  });

  it("does without a file where none can be written", () => {
    keepAnswers(join(file, "below a file", "backends.json"), "a", answer("lost"));
    expect(readAnswers(join(file, "below a file", "backends.json"), "a")).toBeNull();
  });
});
