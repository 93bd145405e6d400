/** @file A checkpoint and its architecture, read by the worker: facts first, weights only of the tensors the network uses. */

import type { Engine } from "../../engine/engine";
import { buildMlp } from "../../core/network/mlp";
import type { Network } from "../../core/network/network";
import { buildTransformer } from "../../core/network/transformer/buildTransformer";
import { buildTransformerLens } from "../../core/network/transformer/transformerLens";
import type { HostTensor, Weights } from "../../core/network/weights";
import type { ModelFile } from "../../formats/modelFile";
import { openModel, weightsFile } from "../../formats/openModel";
import type { AnalysisSpec } from "../../protocol/spec";
import type { Architecture } from "../architecture/architecture";
import { inferArchitecture } from "../architecture/inferArchitecture";
import { transformerWeights } from "../architecture/transformer/readSources";
import { readSidecar } from "../architecture/sidecar";
import { InputError } from "../errors";
import { describeBytes } from "./memory";

export interface LoadedModel {
  architecture: Architecture;
  weights: Weights;
  format: string;
  notes: readonly string[];
}

/**
 * @param mostBytes what the weights may take: a file can promise more than its disk holds
 * @throws FormatError or InputError with one sentence
 */
export async function loadModel(
  model: string, spec: Pick<AnalysisSpec, "architecture" | "lastPositionOnly" | "data">, mostBytes: number, checkCancelled: () => void,
): Promise<LoadedModel> {
  const opened = await openModel(model);
  try {
    const architecture = await architectureOf(opened, model, spec);
    requireFit(opened, model, architecture, mostBytes);
    const weights = new Map<string, HostTensor>();
    for (const name of architecture.tensors) {
      checkCancelled();
      weights.set(name, await readWeight(opened, name));
    }
    return { architecture, weights, format: opened.format, notes: opened.notes };
  } finally {
    await opened.close();
  }
}

/** What the network is, from names, shapes, sidecar and spec; reads no weight. @throws InputError */
export async function architectureOf(opened: ModelFile, model: string, spec: Partial<Pick<AnalysisSpec, "architecture" | "lastPositionOnly" | "data">>): Promise<Architecture> {
  return inferArchitecture({
    model,
    tensors: opened.tensors,
    metadata: opened.metadata,
    sidecar: await readSidecar(await weightsFile(model)),
    spec: spec.architecture ?? {},
    lastPositionOnly: spec.lastPositionOnly ?? null,
    data: spec.data ?? null,
  });
}

/** @throws NetworkError when parameters do not fit each other. */
export function buildNetwork({ architecture, weights }: LoadedModel, engine: Engine): Network {
  switch (architecture.kind) {
    case "mlp":
      return buildMlp(weights, architecture.description, engine);
    case "transformer-lens":
      return buildTransformerLens(weights, architecture.description, engine);
    case "transformer":
      return buildTransformer(transformerWeights(architecture.sources, weights, architecture.parameters), architecture.description, engine);
  }
}

/** @throws InputError before anything is read; what else a run needs is judged when its network is built (memory.ts). */
function requireFit(opened: ModelFile, model: string, { tensors }: Architecture, mostBytes: number): void {
  const wanted = new Set(tensors);
  const numbers = opened.tensors.reduce((sum, { name, shape }) => sum + (wanted.has(name) ? shape.reduce((product, extent) => product * extent, 1) : 0), 0);
  const bytes = numbers * Float32Array.BYTES_PER_ELEMENT;
  if (bytes > mostBytes) {
    throw new InputError(`The weights of ${model} take at least ${describeBytes(bytes)}, more than the limit of ${describeBytes(mostBytes)}. Raise "maxMemory" in the spec, or choose a smaller model.`);
  }
}

async function readWeight(opened: ModelFile, name: string): Promise<HostTensor> {
  const { shape } = opened.tensors.find((tensor) => tensor.name === name)!;
  const read = await opened.read(name);
  const values = read instanceof Int32Array ? Float64Array.from(read) : read;
  for (let i = 0; i < values.length; i += 1) {
    if (!Number.isFinite(values[i]!)) throw new InputError(`The tensor "${name}" holds ${values[i]} at position ${i}: the checkpoint is damaged or training diverged; choose another one.`);
  }
  return { shape, values };
}
