/**
 * @file Times the bases and edges of one analysis section by section, below the command line; run by scripts/bench (cases gpt2, limit, scaling).
 *
 *   sectionBench BACKEND SPEC... [--edge-samples N] [--edge-draws Q] [--limit] [--clock processor]
 *
 * Prints one JSON object (`Answer`) on a line of its own for every spec. Edges are those of the LIB basis, exact; of the first N samples with --edge-samples, else of all.
 * --edge-draws also times them from Q draws of random signs over the positions of every sample.
 * --limit also times the matrix products of every step on their own. Steps are named on standard error as they end.
 */

import { parseArgs } from "node:util";
import { loadSpec } from "../../server/src/analysis/spec/loadSpec";
import { prepareOn, readInputs } from "../../server/src/analysis/runner/prepare";
import { analyzeLib } from "../../server/src/core/lib/analyze";
import type { LayerBasis } from "../../server/src/core/lib/basis/layerBasis";
import { edgesBetween } from "../../server/src/core/lib/edges/edgesBetween";
import { inMemory } from "../../server/src/core/lib/shelf";
import { ActivationSource } from "../../server/src/core/lib/statistics/activationSource";
import { networkBatches } from "../../server/src/core/network/batches";
import { createEngine } from "../../server/src/engine/createEngine";
import type { BackendName } from "../../server/src/protocol/result";
import { now } from "./cases/clock";
import { countedEngine, type Work } from "./cases/countedEngine";
import { limitOf, operationsOf, squareRate } from "./cases/productLimit";

/** One step of the analysis: all means, all Grams, one basis or the edges of one section, exact or from draws. */
interface Step {
  step: "means" | "grams" | "basis" | "edges" | "drawn edges";
  /** Node layer that the section starts at; empty for means and Grams. */
  layer: string;
  /** Whole step, eigenproblems included. */
  seconds: number;
  /** Passes over the data. */
  accumulating: number;
  /** Samples it was computed from. */
  samples: number;
  /** In matrix products while accumulating, 2 m n k. */
  operations: number;
  /** The products alone; null without --limit. */
  limit: number | null;
  path: string;
}

interface Answer {
  description: string;
  samples: number;
  positions: number;
  layers: { name: string; width: number; kept: number }[];
  steps: Step[];
  /** Operations per second of a 2048 x 2048 product; null without --limit. */
  squareRate: number | null;
}

/** What is measured besides bases and exact edges of the samples. */
interface Wanted {
  /** Samples of the exact edges; null: all. */
  edgeSamples: number | null;
  /** Draws of further edges from all samples; null: none. */
  edgeDraws: number | null;
  limit: boolean;
}

async function measure(specFile: string, backend: BackendName, wanted: Wanted): Promise<Answer> {
  const compute = { backend, probeFile: null, backendCacheFile: null, maxMemory: null };
  const inputs = await readInputs(await loadSpec({ spec: specFile, model: null }), compute, () => Promise.resolve(""), () => undefined);
  const plain = await createEngine({ backend, precision: inputs.resolved.precision });
  const { engine, take } = countedEngine(plain);
  const { network, options, batchSize, data } = await prepareOn(engine, inputs, inMemory);
  const batches = networkBatches(network.network, data.inputs, batchSize);
  const steps: (Omit<Step, "limit"> & { work: Work })[] = [];
  let mark = now();
  take();
  const finish = (step: Step["step"], layer: string, path: string, samples = batches.samples): void => {
    const work = take();
    steps.push({ step, layer, path, samples, seconds: (now() - mark) / 1000, accumulating: work.milliseconds / 1000, operations: operationsOf(work), work });
    console.error(`${step} ${layer} ${steps.at(-1)?.seconds.toFixed(2)} s`);
    mark = now();
  };
  const signals = {
    checkCancelled: () => undefined,
    progress: (phase: string, fraction: number) => {
      if (fraction === 1 && (phase === "means" || phase === "grams")) finish(phase, "", "");
    },
  };
  const layers: Answer["layers"] = [];
  const bases: (LayerBasis | null)[] = [];
  for await (const event of analyzeLib(network, batches, { ...options, edgeBases: [] }, signals)) {
    if (event.kind !== "layer") continue;
    const { name, width, basis, path } = event.layer;
    layers.unshift({ name, width, kept: basis?.C.cols ?? width });
    bases.unshift(basis);
    finish("basis", name, path ?? "");
  }
  const edges = async (step: "edges" | "drawn edges", samples: number, edgeSources: number | null): Promise<void> => {
    const part = networkBatches(network.network, data.inputs, batchSize, samples);
    const source = new ActivationSource(network, part, options.memoryBudget / 2, signals.checkCancelled);
    // Activations are kept, as in an analysis: edges do not wait for the sections before.
    await source.forEachBatch(network.sections.length - 1, () => Promise.resolve(), { keep: true });
    take();
    mark = now();
    for (const section of [...network.sections].reverse()) {
      const { path } = await edgesBetween(section, source.at(section.index), bases, { ...options, edgeSources }, { ...signals, task: () => undefined });
      finish(step, section.from, path, part.samples);
    }
    source.dispose();
  };
  await edges("edges", wanted.edgeSamples ?? data.inputs.count, options.edgeSources);
  if (wanted.edgeDraws !== null) await edges("drawn edges", data.inputs.count, wanted.edgeDraws);
  const answered: Step[] = [];
  for (const { work, ...step } of steps) answered.push({ ...step, limit: wanted.limit ? (await limitOf(plain, work)) / 1000 : null });
  return { description: engine.description, samples: batches.samples, positions: batches.positions, layers, steps: answered, squareRate: wanted.limit ? await squareRate(plain) : null };
}

const backendNames: readonly BackendName[] = ["tensorflow", "webgpu", "wasm", "cpu"];
const { values, positionals: [name, ...specs] } = parseArgs({
  allowPositionals: true, options: {
    "edge-samples": { type: "string" }, "edge-draws": { type: "string" }, limit: { type: "boolean", default: false }, clock: { type: "string" },
  },
});
const backend = backendNames.find((known) => known === name);
if (backend === undefined || specs.length === 0) throw new Error("Give a backend and specs.");

async function measureAll(on: BackendName): Promise<void> {
  const [edgeSamples, edgeDraws] = [values["edge-samples"], values["edge-draws"]].map((text) => (text === undefined ? null : Number(text)));
  for (const spec of specs) console.log(JSON.stringify(await measure(spec, on, { edgeSamples, edgeDraws, limit: values.limit })));
}

void measureAll(backend).then(() => process.exit(0), (error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
