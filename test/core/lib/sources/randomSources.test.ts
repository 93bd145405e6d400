import { beforeAll, describe, expect, it } from "vitest";
import { jacobianGramByVjp } from "../../../../server/src/core/lib/basis/jacobianGram";
import { edgesByVjp } from "../../../../server/src/core/lib/edges/squaredEdges";
import type { BasisSources, EdgeBasis } from "../../../../server/src/core/lib/options";
import { planSection } from "../../../../server/src/core/lib/plans/planSection";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import { edgeDraws, edgeSources, gramSources } from "../../../../server/src/core/lib/sources/randomSources";
import { ActivationSource } from "../../../../server/src/core/lib/statistics/activationSource";
import type { Matrix } from "../../../../server/src/core/linalg/matrix";
import { networkBatches } from "../../../../server/src/core/network/batches";
import type { Network } from "../../../../server/src/core/network/network";
import { cutIntoSections, type SectionedNetwork } from "../../../../server/src/core/network/section";
import { keyedRandom } from "../../../../server/src/core/random";
import type { Engine } from "../../../../server/src/engine/engine";
import { randomMatrix } from "../../linalg/random";
import { analysisDifference, analyze, relativeDifference } from "../../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine, tokens, transformerOf, transformerWeights, vectors, type TransformerSizes } from "../../support/networks";

const sizes: TransformerSizes = { blocks: 1, vocabulary: 6, context: 3, width: 4, heads: 2, headWidth: 2, hidden: 5, outputs: 3 };
const inputs = tokens(12, sizes.context, sizes.vocabulary, 2);

let engine: Engine;
let network: SectionedNetwork;
const transformer = (lastPositionOnly: string | null = null): Network => transformerOf(transformerWeights(sizes, 1), engine, { lastPositionOnly });
beforeAll(async () => {
  engine = await referenceEngine();
  network = cutIntoSections(transformer(), ["ln1.0", "ln2.0", "output"]);
});

/** The attention section, which mixes positions. */
function task(of: SectionedNetwork, batchSize = 12, memoryBudget = 2 ** 24): EdgesTask {
  const [section] = of.sections;
  const kept = section.inputWidth - 1;
  return {
    section,
    activations: new ActivationSource(of, networkBatches(of.network, inputs, batchSize), 0, () => undefined).at(0),
    points: [{ alpha: 0.3, weight: 0.4 }, { alpha: 1, weight: 0.6 }],
    features: { C: randomMatrix(section.inputWidth, kept, 11), CPinv: randomMatrix(kept, section.inputWidth, 12) },
    nextC: randomMatrix(section.outputWidth, 3, 13),
    memoryBudget,
    checkCancelled: () => undefined,
    progress: () => undefined,
  };
}

const gram = (sources: BasisSources, seed: number, of = task(network)): Promise<Matrix> => jacobianGramByVjp(of, gramSources(engine, of.nextC!, sources, seed, 0));
const edges = (draws: number, seed: number, of = task(network)): Promise<Matrix> => edgesByVjp(of, edgeSources(engine, of.nextC!, edgeDraws(draws, seed, 0)));

/** Mean and variance of every entry over independent estimates. */
async function moments(estimate: (seed: number) => Promise<Matrix>, count: number): Promise<{ mean: Float64Array; variance: Float64Array }> {
  const estimates: Float64Array[] = [];
  for (let seed = 0; seed < count; seed += 1) estimates.push((await estimate(seed)).data);
  const mean = estimates[0].map((_, at) => estimates.reduce((sum, one) => sum + one[at], 0) / count);
  const variance = mean.map((average, at) => estimates.reduce((sum, one) => sum + (one[at] - average) ** 2, 0) / (count - 1));
  return { mean, variance };
}

const estimates = 60;
/** Standard errors that an unbiased mean of 60 estimates exceeds in one of 40 entries with a chance below 1e-4 (Student's t). */
const confidence = 5;

function expectUnbiased({ mean, variance }: { mean: Float64Array; variance: Float64Array }, exact: Matrix): void {
  const scale = Math.max(...exact.data.map(Math.abs));
  expect(Math.max(...variance)).toBeGreaterThan(0);
  mean.forEach((value, at) => {
    const bound = confidence * Math.sqrt(variance[at] / estimates) + 1e-12 * scale;
    expect(Math.abs(value - exact.data[at])).toBeLessThan(bound);
    // Bounds that say something: a tenth of the largest entry, or closer.
    expect(bound).toBeLessThan(0.5 * scale);
  });
}

const kinds: [string, BasisSources][] = [
  ["positions", { position: 1, hidden: null }], ["features", { position: null, hidden: 1 }], ["both", { position: 1, hidden: 1 }],
];

describe("random sources of the Jacobian Gram (method 2.4)", () => {
  it.each(kinds)("over %s are unbiased", async (_, sources) => {
    expectUnbiased(await moments((seed) => gram(sources, seed), estimates), await jacobianGramByVjp(task(network)));
  });

  it.each(kinds)("over %s have a variance that falls with the number of draws", async (_, sources) => {
    const sum = async (factor: number): Promise<number> => {
      const more = { position: sources.position && sources.position * factor, hidden: sources.hidden && sources.hidden * factor };
      const { variance } = await moments((seed) => gram(more, seed), estimates);
      return variance.reduce((total, value) => total + value, 0);
    };
    const draws = sources.position && sources.hidden ? 16 : 4;
    const ratio = (await sum(1)) / (await sum(4));
    // Sums of correlated entries: within a factor of 2 of the number of draws.
    expect(ratio).toBeGreaterThan(draws / 2);
    expect(ratio).toBeLessThan(draws * 2);
  });

  it.each(kinds)("over %s are the same for the same seed, whatever the batches and the memory, and others for another", async (_, sources) => {
    const whole = await gram(sources, 7);
    expect(relativeDifference(await gram(sources, 7, task(network, 5)), whole)).toBeLessThan(1e-12);
    expect(relativeDifference(await gram(sources, 7, task(network, 12, 3000)), whole)).toBeLessThan(1e-12);
    expect(relativeDifference(await gram(sources, 8), whole)).toBeGreaterThan(1e-3);
  });

  it("over positions are exact where only one position leaves the section", async () => {
    const last = cutIntoSections(transformer("add_resid1"), ["ln1.0", "ln2.0", "output"]);
    const exact = await jacobianGramByVjp(task(last));
    expect(relativeDifference(await gram({ position: 1, hidden: null }, 1, task(last)), exact)).toBeLessThan(1e-14);
    expect(relativeDifference(await gram({ position: 3, hidden: null }, 2, task(last)), exact)).toBeLessThan(1e-14);
    expect(relativeDifference(await edges(1, 1, task(last)), await edgesByVjp(task(last)))).toBeLessThan(1e-14);
  });
});

describe("random sources of edges (method 3.2)", () => {
  it("are unbiased", async () => {
    expectUnbiased(await moments((seed) => edges(1, seed), estimates), await edgesByVjp(task(network)));
  });

  it("come nearer with more draws, as one over their root", async () => {
    const exact = await edgesByVjp(task(network));
    const deviation = async (draws: number): Promise<number> => {
      let total = 0;
      for (let seed = 0; seed < 30; seed += 1) {
        const one = await edges(draws, seed);
        total += one.data.reduce((sum, value, at) => sum + (value - exact.data[at]) ** 2, 0);
      }
      return Math.sqrt(total);
    };
    const ratio = (await deviation(1)) / (await deviation(16));
    expect(ratio).toBeGreaterThan(2.5);
    expect(ratio).toBeLessThan(6);
  });

  it.each([["attention", "ln1.0", "ln2.0"], ["an MLP", "ln2.0", "unembed"]])("of %s in closed form are unbiased and do not depend on batches and memory", async (_, ...layers) => {
    const cut = cutIntoSections(transformer(), layers);
    const closed = planSection(cut.sections[0], { task: "gram", outputs: 1e6, positions: 3, points: 1 });
    const drawn = (draws: number, seed: number, of = task(cut)): Promise<Matrix> => closed.drawnEdges!(of, edgeDraws(draws, seed, 0));
    expectUnbiased(await moments((seed) => drawn(1, seed), estimates), await closed.edges(task(cut)));
    const whole = await drawn(2, 7);
    expect(relativeDifference(await drawn(2, 7, task(cut, 5)), whole)).toBeLessThan(1e-12);
    expect(relativeDifference(await drawn(2, 7, task(cut, 12, 1)), whole)).toBeLessThan(1e-12);
    expect(relativeDifference(await drawn(2, 8), whole)).toBeGreaterThan(1e-3);
  });

  it("in closed form keep their digits in float32", async () => {
    const single = await referenceEngine("float32");
    for (const layers of [["ln1.0", "ln2.0"], ["ln2.0", "unembed"]]) {
      const [low, high] = [single, engine].map((of) => cutIntoSections(transformerOf(transformerWeights(sizes, 1), of), layers));
      const [rough, exact] = await Promise.all([low, high].map((cut) => (
        planSection(cut.sections[0], { task: "gram", outputs: 1e6, positions: 3, points: 1 }).drawnEdges!(task(cut), edgeDraws(1, 3, 0))
      )));
      expect(relativeDifference(rough, exact)).toBeLessThan(2e-5);
      expect(relativeDifference(rough, exact)).toBeGreaterThan(0);
    }
  });

  it("do not depend on batches and memory", async () => {
    const whole = await edges(2, 7);
    expect(relativeDifference(await edges(2, 7, task(network, 5)), whole)).toBeLessThan(1e-12);
    expect(relativeDifference(await edges(2, 7, task(network, 12, 3000)), whole)).toBeLessThan(1e-12);
  });
});

describe("an analysis with random sources", () => {
  it("says so, is repeatable, and comes near the exact one with many draws", async () => {
    const exact = await analyze(transformer(), inputs);
    const options = { sources: { position: 40, hidden: null }, edgeSources: 40, seed: 3 };
    const [one, again] = [await analyze(transformer(), inputs, options), await analyze(transformer(), inputs, { ...options, batchSize: 5 })];
    expect(analysisDifference(again, one)).toBeLessThan(1e-10);
    expect(one.layers[0].path).toMatch(/random sources \(40 over positions\)/);
    // Position-wise sections need none.
    expect(one.layers[1].path).toBe(exact.layers[1].path);
    expect(relativeDifference(one.bases[0].lambda.slice(0, 4), exact.bases[0].lambda.slice(0, 4))).toBeLessThan(0.2);
    expect(relativeDifference(one.bases[0].lambda, exact.bases[0].lambda)).toBeGreaterThan(0);
    expect(relativeDifference(one.bases[1].lambda, exact.bases[1].lambda)).toBeLessThan(1e-12);
  });

  it("draws the edges that would cost much, and estimates those in PCA coordinates exactly", async () => {
    const long: TransformerSizes = { blocks: 1, vocabulary: 6, context: 40, width: 12, heads: 2, headWidth: 6, hidden: 60, outputs: 12 };
    const build = (): Network => transformerOf(transformerWeights(long, 1), engine);
    const samples = tokens(9, long.context, long.vocabulary, 4);
    const options = { edgeSources: 1, comparisonSamples: 3, seed: 3 };
    const [exact, one, again] = [
      await analyze(build(), samples, { comparisonSamples: 3 }), await analyze(build(), samples, options), await analyze(build(), samples, { ...options, batchSize: 2 }),
    ];
    expect(analysisDifference(again, one)).toBeLessThan(1e-10);
    const pathOf = (basis: EdgeBasis, section: number): string | undefined => (
      one.events.flatMap((event) => (event.kind === "edges" && event.basis === basis && event.section === section ? [event.path] : []))[0]
    );
    const last = one.network.sections.length - 1;
    expect(pathOf("lib", 1)).toMatch(/1 draw of random signs/);
    expect(relativeDifference(one.edges("lib", 1), exact.edges("lib", 1))).toBeGreaterThan(1e-6);
    expect(pathOf("lib", last)).toMatch(/linear section.*; exact/);
    expect(relativeDifference(one.edges("lib", last), exact.edges("lib", last))).toBe(0);
    for (const section of one.network.sections) {
      expect(pathOf("pca", section.index)).not.toMatch(/draw/);
      expect(relativeDifference(one.edges("pca", section.index), exact.edges("pca", section.index))).toBe(0);
    }
  });

  it("is exact over positions for a network without them", async () => {
    const vectorInputs = vectors(60, 4, gaussian(3));
    const build = (): Network => mlpOf(mlpWeights([4, 6, 3], 2), engine);
    const [exact, random] = [await analyze(build(), vectorInputs), await analyze(build(), vectorInputs, { sources: { position: 1, hidden: null }, edgeSources: 1 })];
    expect(analysisDifference(random, exact)).toBe(0);
    const hidden = await analyze(build(), vectorInputs, { sources: { position: null, hidden: 400 } });
    expect(relativeDifference(hidden.bases[1].lambda, exact.bases[1].lambda)).toBeLessThan(0.2);
  });
});

describe("keyed generators", () => {
  it("give signs without preference and without correlation between neighbouring keys", () => {
    const count = 40_000;
    const draw = (...keys: number[]): number => (keyedRandom(...keys)() < 0.5 ? -1 : 1);
    const bound = 4.5 * Math.sqrt(count);
    for (const [a, b] of [[(i: number): number => draw(0, i), (i: number): number => draw(0, i + 1)], [(i: number): number => draw(i, 0, 5), (i: number): number => draw(i, 1, 5)]]) {
      let [mean, product] = [0, 0];
      for (let i = 0; i < count; i += 1) {
        mean += a(i);
        product += a(i) * b(i);
      }
      expect(Math.abs(mean)).toBeLessThan(bound);
      expect(Math.abs(product)).toBeLessThan(bound);
    }
    expect(keyedRandom(1, 2)()).toBe(keyedRandom(1, 2)());
    expect(keyedRandom(1, 2)()).not.toBe(keyedRandom(2, 1)());
  });
});
