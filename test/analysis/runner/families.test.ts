import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runAnalysis } from "../../../server/src/analysis/runner/runAnalysis";
import { readMetadata } from "../../../server/src/analysis/store/resultFile";
import { openModel } from "../../../server/src/formats/openModel";
import type { RunEvent } from "../../../server/src/protocol/events";
import type { ResultMetadata } from "../../../server/src/protocol/result";
import { folder, writeSpec } from "../fixtures";

const fixtures = join(__dirname, "../../fixtures/families");
const names = await readdir(fixtures);

/** Analyses a copy of a fixture on its own tokens, the next one of which is the label. */
async function analysed(name: string): Promise<ResultMetadata> {
  const into = await folder();
  await cp(join(fixtures, name), join(into, name), { recursive: true });
  const spec = await writeSpec(into, {
    model: name, data: { kind: "safetensors", inputs: `${name}/expected.safetensors`, inputsName: "tokens", nextToken: true },
    evaluation: { metric: "ce-loss" }, precision: "float64",
  });
  const events: RunEvent[] = [];
  await runAnalysis({
    kind: "analyze", run: "run", source: { spec, model: null }, storeFolder: join(into, ".lib-lens"), force: false,
    compute: { backend: "cpu", probeFile: null, backendCacheFile: null, maxMemory: null },
  }, { emit: (event) => void events.push(event), checkCancelled: () => undefined, keepAfterSeconds: 0 });
  const done = events.at(-1)!;
  if (done.kind !== "done") throw new Error(`ended with ${done.kind}`);
  return readMetadata(done.file);
}

/** Mean over samples and positions of -log softmax(logits)[next token], from the logits of the plain forward pass. */
async function plainLoss(name: string): Promise<number> {
  const file = await openModel(join(fixtures, name, "expected.safetensors"));
  const [tokens, logits] = [await file.read("tokens"), await file.read("logits")];
  const [samples, positions, vocabulary] = file.tensors.find((tensor) => tensor.name === "logits")!.shape as [number, number, number];
  let sum = 0;
  for (let sample = 0; sample < samples; sample += 1) {
    for (let position = 0; position < positions - 1; position += 1) {
      const row = sample * positions + position;
      const scores = [...logits.subarray(row * vocabulary, (row + 1) * vocabulary)];
      sum += Math.log(scores.reduce((total, score) => total + Math.exp(score), 0)) - scores[tokens[row + 1]!]!;
    }
  }
  return sum / (samples * (positions - 1));
}

describe("an analysis from the folder of a language model to its result", () => {
  it.each(names)("%s: every layer, every section, and the loss that the plain forward pass has", async (name) => {
    const metadata = await analysed(name);
    const width = name === "llama" || name === "llama-scaled" ? 17 : 13;
    // Parallel blocks carry two residual streams to the MLP.
    const beforeMlp = ["gpt-neox", "lens-folded"].includes(name) ? 2 * width : width;
    expect(metadata.layers.map((layer) => layer.name)).toEqual(["ln1.0", "attn_in.0", "ln2.0", "ln1.1", "attn_in.1", "ln2.1", "ln_final", "unembed", "output"]);
    expect(metadata.layers.map(({ dimension }) => dimension)).toEqual([width, 2 * width, beforeMlp, width, 2 * width, beforeMlp, width, width, 19]);
    expect(metadata.sections.length).toBe(8);
    for (const { kept, dimension } of metadata.layers.slice(0, -1)) {
      expect(kept).toBeGreaterThan(1);
      // 12 tokens were seen: more directions than these and the constant cannot vary.
      expect(kept).toBeLessThanOrEqual(Math.min(dimension, 13));
    }
    expect(metadata.evaluation).toMatchObject({ metric: "ce-loss" });
    expect(Math.abs(metadata.evaluation!.base - await plainLoss(name))).toBeLessThan(1e-9);
  });
});
