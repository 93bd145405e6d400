import { describe, expect, it } from "vitest";
import { comparisonSamples, jacobianSample } from "../../../server/src/analysis/runner/sampleSizes";
import { momentPairsCost } from "../../../server/src/core/lib/plans/pairCost";
import { firstPositions } from "../../../server/src/core/network/evenSample";
import { evaluateNetwork, type NetworkInputs } from "../../../server/src/core/network/network";
import { cutIntoSections, type SectionedNetwork } from "../../../server/src/core/network/section";
import { buildTransformer } from "../../../server/src/core/network/transformer/buildTransformer";
import type { TransformerDescription } from "../../../server/src/core/network/transformer/description";
import { mlpFixture, transformerFixture } from "../../core/support/fixtures";
import { referenceEngine, tokens } from "../../core/support/networks";
import { descriptions, randomWeights, vocabulary } from "../../core/support/transformers";

const engine = await referenceEngine();
const mostOperations = 2e12;

/** Attention behind its norm, with so few values in its heads that pairs of positions cost most. */
function network(changes: { causal?: boolean; lastPositionOnly?: string } = {}, blocks = 1): SectionedNetwork {
  const base = descriptions["no positions, all see all, no final norm"];
  const description: TransformerDescription = {
    ...base, positions: { kind: "none", context: 2 ** 20 }, attention: { ...base.attention, causal: changes.causal ?? true }, lastPositionOnly: changes.lastPositionOnly ?? null,
  };
  const built = buildTransformer(randomWeights(description, 7, { blocks }), description, engine);
  return cutIntoSections(built, Array.from({ length: blocks }, (_, block) => [`ln1.${block}`, `ln2.${block}`]).flat());
}

/** As if there were this many times as many features, which the work is proportional to. */
const widened = (one: SectionedNetwork, times: number): SectionedNetwork => ({
  ...one, sections: one.sections.map((section) => ({ ...section, structure: section.structure, inputWidth: times * section.inputWidth })),
});

/** Tokens that nobody looks at: only their number matters. */
const long = (positions: number): NetworkInputs => ({ kind: "tokens", values: new Int32Array(0), count: 10_000, positions, vocabulary });

const operations = ({ sections }: SectionedNetwork, { samples, positions }: { samples: number; positions: number }): number =>
  samples * sections.reduce((sum, section) => sum + 2 * momentPairsCost(section, positions), 0);

describe("how much of the data the heatmaps and the comparison take", () => {
  it.each([
    { name: "the authors' MNIST perceptron", fixture: mlpFixture(engine, { widths: [784, 100, 100, 10], samples: 1 }), heatmaps: 256, comparison: 500 },
    { name: "a wide perceptron", fixture: mlpFixture(engine, { widths: [784, 1024, 1024, 10], samples: 1 }), heatmaps: 256, comparison: 500 },
    {
      name: "modular addition", heatmaps: 256, comparison: 500,
      fixture: transformerFixture(engine, { positions: 3, heads: 4, headWidth: 32, modelWidth: 128, causal: false, lastPositionOnly: "add_resid1" }),
    },
  ])("is as many samples as ever in $name", ({ fixture, heatmaps, comparison }) => {
    expect(jacobianSample(fixture.network, fixture.inputs)).toEqual({ samples: heatmaps, positions: fixture.inputs.kind === "tokens" ? 3 : 1 });
    expect(comparisonSamples(fixture.network, fixture.inputs)).toBe(comparison);
  });

  it.each([true, false])("is as much for one position as where attention is not counted by pairs (causal: %s)", (causal) => {
    const wide = widened(network({ causal }), 1e5);
    const section = wide.sections[0];
    const perPosition = 2 * section.inputWidth * 8 * section.outputWidth;
    expect(jacobianSample(wide, long(1)).samples).toBe(Math.min(256, Math.floor(mostOperations / perPosition)));
    expect(comparisonSamples(wide, long(1))).toBe(Math.min(500, Math.floor(mostOperations / perPosition)));
  });

  it.each([true, false])("is at most about a quarter of the samples for twice the positions, where pairs dominate (causal: %s)", (causal) => {
    const wide = widened(network({ causal }), 2e4);
    const [few, many] = [jacobianSample(wide, long(8)), jacobianSample(wide, long(16))];
    expect(few.samples).toBeGreaterThan(8);
    expect(few.samples).toBeLessThan(96);
    expect(many.samples).toBeLessThanOrEqual(Math.ceil(few.samples / 3.5));
    expect([few.positions, many.positions]).toEqual([8, 16]);
  });

  it("stays within its operations for long samples too: then it is their first positions", () => {
    const wide = widened(network(), 100);
    for (const positions of [128, 1024, 8192]) {
      const sample = jacobianSample(wide, long(positions));
      expect(operations(wide, sample)).toBeLessThan(mostOperations);
    }
    const short = jacobianSample(wide, long(8192));
    expect(short.positions).toBeLessThan(8192);
    expect(short.positions).toBeGreaterThanOrEqual(64);
    // Not fewer than needed: twice the positions would be too much.
    expect(operations(wide, { samples: 1, positions: 2 * short.positions })).toBeGreaterThan(mostOperations);
  });

  it("does not cut a sample whose positions read later ones, or of which only the last is read", () => {
    for (const changes of [{ causal: false }, { lastPositionOnly: "add_resid1.0" }]) {
      expect(jacobianSample(widened(network(changes), 1e5), long(8192))).toEqual({ samples: 1, positions: 8192 });
    }
  });

  it("takes first positions that are to the network what they were in the whole sample", async () => {
    const { network: whole } = network({}, 2);
    const all = tokens(3, 9, vocabulary, 5);
    const some = firstPositions(all, 2, 4);
    expect([some.count, some.kind === "tokens" && some.positions]).toEqual([2, 4]);
    const answer = async (inputs: NetworkInputs): Promise<ArrayLike<number>> => engine.read(evaluateNetwork(whole, whole.encode(inputs, 0, 2)));
    const [long, short] = [await answer(all), await answer(some)];
    const classes = short.length / 8;
    for (let sample = 0; sample < 2; sample += 1) {
      for (let at = 0; at < 4 * classes; at += 1) expect(short[sample * 4 * classes + at]).toBeCloseTo(long[sample * 9 * classes + at], 12);
    }
  });
});
