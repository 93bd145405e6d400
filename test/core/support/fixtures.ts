/** @file Small random networks, cut into sections, together with data that fits them. */

import { ActivationSource } from "../../../server/src/core/lib/statistics/activationSource";
import { networkBatches, type BatchSource } from "../../../server/src/core/network/batches";
import { buildMlp } from "../../../server/src/core/network/mlp";
import type { Network, NetworkInputs } from "../../../server/src/core/network/network";
import { cutIntoSections, type SectionedNetwork } from "../../../server/src/core/network/section";
import { buildTransformer } from "../../../server/src/core/network/transformer/buildTransformer";
import { buildTransformerLens, type TransformerLensDescription } from "../../../server/src/core/network/transformer/transformerLens";
import type { HostTensor } from "../../../server/src/core/network/weights";
import type { Engine } from "../../../server/src/engine/engine";
import type { ActivationName } from "../../../server/src/protocol/spec";
import { uniform } from "../linalg/random";
import { tensorOf, tokens, usualNodeLayers } from "./networks";
import { context, descriptions, randomWeights, vocabulary } from "./transformers";

/** A sectioned network together with data that fits it. */
export interface Fixture {
  readonly engine: Engine;
  readonly network: SectionedNetwork;
  readonly inputs: NetworkInputs;
  readonly batches: BatchSource;
  readonly source: ActivationSource;
}

function fixture(network: Network, nodeLayers: readonly string[], inputs: NetworkInputs, batchSize: number): Fixture {
  const sections = cutIntoSections(network, nodeLayers);
  const batches = networkBatches(network, inputs, batchSize);
  return { engine: network.engine, network: sections, inputs, batches, source: new ActivationSource(sections, batches, 0, () => undefined) };
}

export interface MlpFixtureOptions {
  widths?: readonly number[];
  activation?: ActivationName;
  /** None when absent. */
  lastActivation?: ActivationName;
  samples?: number;
  batchSize?: number;
  nodeLayers?: readonly string[];
  seed?: number;
}

export function mlpFixture(engine: Engine, options: MlpFixtureOptions = {}): Fixture {
  const { widths = [5, 7, 6, 4], activation = "relu", samples = 23, batchSize = 10, seed = 1 } = options;
  const next = uniform(seed);
  const { lastActivation } = options;
  const layers = widths.slice(1).map((_, index) => ({
    name: `fc${index}`, weight: `${index}.W`, bias: `${index}.b`, order: "in,out" as const,
    ...(lastActivation && index === widths.length - 2 ? { activation: { name: lastActivation } } : {}),
  }));
  const weights = new Map<string, HostTensor>();
  layers.forEach(({ weight, bias }, index) => {
    weights.set(weight, tensorOf([widths[index], widths[index + 1]], next));
    weights.set(bias, tensorOf([widths[index + 1]], next));
  });
  const network = buildMlp(weights, { family: "mlp", layers, activation }, engine);
  const values = Float32Array.from({ length: samples * widths[0] }, next);
  return fixture(network, options.nodeLayers ?? usualNodeLayers(network), { kind: "vectors", values, count: samples, width: widths[0] }, batchSize);
}

export interface TransformerFixtureOptions extends Omit<Partial<TransformerLensDescription>, "positions"> {
  samples?: number;
  positions?: number;
  batchSize?: number;
  nodeLayers?: readonly string[];
  seed?: number;
  heads?: number;
  headWidth?: number;
  modelWidth?: number;
}

/** One block: d = 6 and d_head = 3 unless given, d_mlp = 9, vocabulary 11. */
export function transformerFixture(engine: Engine, options: TransformerFixtureOptions = {}): Fixture {
  const { samples = 13, positions = 4, batchSize = 5, seed = 2, heads = 2, headWidth: e = 3, modelWidth: d = 6, nodeLayers, ...rest } = options;
  const description: TransformerLensDescription = {
    activation: "relu", normalization: null, scaleAttention: true, causal: true, lastPositionOnly: null, ...rest,
  };
  const next = uniform(seed);
  const [hidden, vocabulary] = [9, 11];
  const shapes: Record<string, number[]> = {
    "embed.W_E": [vocabulary, d], "pos_embed.W_pos": [positions, d],
    "blocks.0.attn.W_Q": [heads, d, e], "blocks.0.attn.W_K": [heads, d, e], "blocks.0.attn.W_V": [heads, d, e], "blocks.0.attn.W_O": [heads, e, d],
    "blocks.0.attn.b_Q": [heads, e], "blocks.0.attn.b_K": [heads, e], "blocks.0.attn.b_V": [heads, e], "blocks.0.attn.b_O": [d],
    "blocks.0.mlp.W_in": [d, hidden], "blocks.0.mlp.b_in": [hidden], "blocks.0.mlp.W_out": [hidden, d], "blocks.0.mlp.b_out": [d],
    "unembed.W_U": [d, vocabulary], "unembed.b_U": [vocabulary],
  };
  const weights = new Map(Object.entries(shapes).map(([name, shape]) => [name, tensorOf(shape, next)]));
  const network = buildTransformerLens(weights, description, engine);
  const values = Int32Array.from({ length: samples * positions }, () => Math.floor(((next() + 1) / 2) * vocabulary));
  return fixture(network, nodeLayers ?? usualNodeLayers(network), { kind: "tokens", values, count: samples, positions, vocabulary }, batchSize);
}

/** Two blocks of a family of transformers.ts. */
export function familyFixture(engine: Engine, family: string, nodeLayers: readonly string[], lastPositionOnly: string | null = null): Fixture {
  const description = { ...descriptions[family], lastPositionOnly };
  const network = buildTransformer(randomWeights(description, 7), description, engine);
  return fixture(network, nodeLayers, tokens(7, context - 1, vocabulary, 8), 4);
}
