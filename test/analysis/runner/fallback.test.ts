import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runAnalysis } from "../../../server/src/analysis/runner/runAnalysis";
import { readMetadata } from "../../../server/src/analysis/store/resultFile";
import type { ComputeOptions } from "../../../server/src/analysis/worker/messages";
import { BackendFailure } from "../../../server/src/engine/backendFailure";
import { createEngine } from "../../../server/src/engine/createEngine";
import type { Engine } from "../../../server/src/engine/engine";
import type { RunEvent } from "../../../server/src/protocol/events";
import type { BackendName, ResultMetadata } from "../../../server/src/protocol/result";
import { tinyAnalysis } from "../fixtures";

/** The engine until `operations` of its operations are done; from then on its device is lost. */
function dying(engine: Engine, operations: number, count: () => void): Engine {
  let left = operations;
  return new Proxy(engine, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const method = member.bind(target) as (...given: unknown[]) => unknown;
      if (name === "tidy" || name === "dispose") return method;
      return (...given: unknown[]): unknown => {
        count();
        left -= 1;
        if (left < 0) throw new BackendFailure(target.backend, "The graphics device was lost.");
        return method(...given);
      };
    },
  });
}

interface Ended {
  events: RunEvent[];
  metadata: ResultMetadata | null;
  /** Operations of the wasm backend, and how many were done when each layer and section was finished. */
  operations: number;
  finishedAt: number[];
  error: unknown;
}

/** Runs with a wasm backend that dies after so many operations; `others` are left then. */
async function runDying(operations: number, others: readonly BackendName[]): Promise<Ended> {
  const { folder, spec } = await tinyAnalysis({ precision: "float64" });
  const events: RunEvent[] = [];
  const finishedAt: number[] = [];
  let done = 0;
  let error: unknown = null;
  const startEngine = async ({ failed = [] }: ComputeOptions): Promise<Engine> => {
    const next = (["wasm", ...others] as const).find((backend) => !failed.includes(backend));
    if (next === undefined) throw new Error("No backend runs on this machine.");
    const engine = await createEngine({ backend: next, precision: "float64" });
    return next === "wasm" ? dying(engine, operations, () => { done += 1; }) : engine;
  };
  await runAnalysis({
    kind: "analyze", run: "run-1", source: { spec, model: null }, storeFolder: join(folder, ".lib-lens"), force: false,
    compute: { backend: "auto", probeFile: null, backendCacheFile: null, maxMemory: null },
  }, {
    emit: (event) => {
      events.push(event);
      if (event.kind === "layer" || event.kind === "section") finishedAt.push(done);
    },
    checkCancelled: () => undefined,
    keepAfterSeconds: 0,
    startEngine,
  }).catch((thrown: unknown) => { error = thrown; });
  const last = events.at(-1);
  return { events, metadata: last?.kind === "done" ? await readMetadata(last.file) : null, operations: done, finishedAt, error };
}

const notesOf = (events: readonly RunEvent[]): string => events.flatMap((event) => (event.kind === "note" ? [event.message] : [])).join("\n");

describe("a backend that dies", () => {
  it("at any moment is replaced by the next, which goes on from what is finished and finds the same", async () => {
    const whole = await runDying(Infinity, ["cpu"]);
    expect(whole.metadata).not.toHaveProperty("backends");
    const finishedBefore = new Set<number>();
    const [, second, , first, edges, , last] = whole.finishedAt as [number, number, number, number, number, number, number];
    for (const operations of [0, second - 1, second + 1, first, edges, last, whole.operations - 1]) {
      const { events, metadata } = await runDying(operations, ["cpu"]);
      expect(metadata, `after ${operations} operations`).not.toBeNull();
      expect(metadata!.backend.name).toBe("cpu");
      expect(metadata!.backends!.map(({ name }) => name)).toEqual(["wasm", "cpu"]);
      const sentence = "The backend wasm failed (The graphics device was lost.); the analysis goes on with cpu from what is finished.";
      expect(metadata!.notes).toContain(sentence);
      expect(notesOf(events)).toContain(sentence);
      expect(events.some((event) => event.kind === "phase" && event.detail === "going on with cpu")).toBe(true);
      const started = events.flatMap((event) => (event.kind === "started" ? [event.backend.name] : []));
      // Who watches learns which backend works on it now; one that dies before its network is ready is never named.
      expect(started).toEqual(operations === 0 ? started.slice(-1) : ["wasm", "cpu"]);
      expect(started.at(-1)).toBe("cpu");
      // No layer and no section is found twice.
      const layers = events.flatMap((event) => (event.kind === "layer" ? [event.layer.index] : []));
      const sections = events.flatMap((event) => (event.kind === "section" ? [event.section.index] : []));
      expect(layers).toEqual([3, 2, 1, 0]);
      expect(sections).toEqual([2, 1, 0]);
      const failedAt = events.findIndex((event) => event.kind === "note" && event.message === sentence);
      finishedBefore.add(events.slice(0, failedAt).filter(({ kind }) => kind === "layer" || kind === "section").length);
      expect(metadata!.evaluation).toEqual(whole.metadata!.evaluation);
      for (const [index, layer] of metadata!.layers.entries()) {
        const expected = whole.metadata!.layers[index]!;
        expect([layer.kept, layer.gramRank, layer.needed]).toEqual([expected.kept, expected.gramRank, expected.needed]);
        layer.lambda.forEach((value, at) => expect(value / expected.lambda[at]!).toBeCloseTo(1, 8));
      }
      for (const [index, section] of metadata!.sections.entries()) expect(section.total / whole.metadata!.sections[index]!.total).toBeCloseTo(1, 8);
    }
    // It died before the first layer, between layers, and after the last section.
    expect(Math.min(...finishedBefore)).toBe(0);
    expect(Math.max(...finishedBefore)).toBe(7);
    expect(finishedBefore.size).toBeGreaterThanOrEqual(5);
  });

  it("as the last one fails the run in one sentence", async () => {
    const { error, metadata } = await runDying(40, []);
    expect(metadata).toBeNull();
    expect(error).toEqual(new Error("The backend wasm failed (The graphics device was lost.), and no other one takes over: No backend runs on this machine."));
  });
});
