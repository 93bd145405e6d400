import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../server/src/analysis/errors";
import { nodeCurves } from "../../../server/src/analysis/runner/ablationCurves";
import { AblationSession } from "../../../server/src/analysis/runner/ablationSession";
import { runAnalysis } from "../../../server/src/analysis/runner/runAnalysis";
import { readMetadata } from "../../../server/src/analysis/store/resultFile";
import type { AnalyzeRequest } from "../../../server/src/analysis/worker/messages";
import { openSafetensors } from "../../../server/src/formats/safetensors/openSafetensors";
import { phases, type RunEvent } from "../../../server/src/protocol/events";
import { resultTensorName } from "../../../server/src/protocol/result";
import type { AnalysisSpec } from "../../../server/src/protocol/spec";
import { tinyAnalysis } from "../fixtures";

function request(folder: string, spec: string, change: Partial<AnalyzeRequest> = {}): AnalyzeRequest {
  return {
    kind: "analyze", run: "run-1", source: { spec, model: null }, storeFolder: join(folder, ".lib-lens"), force: false,
    compute: { backend: "cpu", probeFile: null, backendCacheFile: null, maxMemory: null }, ...change,
  };
}

/** Runs to the end, or until `stopAt` says so. */
async function run(asked: AnalyzeRequest, stopAt: (events: readonly RunEvent[]) => boolean = () => false): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  await runAnalysis(asked, {
    emit: (event) => void events.push(event),
    checkCancelled: () => {
      if (stopAt(events)) throw new CancelledError();
    },
    keepAfterSeconds: 0,
  }).catch((error: unknown) => {
    if (!(error instanceof CancelledError)) throw error;
  });
  return events;
}

async function tensorsOf(file: string): Promise<Map<string, readonly number[]>> {
  const opened = await openSafetensors(file);
  const all = new Map<string, readonly number[]>();
  for (const { name } of opened.tensors) all.set(name, [...(await opened.read(name))]);
  await opened.close();
  return all;
}

const kinds = (events: readonly RunEvent[], kind: RunEvent["kind"]): RunEvent[] => events.filter((event) => event.kind === kind);
const doneFile = (events: readonly RunEvent[]): string => {
  const last = events.at(-1)!;
  if (last.kind !== "done") throw new Error(`ended with ${last.kind}`);
  return last.file;
};

describe("a run", () => {
  it("tells everything that the result says, and the bar never runs backwards", async () => {
    const { folder, spec } = await tinyAnalysis();
    const events = await run(request(folder, spec));
    const metadata = await readMetadata(doneFile(events));
    const layers = events.flatMap((event) => (event.kind === "layer" ? [event.layer] : []));
    // What is known at the end only is not in the events of single layers.
    expect([...layers].sort((a, b) => a.index - b.index)).toEqual(metadata.layers.map(({ needed: _needed, ...layer }) => layer));
    expect(layers.map(({ index }) => index)).toEqual([3, 2, 1, 0]);
    const sections = events.flatMap((event) => (event.kind === "section" ? [event.section] : []));
    expect([...sections].sort((a, b) => a.index - b.index)).toEqual(metadata.sections);
    const jacobians = events.flatMap((event) => (event.kind === "jacobian" ? [event] : []));
    expect(jacobians.map(({ basis, section }) => `${basis} ${section}`).sort()).toEqual(["lib", "neuron", "pca"].flatMap((basis) => [0, 1, 2].map((section) => `${basis} ${section}`)));
    const tensors = await tensorsOf(doneFile(events));
    for (const { basis, section, mean: { rows, cols, float32 } } of jacobians) {
      const bytes = Uint8Array.from(Buffer.from(float32, "base64"));
      expect(bytes.length).toBe(4 * rows * cols);
      expect([...new Float32Array(bytes.buffer)]).toEqual(tensors.get(resultTensorName.jacobian(basis, section)));
    }
    const overall = events.flatMap((event) => (event.kind === "phase" ? [event.overall] : []));
    expect(overall).toEqual([...overall].sort((a, b) => a - b));
    for (const name of Object.keys(metadata.phases)) expect(phases).toContain(name);
    expect(metadata.evaluation).toMatchObject({ metric: "accuracy", samples: 400 });
    expect(metadata.spec).toMatchObject({ model: join(folder, "model.safetensors"), nodeLayers: ["layers.0", "layers.1", "layers.2", "output"] });
  });

  it("says how many features keep the score, as an ablation of all of them finds", async () => {
    const { folder, spec } = await tinyAnalysis();
    const file = doneFile(await run(request(folder, spec)));
    const { layers, evaluation } = await readMetadata(file);
    expect(evaluation!.needed).toEqual({ tolerance: 0.001, samples: 400 });
    const { compute } = request(folder, spec);
    const session = await AblationSession.open(file, compute, () => undefined);
    const curves = await nodeCurves(session, { kind: "ablate-nodes", run: "run-2", file, basis: "lib", compute }, { emit: () => undefined, checkCancelled: () => undefined });
    expect(Object.fromEntries(layers.flatMap(({ name, needed }) => (needed !== undefined ? [[name, needed]] : [])))).toEqual(curves.needed);
    expect(Object.values(curves.needed).some((needed) => needed > 1)).toBe(true);
  });

  it("stores bases that undo themselves, and edges of the shapes it says", async () => {
    const { folder, spec } = await tinyAnalysis();
    const file = doneFile(await run(request(folder, spec)));
    const [metadata, tensors] = [await readMetadata(file), await tensorsOf(file)];
    for (const { index, kept, dimension, lambda } of metadata.layers.filter((layer) => layer.kept > 0)) {
      const [C, CPinv] = [tensors.get(`C/${index}`)!, tensors.get(`CPinv/${index}`)!];
      expect(C).toHaveLength(dimension * kept);
      expect([...lambda.slice(1)]).toEqual([...lambda.slice(1)].sort((a, b) => b - a));
      for (let row = 0; row < kept; row += 1) {
        for (let col = 0; col < kept; col += 1) {
          let sum = 0;
          for (let k = 0; k < dimension; k += 1) sum += CPinv[row * dimension + k]! * C[k * kept + col]!;
          expect(sum).toBeCloseTo(row === col ? 1 : 0, 8);
        }
      }
    }
    for (const { index, shape, total } of metadata.sections) {
      const edges = tensors.get(`edges/${index}`)!;
      expect(edges).toHaveLength(shape[0] * shape[1]);
      const sum = edges.reduce((all, edge, at) => (at % shape[1] === 0 ? all : all + edge), 0);
      expect(sum).toBeCloseTo(total, 3);
      expect(tensors.has(`edges-pca/${index}`)).toBe(true);
      expect(tensors.get(`jacobian/lib/${index}`)).toHaveLength(shape[0] * shape[1]);
      // A mean is never larger than the root of the mean square.
      const neuron = tensors.get(`jacobian/neuron/${index}`)!;
      expect(neuron).toHaveLength(metadata.layers[index]!.dimension * metadata.layers[index + 1]!.dimension);
      neuron.forEach((value, at) => expect(Math.abs(value)).toBeLessThanOrEqual(tensors.get(`jacobian-rms/neuron/${index}`)![at]! * (1 + 1e-5) + 1e-7));
    }
  });

  it("is answered from the store the second time, and computed again when forced", async () => {
    const { folder, spec } = await tinyAnalysis();
    const first = await run(request(folder, spec));
    const second = await run(request(folder, spec));
    expect(second.at(-1)).toMatchObject({ kind: "done", cached: true, file: doneFile(first) });
    expect(kinds(second, "layer").length).toBe(4);
    expect((await run(request(folder, spec, { force: true }))).at(-1)).toMatchObject({ kind: "done", cached: false });
  });

  it("that was stopped continues from the last finished layer and gives the same result", async () => {
    const [whole, broken] = [await tinyAnalysis(), await tinyAnalysis()];
    const expected = await tensorsOf(doneFile(await run(request(whole.folder, whole.spec))));
    const stopped = await run(request(broken.folder, broken.spec), (events) => kinds(events, "layer").length >= 2);
    const before = kinds(stopped, "layer").length;
    expect(before).toBeGreaterThanOrEqual(2);
    expect(before).toBeLessThan(4);
    const store = join(broken.folder, ".lib-lens");
    expect((await readdir(store)).filter((name) => name.endsWith(".libresult"))).toEqual([]);
    // Again, in the middle of the edges.
    const later = await run(request(broken.folder, broken.spec), (events) => kinds(events, "section").length >= 1);
    expect(kinds(later, "note").map((event) => (event.kind === "note" ? event.message : "")).join()).toContain("Continued from an earlier run");
    const resumed = await run(request(broken.folder, broken.spec));
    expect(kinds(resumed, "layer").length).toBe(4);
    expect(await tensorsOf(doneFile(resumed))).toEqual(expected);
    expect((await readdir(store)).sort()).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.libresult$/), "index.json"]);
  });

  it.each<[string, Partial<AnalysisSpec>, string]>([
    ["an unknown node layer", { nodeLayers: ["layers.0", "layers.9"] }, "layers.9"],
    ["an integration of a layer that is not there", { basis: { integration: { "ln1": "gauss-legendre" } } }, 'no node layer begins with it'],
    ["too little memory", { maxMemory: "1MB" }, '"maxMemory"'],
    ["data of another width", { data: { kind: "block-vectors", size: 10, width: 5 } }, "vectors of 8 values"],
  ])("with %s is refused in one sentence", async (_what, options, message) => {
    const { folder, spec } = await tinyAnalysis(options);
    await expect(run(request(folder, spec))).rejects.toThrow(message);
  });

  it.each<[string, Partial<AnalysisSpec>, string]>([
    ["the oldest formula and functional edges", { basis: { formula: "(1-alpha)^2" }, edges: { formula: "functional" } }, "(1-alpha)^2"],
    ["the global basis", { basis: { global: true } }, "closed form"],
    ["random sources", { basis: { sources: { hidden: 2 } }, edges: { sources: 1 }, seed: 5 }, "2 over features"],
    ["rules by layer and an absolute threshold", { basis: { integration: { "layers.1": "trapezoidal" }, intervals: 3, threshold: { absolute: 1e-9 } } }, "closed form"],
  ])("with %s is computed under a key of its own", async (_what, options, path) => {
    const [{ folder, spec }, usual] = [await tinyAnalysis(options), await tinyAnalysis()];
    const metadata = await readMetadata(doneFile(await run(request(folder, spec))));
    expect(metadata.layers.some((layer) => layer.path?.includes(path))).toBe(true);
    expect(metadata.spec).toMatchObject(options);
    expect(metadata.sections).toHaveLength(3);
    for (const { total, edges, truncated } of metadata.sections) {
      expect(truncated.count).toBe(0);
      expect(edges.weight.reduce((sum, weight, at) => sum + (edges.source[at] === 0 ? 0 : Math.abs(weight)), 0) / total).toBeCloseTo(1, 9);
    }
    expect(metadata.key).not.toBe((await readMetadata(doneFile(await run(request(usual.folder, usual.spec))))).key);
  });

  it.each(["svd", "neuron"] as const)("with the %s basis works", async (formula) => {
    const { folder, spec } = await tinyAnalysis({ basis: { formula } });
    const metadata = await readMetadata(doneFile(await run(request(folder, spec))));
    expect(metadata.sections).toHaveLength(3);
    expect(metadata.layers[0]!.kept).toBeGreaterThan(0);
  });
});
