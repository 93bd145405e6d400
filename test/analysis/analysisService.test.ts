import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AnalysisService, type AnalysisServiceOptions } from "../../server/src/analysis/analysisService";
import { ablationFile } from "../../server/src/analysis/store/ablationFile";
import type { AblateNodesAnswer, AblationOptions } from "../../server/src/analysis/worker/messages";
import type { RunEvent } from "../../server/src/protocol/events";
import type { BasisName } from "../../server/src/protocol/result";
import { bundle } from "./bundles";
import { folder, longAnalysis, tinyAnalysis, writeMlp } from "./fixtures";

let bundles = "";
const services: AnalysisService[] = [];

function service(options: Partial<AnalysisServiceOptions> = {}): AnalysisService {
  const made = new AnalysisService({ workerFile: join(bundles, "worker.js"), backend: () => "wasm", ...options });
  services.push(made);
  return made;
}

/** Resolves with the first event that fits. */
function next(host: AnalysisService, fits: (event: RunEvent) => boolean): Promise<RunEvent> {
  return new Promise((resolve) => {
    const stop = host.onEvent((event) => {
      if (!fits(event)) return;
      stop();
      resolve(event);
    });
  });
}

async function fileOf(host: AnalysisService, spec: string): Promise<string> {
  const done = next(host, (event) => event.kind === "done" || event.kind === "failed");
  host.start({ spec });
  const event = await done;
  if (event.kind !== "done") throw new Error(JSON.stringify(event));
  return event.file;
}

beforeAll(async () => {
  bundles = await bundle(["worker"]);
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((one) => one.dispose()));
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

describe("the analysis service", () => {
  it("streams a run, stores it, lists it, and answers it from the store without a worker", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const host = service();
    const events: RunEvent[] = [];
    host.onEvent((event) => void events.push(event));
    const { run } = host.start({ spec });
    expect(events).toEqual([]);
    expect(await host.outcome(run)).toEqual({ run, end: "done", badInput: false });
    expect(new Set(events.map((event) => event.run))).toEqual(new Set([run]));
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["started", "phase", "layer", "section", "done"]));
    expect(host.runs().map((one) => one.run)).toEqual([run]);
    expect(host.runs()[0]!.events.filter(({ kind }) => kind !== "phase")).toEqual(events.filter(({ kind }) => kind !== "phase" && kind !== "jacobian"));

    const [stored] = await host.results([into]);
    expect(stored!.metadata).toEqual(await host.outline(stored!.file));
    // No worker file is needed to answer from the store.
    const again = new AnalysisService({ workerFile: join(bundles, "absent.js") });
    const done = next(again, ({ kind }) => kind === "done" || kind === "failed");
    again.start({ spec });
    expect(await done).toMatchObject({ kind: "done", cached: true, file: stored!.file });
  });

  it("puts results where it is told to", async () => {
    const [{ spec }, elsewhere] = [await tinyAnalysis(), await folder()];
    expect(await fileOf(service({ storeFolder: () => elsewhere }), spec)).toContain(elsewhere);
  });

  it("hands out matrices and scores of ablations", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const host = service();
    const file = await fileOf(host, spec);
    const metadata = await host.metadata(file);
    const { dimension, kept } = metadata.layers[1]!;
    expect(await host.matrix(file, "C/1")).toMatchObject({ rows: dimension, cols: kept });
    expect(await host.matrix(file, "lambda/1")).toMatchObject({ rows: 1, cols: kept });
    expect(await host.matrix(file, "nothing")).toBeNull();

    const untouched = await host.ablate(file, "lib", 1, []);
    expect(untouched.score).toBe(untouched.base);
    expect(untouched.base).toBe(metadata.evaluation!.base);
    const all = Array.from({ length: kept }, (_, i) => i);
    for (const basis of ["lib", "pca", "neuron"] as const) {
      const { score } = await host.ablate(file, basis, 1, all);
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    await expect(host.ablate(file, "lib", 1, [999])).rejects.toThrow("999");
    await expect(host.ablate(file, "lib", 9, [0])).rejects.toThrow("no node layer 9");
    // The answering worker is still there after a refused question.
    expect((await host.ablate(file, "lib", 0, [])).score).toBe(untouched.base);
    await writeMlp(into, [8, 6, 5, 3], 77);
    await expect(service().ablate(file, "lib", 0, [])).rejects.toThrow("has changed since");
  });

  it("an ablation is a run: curves as they come, stored beside the result, the same as by the command line", async () => {
    const { spec } = await tinyAnalysis();
    const host = service();
    const file = await fileOf(host, spec);
    expect(await host.curves(file)).toEqual([]);
    const events: RunEvent[] = [];
    host.onEvent((event) => void events.push(event));
    const { run } = host.startAblation({ file, what: "nodes", bases: ["lib", "pca"] });
    expect(await host.outcome(run)).toMatchObject({ end: "done" });
    const { key, layers } = await host.metadata(file);
    expect(events[0]).toMatchObject({ kind: "started", task: "ablation", key });
    expect(events.at(-1)).toMatchObject({ kind: "done", file });
    const sent = events.flatMap((event) => (event.kind === "curve" ? [event.curve] : []));
    expect(sent.map(({ basis, layer }) => `${basis} ${layer}`)).toEqual(["lib", "pca"].flatMap((basis) => layers.filter(({ kept }) => kept > 0).map(({ name }) => `${basis} ${name}`)));
    const overall = events.flatMap((event) => (event.kind === "phase" ? [event.overall] : []));
    expect(overall).toEqual([...overall].sort((a, b) => a - b));
    expect(await host.curves(file)).toEqual(sent);
    await rm(ablationFile(file));
    const answer = await host.ablateNodes(file, { basis: "lib" }, () => undefined, new AbortController().signal);
    for (const { layer, points, needed } of sent.filter(({ basis }) => basis === "lib")) {
      expect(new Map(answer.curves[layer])).toEqual(new Map(points));
      expect(answer.needed[layer]).toBe(needed);
    }
  });

  it("names the backend that computes an ablation, and that of the result where the store answers", async () => {
    const { spec } = await tinyAnalysis();
    const file = await fileOf(service({ backend: () => "cpu" }), spec);
    const host = service({ backend: () => "wasm" });
    const ablated = async (bases: readonly BasisName[], what: "nodes" | "edges" = "nodes"): Promise<{ backends: string[]; first: RunEvent; cached: boolean }> => {
      const { run } = host.startAblation({ file, what, bases });
      expect(await host.outcome(run)).toMatchObject({ end: "done" });
      const { events } = host.runs().find((one) => one.run === run)!;
      const end = events.at(-1)!;
      return { backends: events.flatMap((event) => (event.kind === "started" ? [event.backend.name] : [])), first: events[0]!, cached: end.kind === "done" && end.cached };
    };
    const { key, model, layers, evaluation, backend } = await host.outline(file);
    expect(backend.name).toBe("cpu");
    const computed = await ablated(["lib"]);
    expect(computed).toMatchObject({ backends: ["wasm"], cached: false });
    expect(computed.first).toMatchObject({
      kind: "started", task: "ablation", key, model: model.path, samples: evaluation!.samples, nodeLayers: layers.map(({ name, dimension }) => ({ name, dimension })),
    });
    expect(await ablated(["lib"])).toMatchObject({ backends: ["cpu"], cached: true, first: { ...computed.first, run: expect.any(String) as string, backend } });
    expect(await ablated(["lib", "pca"])).toMatchObject({ backends: ["cpu", "wasm"], cached: false });
    expect(await ablated(["lib", "pca"], "edges")).toMatchObject({ backends: ["wasm"], cached: false });
    expect(await ablated(["lib"], "edges")).toMatchObject({ backends: ["cpu"], cached: true });
  });

  it("computes an ablation once, whoever asks, and again for other options", async () => {
    const { spec } = await tinyAnalysis();
    const host = service();
    const file = await fileOf(host, spec);
    const { signal } = new AbortController();
    const progress: RunEvent[] = [];
    const ask = (options: AblationOptions): Promise<AblateNodesAnswer> => host.ablateNodes(file, options, (event) => void progress.push(event), signal);
    const first = await ask({ basis: "lib" });
    const worked = progress.length;
    expect(progress.some(({ kind }) => kind === "phase")).toBe(true);
    expect(await ask({ basis: "lib", schedule: {} })).toEqual(first);
    expect(progress.slice(worked).some(({ kind }) => kind === "phase")).toBe(false);

    // A run of the editor: the same curves, at once.
    const events: RunEvent[] = [];
    host.onEvent((event) => void events.push(event));
    const { run } = host.startAblation({ file, what: "nodes", bases: ["lib"] });
    expect(await host.outcome(run)).toMatchObject({ end: "done" });
    expect(events.at(-1)).toMatchObject({ kind: "done", cached: true });
    expect(events.every((event) => event.run === run)).toBe(true);
    const sent = events.flatMap((event) => (event.kind === "curve" ? [event.curve] : []));
    expect(Object.fromEntries(sent.map(({ layer, needed }) => [layer, needed]))).toEqual(first.needed);

    const edges = await host.ablateEdges(file, { basis: "lib" }, () => undefined, signal);
    expect(await service().ablateEdges(file, { basis: "lib" }, () => undefined, signal)).toEqual(edges);

    const wide = await ask({ basis: "lib", tolerance: 1 });
    expect(Object.values(wide.needed)).toEqual(Object.values(wide.needed).map(() => 0));
    expect(await ask({ basis: "lib" })).toEqual(first);
  });

  it("gives the modules of a result, one number per feature", async () => {
    const host = service();
    const file = await fileOf(host, (await tinyAnalysis()).spec);
    const { layers } = await host.metadata(file);
    const modules = await host.modules(file, 1);
    expect(modules.layers.map((features) => features.length)).toEqual(layers.map(({ kept }) => kept));
    // The constant feature is in no module.
    for (const [index, { kept }] of layers.entries()) if (kept > 0) expect(modules.layers[index]![0]).toBe(-1);
    const sizes = modules.layers.flat().filter((module) => module >= 0).reduce((all, module) => all.set(module, (all.get(module) ?? 0) + 1), new Map<number, number>());
    expect([...sizes.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: sizes.size }, (_, module) => module));
    for (const size of sizes.values()) expect(size).toBeGreaterThan(1);
  });

  it("writes a spec for a model that it can analyse itself", async () => {
    const { folder: into, model } = await tinyAnalysis();
    await mkdir(join(into, "data"));
    const { file, text } = await service().createSpec(model);
    expect(file).toBe(join(into, "model.lib.json"));
    expect(text).toContain("8 → 6 → 5 → 3");
    await writeFile(file, text.replace('"data.npz"', '"data.safetensors"').replace('"npz"', '"safetensors"'));
    expect(await fileOf(service(), file)).toContain(".lib-lens");
  });

  it.each<[string, { spec?: string; model?: string }, string]>([
    ["nothing", {}, "Nothing to analyse"],
    ["a spec that is not there", { spec: "/nowhere/a.lib.json" }, "does not exist"],
    ["a model without data", { model: "/nowhere/a.pt" }, "does not exist"],
  ])("reports %s as bad input", async (_what, options, message) => {
    const host = service();
    const failed = next(host, ({ kind }) => kind === "failed");
    const { run } = host.start(options);
    expect(await failed).toMatchObject({ message: expect.stringContaining(message) as string });
    expect(await host.outcome(run)).toMatchObject({ end: "failed", badInput: true });
  });
});

describe("cancelling", () => {
  it.each(["means", "bases", "edges"])("in the phase %s answers soon and leaves no partial result", async (phase) => {
    const { folder: into, spec } = await longAnalysis();
    const host = service();
    const reached = next(host, (event) => (event.kind === "phase" && event.phase === phase) || event.kind === "failed" || event.kind === "done");
    const { run } = host.start({ spec });
    expect(await reached).toMatchObject({ kind: "phase", phase });
    const asked = performance.now();
    expect(await host.cancel(run)).toBe(true);
    console.log(`cancelled in the phase ${phase}: answered after ${Math.round(performance.now() - asked)} ms`);
    expect(host.runs().find((one) => one.run === run)!.events.at(-1)).toEqual({ run, kind: "cancelled" });
    const left = await readdir(join(into, ".lib-lens")).catch(() => []);
    expect(left.filter((name) => name !== "index.json" && name !== "unfinished")).toEqual([]);
    expect(await host.results([into])).toEqual([]);
    expect(await host.cancel(run)).toBe(false);
  });

  it("again and again, at any moment, never harms the host", async () => {
    const { folder: into, spec } = await longAnalysis();
    const host = service();
    const products = (event: RunEvent): boolean => event.kind === "phase" && event.phase === "edges";
    for (let i = 0; i < 6; i += 1) {
      const reached = next(host, products);
      const { run } = host.start({ spec });
      await reached;
      await new Promise((passed) => setTimeout(passed, 37 * i));
      expect(await host.cancel(run)).toBe(true);
    }
    // All threads leave by themselves, with nothing left behind.
    await host.dispose();
    expect((await readdir(join(into, ".lib-lens"))).filter((name) => name !== "index.json" && name !== "unfinished")).toEqual([]);
  });

  it("before the worker has anything to do works as well", async () => {
    const { spec } = await longAnalysis();
    const host = service();
    const { run } = host.start({ spec });
    expect(await host.cancel(run)).toBe(true);
    expect(await host.outcome(run)).toMatchObject({ end: "cancelled" });
  });
});

describe("a worker that dies", () => {
  it("of memory is a failed run; the host lives on", async () => {
    const { spec } = await longAnalysis();
    const host = service({ heapMegabytes: 6 });
    const failed = next(host, ({ kind }) => kind === "failed" || kind === "done");
    host.start({ spec });
    expect(await failed).toMatchObject({ kind: "failed", message: expect.stringMatching(/memory/) as string });
    expect(await fileOf(service(), (await tinyAnalysis()).spec)).toContain(".libresult");
  });

  it("or was never built is a failed run with a sentence", async () => {
    const broken = join(await folder(), "worker.js");
    await writeFile(broken, "process.exit(3);");
    const host = service({ workerFile: broken });
    const failed = next(host, ({ kind }) => kind === "failed");
    host.start({ spec: (await tinyAnalysis()).spec });
    expect(await failed).toMatchObject({ message: expect.stringContaining("stopped unexpectedly") as string });
  });
});
