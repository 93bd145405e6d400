import { describe, expect, it } from "vitest";
import { jacobianMoments } from "../../../../server/src/core/lib/jacobians/jacobianMoments";
import { closedPlan } from "../../../../server/src/core/lib/plans/planSection";
import { edgePairsCost, momentPairs, momentPairsCost } from "../../../../server/src/core/lib/plans/pairCost";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import { ActivationSource } from "../../../../server/src/core/lib/statistics/activationSource";
import { identity } from "../../../../server/src/core/linalg/elementary";
import { networkBatches } from "../../../../server/src/core/network/batches";
import { cutIntoSections, type Section, type SectionedNetwork } from "../../../../server/src/core/network/section";
import { buildTransformer } from "../../../../server/src/core/network/transformer/buildTransformer";
import type { TransformerDescription } from "../../../../server/src/core/network/transformer/description";
import type { Tensor } from "../../../../server/src/engine/engine";
import { countedEngine } from "../../../bench/cases/countedEngine";
import { operationsOf } from "../../../bench/cases/productLimit";
import { referenceEngine, tokens } from "../../support/networks";
import { descriptions, randomWeights, vocabulary } from "../../support/transformers";

let summedEntries = 0;
/** Notes how many numbers are squared and summed. */
const plain = new Proxy(await referenceEngine(), {
  get(target, name) {
    const member: unknown = Reflect.get(target, name, target);
    if (typeof member !== "function") return member;
    return (...args: unknown[]): unknown => {
      if (name === "sumOfSquares") summedEntries += (args[0] as Tensor).size;
      return member.apply(target, args);
    };
  },
});
const { engine, take } = countedEngine(plain);
const longest = 64;

function networkOf(changes: Partial<TransformerDescription>, nodeLayers: readonly string[], causal: boolean): SectionedNetwork {
  const base = descriptions["no positions, all see all, no final norm"];
  const description: TransformerDescription = { ...base, positions: { kind: "none", context: longest }, ...changes, attention: { ...(changes.attention ?? base.attention), causal } };
  return cutIntoSections(buildTransformer(randomWeights(description, 7, { blocks: 1 }), description, engine), nodeLayers);
}

/** Operations in the products of one step over one sample, between all features of the section, and numbers that are squared and summed. */
async function counted(
  network: SectionedNetwork, section: Section, positions: number, step: (task: EdgesTask) => Promise<unknown>,
): Promise<{ operations: number; entries: number }> {
  const batches = networkBatches(network.network, tokens(1, positions, vocabulary, 3), 1);
  const own = identity(section.inputWidth);
  take();
  summedEntries = 0;
  await step({
    section, activations: new ActivationSource(network, batches, 0, () => undefined).at(section.index), points: [{ alpha: 1, weight: 1 }],
    features: { C: own, CPinv: own }, nextC: identity(section.outputWidth), memoryBudget: 2 ** 28, checkCancelled: () => undefined, progress: () => undefined,
  });
  return { operations: operationsOf(take()), entries: summedEntries };
}

const { positions: rotary } = descriptions["llama"];
const turned = { positions: rotary.kind === "rotary" ? { ...rotary, context: longest } : rotary };
const attention = ["attn_in.0", "ln2.0"];
const behindNorm = ["ln1.0", "ln2.0"];

const cases: { name: string; changes: Partial<TransformerDescription>; nodeLayers: readonly string[] }[] = [
  { name: "attention", changes: {}, nodeLayers: attention },
  { name: "rotary attention", changes: turned, nodeLayers: attention },
  { name: "attention behind a norm", changes: {}, nodeLayers: behindNorm },
  { name: "rotary attention behind a norm", changes: turned, nodeLayers: behindNorm },
];

describe.each(cases)("multiplications of pairs of positions, $name", ({ changes, nodeLayers }) => {
  describe.each([{ causal: true }, { causal: false }])("causal: $causal", ({ causal }) => {
    const network = networkOf(changes, nodeLayers, causal);
    const [section] = network.sections;

    // What belongs to single positions doubles with them: the rest of what is counted belongs to pairs.
    it.each([
      { of: "Jacobian summaries", cost: (positions: number): number => momentPairs(section, positions).multiplications, step: jacobianMoments },
      { of: "exact edges", cost: (positions: number): number => edgePairsCost(section, positions), step: (task: EdgesTask): Promise<unknown> => closedPlan(section)!.edges(task) },
    ])("agree with the products of $of", async ({ cost, step }) => {
      const [long, short] = [await counted(network, section, longest, step), await counted(network, section, longest / 2, step)];
      const found = long.operations - 2 * short.operations;
      const expected = 2 * (cost(longest) - 2 * cost(longest / 2));
      expect(expected / found).toBeGreaterThan(0.75);
      expect(expected / found).toBeLessThan(1.25);
    });

    it("and the entries of Jacobians with what is squared and summed pair by pair", async () => {
      const [long, short] = [await counted(network, section, longest, jacobianMoments), await counted(network, section, longest / 2, jacobianMoments)];
      expect(momentPairs(section, longest).entries - 2 * momentPairs(section, longest / 2).entries).toBe(long.entries - 2 * short.entries);
    });
  });

  it("are none for a single position, and about four times as many for twice the positions", () => {
    const [section] = networkOf(changes, nodeLayers, true).sections;
    for (const cost of [momentPairsCost, edgePairsCost]) {
      expect(cost(section, 1)).toBe(0);
      expect(cost(section, 4096) / cost(section, 2048)).toBeGreaterThan(3.7);
    }
  });
});
