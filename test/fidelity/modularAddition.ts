/** @file The authors' modular-addition checkpoints with our own bases, for the fidelity tests of ablations. */

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { EvaluationData } from "../../server/src/core/lib/ablation/evaluate";
import { analyzeLib } from "../../server/src/core/lib/analyze";
import type { LayerBasis } from "../../server/src/core/lib/basis/layerBasis";
import { defaultLibOptions, silentSignals, type EdgeBasis, type LibOptions } from "../../server/src/core/lib/options";
import type { Matrix } from "../../server/src/core/linalg/matrix";
import { networkBatches, type BatchSource } from "../../server/src/core/network/batches";
import type { LabelledInputs } from "../../server/src/core/network/evenSample";
import type { NetworkInputs } from "../../server/src/core/network/network";
import { cutIntoSections, type SectionedNetwork } from "../../server/src/core/network/section";
import { buildTransformerLens } from "../../server/src/core/network/transformer/transformerLens";
import type { HostTensor } from "../../server/src/core/network/weights";
import type { Engine } from "../../server/src/engine/engine";
import { openModel } from "../../server/src/formats/openModel";

export const modaddFolder = [
  resolve(import.meta.dirname, "../../../shared/data/modadd"),
  resolve(import.meta.dirname, "../../../../shared/data/modadd"),
].find((folder) => existsSync(folder)) ?? null;

export const nodeLayers = ["ln1.0", "ln2.0", "unembed", "output"] as const;
const modulus = 113;

export interface AnalysedModel {
  readonly network: SectionedNetwork;
  readonly bases: (LayerBasis | null)[];
  readonly edges: Record<EdgeBasis, Matrix[]>;
  /** The 3,830 pairs that it was trained on, which bases and edges are computed from. */
  readonly training: BatchSource;
  /** The 8,939 pairs that the model was not trained on. */
  readonly evaluation: EvaluationData;
  /** The same pairs as they are. */
  readonly held: LabelledInputs;
}

export const readJson = <Content>(...path: string[]): Content => JSON.parse(readFileSync(join(modaddFolder!, ...path), "utf8")) as Content;

/** Own bases and edges from the 3,830 training pairs, or from the first of them. */
export async function analyseModularAddition(
  seed: number, engine: Engine, options: Partial<LibOptions> = {}, { samples = Infinity, batchSize = 1000 } = {},
): Promise<AnalysedModel> {
  const network = cutIntoSections(await readNetwork(seed, engine), nodeLayers);
  const { train } = readJson<{ train: number[] }>("split_seed0.json");
  const inTraining = new Set(train);
  const test = Array.from({ length: modulus ** 2 }, (_, pair) => pair).filter((pair) => !inTraining.has(pair));

  const batches = networkBatches(network.network, inputsOf(train), batchSize, samples);
  const held = { inputs: inputsOf(test), labels: Int32Array.from(test, (pair) => (Math.floor(pair / modulus) + (pair % modulus)) % modulus) };
  const result: AnalysedModel = {
    network,
    bases: [],
    training: batches,
    edges: { lib: [], pca: [], neuron: [] },
    evaluation: { batches: networkBatches(network.network, held.inputs, 2000), labels: held.labels, metric: "accuracy" },
    held,
  };
  for await (const event of analyzeLib(network, batches, { ...defaultLibOptions, ...options }, silentSignals)) {
    if (event.kind === "layer") result.bases[event.layer.index] = event.layer.basis;
    else result.edges[event.basis][event.section] = event.edges;
  }
  return result;
}

/** The checkpoint as the method's network: only the last position goes on after the attention. */
export async function readNetwork(seed: number, engine: Engine): Promise<ReturnType<typeof buildTransformerLens>> {
  const file = await openModel(join(modaddFolder!, `seed${seed}`, "model_epoch_60000.pt"));
  const weights = new Map<string, HostTensor>();
  for (const { name, shape } of file.tensors) {
    const values = await file.read(name);
    if (!(values instanceof Int32Array)) weights.set(name, { shape, values });
  }
  await file.close();
  return buildTransformerLens(weights, {
    activation: "relu", normalization: null, scaleAttention: true, causal: true, lastPositionOnly: "add_resid1",
  }, engine);
}

/** Tokens (x, y, 113) of the pairs x * 113 + y. */
function inputsOf(pairs: readonly number[]): NetworkInputs {
  const values = Int32Array.from(pairs.flatMap((pair) => [Math.floor(pair / modulus), pair % modulus, modulus]));
  return { kind: "tokens", values, count: pairs.length, positions: 3, vocabulary: modulus + 1 };
}
