/** @file Small networks and data made on the spot, with fixed seeds. */

import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../server/src/core/random";
import { writeSafetensors, type WritableTensor } from "../../server/src/formats/safetensors/writeSafetensors";
import type { AnalysisSpec } from "../../server/src/protocol/spec";

/** Numbers in [-1, 1), the same in every run. */
export function random(seed: number): () => number {
  const next = seededRandom(seed);
  return () => 2 * next() - 1;
}

export function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "lib-lens-test-"));
}

/** A checkpoint `model.safetensors` with nn.Linear's names and orientation. */
export async function writeMlp(into: string, widths: readonly number[], seed = 1): Promise<string> {
  const next = random(seed);
  const tensors: WritableTensor[] = [];
  widths.slice(1).forEach((outputs, layer) => {
    const inputs = widths[layer]!;
    tensors.push(
      { name: `fc${layer + 1}.weight`, dtype: "F32", shape: [outputs, inputs], data: Float32Array.from({ length: outputs * inputs }, () => next() / Math.sqrt(inputs)) },
      { name: `fc${layer + 1}.bias`, dtype: "F32", shape: [outputs], data: Float32Array.from({ length: outputs }, () => next() / 10) },
    );
  });
  const file = join(into, "model.safetensors");
  await writeSafetensors(file, tensors, {});
  return file;
}

/** `data.safetensors` with `inputs` and `labels`. */
export async function writeData(into: string, count: number, width: number, classes: number, seed = 2): Promise<string> {
  const next = random(seed);
  const file = join(into, "data.safetensors");
  await writeSafetensors(file, [
    { name: "inputs", dtype: "F32", shape: [count, width], data: Float32Array.from({ length: count * width }, next) },
    { name: "labels", dtype: "I32", shape: [count], data: Int32Array.from({ length: count }, (_, i) => i % classes) },
  ], {});
  return file;
}

export async function writeSpec(into: string, spec: AnalysisSpec, name = "analysis.lib.json"): Promise<string> {
  const file = join(into, name);
  await writeFile(file, JSON.stringify(spec));
  return file;
}

/** An 8-6-5-3 network with 400 labelled samples: analysed in a fraction of a second. */
export async function tinyAnalysis(options: Partial<AnalysisSpec> = {}): Promise<{ folder: string; model: string; spec: string }> {
  const into = await folder();
  const model = await writeMlp(into, [8, 6, 5, 3]);
  await writeData(into, 400, 8, 3);
  const data = { kind: "safetensors", inputs: "data.safetensors", inputsName: "inputs", labelsName: "labels" } as const;
  return { folder: into, model, spec: await writeSpec(into, { model: "model.safetensors", data, ...options }) };
}

/** A run of many seconds, to be cancelled. */
export async function longAnalysis(): Promise<{ folder: string; spec: string }> {
  const into = await folder();
  await writeMlp(into, [160, 160, 160, 64]);
  const data = { kind: "block-vectors", size: 40_000, width: 160, seed: 3 } as const;
  return { folder: into, spec: await writeSpec(into, { model: "model.safetensors", data }) };
}
