/**
 * @file A cancelled run ends soon: between two checks no step makes more products than a fraction of a second takes. Counted, not timed:
 * 5e9 multiply-adds are a tenth of a second in float32 with onnxruntime and a third with own kernels.
 */

import { afterEach, describe, expect, it, vi } from "vitest";
import { gradientMoments } from "../../../server/src/core/lib/basis/gradientMoments";
import { jacobianGramByVjp } from "../../../server/src/core/lib/basis/jacobianGram";
import { attentionEdges } from "../../../server/src/core/lib/closedForms/attention/attentionEdges";
import { attentionGram } from "../../../server/src/core/lib/closedForms/attention/attentionGram";
import { drawnAttentionEdges } from "../../../server/src/core/lib/closedForms/attention/drawnAttentionEdges";
import { drawnNormAttentionEdges } from "../../../server/src/core/lib/closedForms/attention/drawnNormAttentionEdges";
import { normAttentionEdges } from "../../../server/src/core/lib/closedForms/attention/normAttentionEdges";
import { normAttentionGram } from "../../../server/src/core/lib/closedForms/attention/normAttentionGram";
import type { HiddenLayer } from "../../../server/src/core/lib/closedForms/hidden/hiddenLayer";
import { edgesBySlopePairs } from "../../../server/src/core/lib/closedForms/hidden/slopePairs";
import { slopeMoments } from "../../../server/src/core/lib/closedForms/hidden/slopes";
import { functionalEdges } from "../../../server/src/core/lib/edges/functionalEdges";
import { edgesByVjp } from "../../../server/src/core/lib/edges/squaredEdges";
import { attentionMoments } from "../../../server/src/core/lib/jacobians/attentionMoments";
import { normAttentionMoments } from "../../../server/src/core/lib/jacobians/normAttentionMoments";
import { planSection } from "../../../server/src/core/lib/plans/planSection";
import type { EdgesTask } from "../../../server/src/core/lib/plans/sectionPlan";
import { edgeDraws } from "../../../server/src/core/lib/sources/randomSources";
import { ActivationSource } from "../../../server/src/core/lib/statistics/activationSource";
import { identity } from "../../../server/src/core/linalg/elementary";
import { activationFunction } from "../../../server/src/core/network/activationFunction";
import type { AttentionSkip } from "../../../server/src/core/network/attentionStructure";
import { networkBatches } from "../../../server/src/core/network/batches";
import type { RotaryShape } from "../../../server/src/core/network/module";
import { cutIntoSections } from "../../../server/src/core/network/section";
import type { NormAttention } from "../../../server/src/core/network/sectionStructure";
import { createEngine } from "../../../server/src/engine/createEngine";
import { fastestProducts, ownProducts } from "../../../server/src/engine/products/hostProducts";
import { randomMatrix } from "../linalg/random";
import { gaussian, mlpOf, mlpWeights, tokens, transformerOf, transformerWeights, vectors } from "../support/networks";
import { manyFeatures } from "./closedForms/comparison";

const mostBetweenChecks = 5e9;

/** Counts the multiply-adds of all products on the host, between checks and altogether. */
class Counter {
  since = 0;
  longest = 0;
  total = 0;

  constructor() {
    for (const products of new Set([fastestProducts().products, ownProducts().products])) {
      const multiply = products.multiply.bind(products);
      let depth = 0;
      vi.spyOn(products, "multiply").mockImplementation((plan, a, b, out) => {
        // A library may hand small products on.
        if (depth === 0) this.since += plan.batch * plan.m * plan.n * plan.k;
        depth += 1;
        try {
          multiply(plan, a, b, out);
        } finally {
          depth -= 1;
        }
      });
    }
  }

  check(): void {
    this.longest = Math.max(this.longest, this.since);
    this.total += this.since;
    this.since = 0;
  }
}

afterEach(() => void vi.restoreAllMocks());

const relu = activationFunction("relu");
const points = [{ alpha: 0.25, weight: 0.5 }, { alpha: 0.75, weight: 0.5 }];
const widths = [256, 1024, 256];

/** One section: two wide layers with a relu between them, seen by few output features. */
async function wideTask(counter: Counter, samples: number, outputs: number): Promise<EdgesTask> {
  const engine = await createEngine({ backend: "wasm", precision: "float32" });
  const network = cutIntoSections(mlpOf(mlpWeights(widths, 1), engine), ["layers.0", "output"]);
  const [section] = network.sections;
  const inputs = vectors(samples, widths[0], gaussian(2));
  return {
    section,
    activations: new ActivationSource(network, networkBatches(network.network, inputs, samples), 0, () => counter.check()).at(0),
    points,
    features: { C: identity(section.inputWidth), CPinv: identity(section.inputWidth) },
    nextC: randomMatrix(section.outputWidth, outputs, 3),
    memoryBudget: 2 ** 30,
    checkCancelled: () => counter.check(),
    progress: () => undefined,
  };
}

describe("between two checks for a cancelled run", () => {
  it.each<[string, number, number, (task: EdgesTask) => Promise<unknown>]>([
    ["the general Jacobian Gram", 2000, 6, (task) => jacobianGramByVjp(task)],
    ["the general edges", 2000, 6, (task) => edgesByVjp(task)],
    ["functional edges", 2000, 6, (task) => functionalEdges(task)],
    ["the older formulas' gradients", 9000, 6, (task) => gradientMoments(task, "(1-0)*alpha")],
    ["moments of slopes", 9000, 6, (task) => slopeMoments(task, randomMatrix(257, 1024, 5), activationFunction("tanh"))],
    ["counts of neurons that fire together", 24_000, 6, (task) => slopeMoments(task, randomMatrix(257, 1024, 5), relu)],
    ["edges by pairs of slopes", 4000, 6, (task) => edgesBySlopePairs(task, hiddenLayer(257, 240, 6))],
    ["edges from random signs", 100, 500, (task) => planSection(task.section, manyFeatures).drawnEdges!(task, edgeDraws(1, 0, 0))],
    ["the end of edges by pairs of slopes", 10, 500, (task) => edgesBySlopePairs(task, hiddenLayer(257, 240, 500))],
  ])("%s", async (_name, samples, outputs, run) => {
    const counter = new Counter();
    const task = await wideTask(counter, samples, outputs);
    counter.check();
    counter.total = counter.longest = 0;
    await run(task);
    counter.check();
    // The whole is longer than what one step may take, so that the step's limit is what holds.
    expect(counter.total).toBeGreaterThan(mostBetweenChecks);
    expect(counter.longest).toBeLessThan(mostBetweenChecks);
  });
});

describe("between two checks for a cancelled run, through attention", () => {
  const rotary: RotaryShape = { dimensions: 64, base: 10000, pairing: "halves", scaling: null };
  it.each<[string, number, AttentionSizes, (task: EdgesTask, structure: AttentionSkip) => Promise<unknown>]>([
    ["the Jacobian Gram", 4, { heads: 3, positions: 512, causal: false }, attentionGram],
    ["the Jacobian Gram with rotary positions", 4, { heads: 4, rotary }, attentionGram],
    ["edges", 80, { heads: 8 }, attentionEdges],
    ["edges with rotary positions", 64, { heads: 8, rotary }, attentionEdges],
    ["edges from random signs", 256, { heads: 4, samples: 8 }, (task, structure) => drawnAttentionEdges(task, structure, edgeDraws(4, 1, 0))],
    ["edges from random signs with rotary positions", 64, { heads: 4, samples: 2, rotary }, (task, structure) => drawnAttentionEdges(task, structure, edgeDraws(2, 1, 0))],
    ["the Jacobian's moments", 64, { heads: 8 }, attentionMoments],
    ["the Jacobian's moments with rotary positions", 64, { heads: 8, rotary }, attentionMoments],
    ["the Jacobian Gram behind a norm", 4, { heads: 4, positions: 128 }, (task, structure) => normAttentionGram(task, behindNorm(structure))],
    ["edges behind a norm", 64, { heads: 6 }, (task, structure) => normAttentionEdges(task, behindNorm(structure))],
    ["edges behind a norm with rotary positions", 64, { heads: 6, rotary }, (task, structure) => normAttentionEdges(task, behindNorm(structure))],
    ["edges from random signs behind a norm", 256, { heads: 4, samples: 4 }, (task, structure) => drawnNormAttentionEdges(task, behindNorm(structure), edgeDraws(4, 1, 0))],
    ["the Jacobian's moments behind a norm", 64, { heads: 4 }, (task, structure) => normAttentionMoments(task, behindNorm(structure))],
    ["the general Jacobian Gram", 4, { heads: 2, outputs: 2 }, (task) => jacobianGramByVjp(task)],
    ["the general edges", 4, { heads: 2, outputs: 2 }, (task) => edgesByVjp(task)],
  ])("%s", async (_name, features, sizes, run) => {
    const counter = new Counter();
    const { task, structure } = await attentionTask(counter, features, sizes);
    counter.check();
    counter.total = counter.longest = 0;
    await run(task, structure);
    counter.check();
    expect(counter.total).toBeGreaterThan(mostBetweenChecks);
    expect(counter.longest).toBeLessThan(mostBetweenChecks);
  });
});

/** The same attention, which reads its input through a layer norm. */
function behindNorm(attention: AttentionSkip): NormAttention {
  const own = identity(attention.skip.rows);
  return { kind: "norm-attention", attention, norm: { kind: "norm", norm: { kind: "layer-norm", epsilon: 1e-5 }, half: "whole", into: own, variance: null, outOf: own, skip: own } };
}

interface AttentionSizes { heads: number; positions?: number; samples?: number; outputs?: number; causal?: boolean; rotary?: RotaryShape }

/** Attention with heads of width 64 that fill the model. @param features of the input */
async function attentionTask(counter: Counter, features: number, sizes: AttentionSizes): Promise<{ task: EdgesTask; structure: AttentionSkip }> {
  const { heads, positions = 128, samples = 1, causal = true, rotary = null } = sizes;
  const [width, vocabulary] = [64 * heads, 7];
  const engine = await createEngine({ backend: "wasm", precision: "float32" });
  const weights = transformerWeights({ blocks: 1, vocabulary, context: positions, width, heads, headWidth: 64, hidden: 4, outputs: 3 }, 1);
  const network = cutIntoSections(transformerOf(weights, engine, { causal }), ["ln1.0", "ln2.0"]);
  const [section] = network.sections;
  if (section.structure.kind !== "attention-skip") throw new TypeError("The section is attention.");
  const inputs = tokens(samples, positions, vocabulary, 2);
  const task: EdgesTask = {
    section,
    activations: new ActivationSource(network, networkBatches(network.network, inputs, samples), 0, () => counter.check()).at(0),
    points,
    features: { C: randomMatrix(section.inputWidth, features, 3), CPinv: randomMatrix(features, section.inputWidth, 4) },
    nextC: randomMatrix(section.outputWidth, sizes.outputs ?? section.outputWidth, 5),
    memoryBudget: 2 ** 30,
    checkCancelled: () => counter.check(),
    progress: () => undefined,
  };
  return { task, structure: { ...section.structure, rotary } };
}

function hiddenLayer(inputs: number, hidden: number, outputs: number): HiddenLayer {
  return { into: randomMatrix(inputs, hidden, 7), activation: relu, outOf: randomMatrix(hidden, outputs, 8), constant: null };
}
