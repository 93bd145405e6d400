import { describe, expect, it } from "vitest";
import { edgesByVjp } from "../../../../server/src/core/lib/edges/squaredEdges";
import { jacobianMoments } from "../../../../server/src/core/lib/jacobians/jacobianMoments";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import { generalPlan } from "../../../../server/src/core/lib/plans/generalPlan";
import { planEdges } from "../../../../server/src/core/lib/plans/planEdges";
import { planSection } from "../../../../server/src/core/lib/plans/planSection";
import { edgeDraws, edgeSources } from "../../../../server/src/core/lib/sources/randomSources";
import { featuresOfOutput } from "../../../../server/src/core/lib/sources/sourceChunks";
import { familyFixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";
import { descriptions } from "../../support/transformers";
import { itAgreesWithTheGeneralPath } from "./agreement";
import { atData, manyFeatures, relativeDifference, task, twoPoints } from "./comparison";

const engine = await referenceEngine();
const single = await referenceEngine("float32");

/** Family, first and last node layer of the section, structure. */
const cases: [family: string, from: string, to: string, kind: string, lastPositionOnly?: string][] = [
  ["GPT-2", "ln1.1", "ln1_out.1", "norm"],
  ["GPT-2", "ln1_out.1", "attn_in.1", "norm"],
  ["GPT-2", "ln1_out.1", "attn_out.1", "norm"],
  ["GPT-2", "ln1.1", "attn_in.1", "norm"],
  ["GPT-2", "ln_final", "ln_final_out", "norm"],
  ["GPT-2", "ln_final", "unembed", "norm"],
  ["GPT-2", "ln_final", "output", "norm"],
  ["GPT-2", "ln2.0", "ln1.1", "norm-mlp"],
  ["GPT-2", "mlp_in.0", "ln1.1", "mlp-skip"],
  ["GPT-2", "unembed", "output", "affine"],
  ["GPT-2", "ln2_out.0", "ln1.1", "norm-mlp"],
  ["llama", "ln2.0", "ln2_out.0", "norm"],
  ["llama", "ln2_out.0", "mlp_in.0", "norm"],
  ["llama", "ln2.0", "mlp_act.0", "norm"],
  ["llama", "mlp_in.0", "ln1.1", "gated-mlp-skip"],
  ["llama", "mlp_act.0", "mlp_out.0", "gated-mlp-skip"],
  ["llama", "ln2.0", "ln1.1", "norm-mlp"],
  ["llama", "ln2_out.0", "ln1.1", "norm-mlp"],
  ["GPT-NeoX", "ln2.0", "ln2_out.0", "norm"],
  ["GPT-NeoX", "ln2_out.0", "mlp_in.0", "norm"],
  ["GPT-NeoX", "ln2.0", "ln1.1", "norm-mlp"],
  ["no positions, all see all, no final norm", "mlp_in.1", "output", "gated-mlp-skip"],
  ["GPT-2", "ln1.0", "ln2.0", "norm-attention"],
  ["GPT-2", "ln1_out.1", "ln2.1", "norm-attention"],
  ["GPT-2", "ln1.1", "ln2.1", "norm-attention", "add_resid1"],
  ["GPT-Neo", "ln1.1", "ln2.1", "norm-attention"],
  ["llama", "ln1.1", "ln2.1", "norm-attention"],
  ["GPT-NeoX", "ln1_out.0", "ln2.0", "norm-attention"],
  ["GPT-NeoX", "ln1.0", "ln2.0", "norm-attention"],
  ["one shared key, llama3 frequencies", "ln1.0", "ln2.0", "norm-attention"],
  ["no positions, all see all, no final norm", "ln1.0", "ln2.0", "norm-attention"],
  ["GPT-2", "attn_in.0", "ln2.0", "attention-skip"],
  ["GPT-2", "attn_out.0", "add_resid1.0", "attention-skip"],
  ["GPT-Neo", "attn_in.1", "ln2.1", "attention-skip"],
  ["GPT-NeoX", "attn_in.0", "ln2.0", "attention-skip"],
  ["parallel without norms", "ln1.0", "ln2.0", "attention-skip"],
  ["llama", "attn_in.1", "ln2.1", "attention-skip"],
  ["llama", "attn_in.1", "ln2.1", "attention-skip", "add_resid1"],
  ["one shared key, llama3 frequencies", "attn_in.0", "ln2.0", "attention-skip"],
  ["no positions, all see all, no final norm", "attn_in.0", "ln2.0", "attention-skip"],
];

/** The same work for the general path. */
const generally = (input: EdgesTask): EdgesTask => ({ ...input, section: { ...input.section, structure: { kind: "general", why: "for comparison" } } });

describe.each(cases)("%s, %s to %s", (family, from, to, kind, lastPositionOnly) => {
  const fixture = familyFixture(engine, family, [from, to], lastPositionOnly ?? null);
  const [section] = fixture.network.sections;
  const closed = planSection(section, manyFeatures);
  itAgreesWithTheGeneralPath(fixture, section, kind);

  it("gives the moments of the Jacobian as the general path does", async () => {
    const input = task(fixture, section, twoPoints, true);
    const [mine, wanted] = [await jacobianMoments(input), await jacobianMoments(generally(input))];
    expect(relativeDifference(mine.mean, wanted.mean)).toBeLessThan(1e-12);
    expect(relativeDifference(mine.meanSquare, wanted.meanSquare)).toBeLessThan(1e-12);
    const inParts = await jacobianMoments({ ...input, memoryBudget: 1 });
    expect(relativeDifference(inParts.mean, mine.mean)).toBeLessThan(1e-13);
    expect(relativeDifference(inParts.meanSquare, mine.meanSquare)).toBeLessThan(1e-13);
  });

  it("loses no more in float32 than the general path does", async () => {
    const rounded = familyFixture(single, family, [from, to], lastPositionOnly ?? null);
    const [roundedSection] = rounded.network.sections;
    const [mine, exact] = [task(rounded, roundedSection, atData, true), task(fixture, section, atData, true)];
    const [gram, edges] = [await closed.jacobianGram(exact), await closed.edges(exact)];
    const roundedGeneral = generalPlan(roundedSection);
    // The two ways round differently.
    const bound = (deviation: number): number => Math.max(2e-5, 5 * deviation);
    const plan = planSection(roundedSection, manyFeatures);
    expect(relativeDifference(await plan.jacobianGram(mine), gram)).toBeLessThan(bound(relativeDifference(await roundedGeneral.jacobianGram(mine), gram)));
    expect(relativeDifference(await plan.edges(mine), edges)).toBeLessThan(bound(relativeDifference(await roundedGeneral.edges(mine), edges)));
    if (closed.drawnEdges) {
      const draws = edgeDraws(2, 3, section.index);
      const drawn = await closed.drawnEdges(exact, draws);
      const general = await edgesByVjp(mine, edgeSources(roundedSection.engine, featuresOfOutput(roundedSection, mine.nextC), draws));
      expect(relativeDifference(await plan.drawnEdges!(mine, draws), drawn)).toBeLessThan(bound(relativeDifference(general, drawn)));
    }
    const [moments, roundedMoments, wanted] = [await jacobianMoments(mine), await jacobianMoments(generally(mine)), await jacobianMoments(generally(exact))];
    expect(relativeDifference(moments.mean, wanted.mean)).toBeLessThan(bound(relativeDifference(roundedMoments.mean, wanted.mean)));
    expect(relativeDifference(moments.meanSquare, wanted.meanSquare)).toBeLessThan(bound(relativeDifference(roundedMoments.meanSquare, wanted.meanSquare)));
  });
});

describe("edges of long samples from random signs", () => {
  it.each([
    ["llama", "attn_in.1", "ln2.1"], ["GPT-NeoX", "attn_in.0", "ln2.0"], ["GPT-Neo", "attn_in.1", "ln2.1"],
    ["GPT-2", "ln1.0", "ln2.0"], ["llama", "ln1.1", "ln2.1"],
  ])("are those of the closed form: %s, %s to %s", (family, from, to) => {
    const [section] = familyFixture(engine, family, [from, to], null).network.sections;
    const work = { task: { edgesFrom: 700 }, outputs: 700, positions: 256, points: 1 };
    expect(planEdges(section, work, edgeDraws(1, 0, 0)).path).toMatch(/^closed form of .*, summed over positions with 1 draw of random signs, because exact edges need about .* times more/);
  });
});

describe.each(Object.keys(descriptions))("%s with attn_in and ln_final among its node layers", (family) => {
  it.each([null, "add_resid1"])("has a closed form for every section (last position after %s)", (lastPositionOnly) => {
    const { network } = familyFixture(engine, family, ["ln1.0", "attn_in.0", "ln2.0", "ln1.1", "attn_in.1", "ln2.1", "ln_final", "unembed", "output"], lastPositionOnly);
    for (const { structure } of network.sections) expect(structure.kind).not.toBe("general");
  });
});
