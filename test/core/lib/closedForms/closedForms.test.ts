import { describe, expect, it } from "vitest";
import { generalPlan } from "../../../../server/src/core/lib/plans/generalPlan";
import { planSection } from "../../../../server/src/core/lib/plans/planSection";
import type { SectionWork } from "../../../../server/src/core/lib/plans/sectionCost";
import { atData, gramByDifferences, halfway, manyFeatures, relativeDifference, task, twoPoints } from "./comparison";
import { mlpFixture, plainEngine, transformerFixture, type Fixture } from "./networks";

const engine = await plainEngine();
const cases: { name: string; kind: string; fixture: Fixture; section: number }[] = [
  { name: "affine", kind: "affine", fixture: mlpFixture(engine), section: 2 },
  { name: "affine over positions", kind: "affine", fixture: transformerFixture(engine), section: 2 },
  ...(["relu", "gelu", "tanh", "leaky_relu"] as const).map((activation) => (
    { name: `affine with ${activation}`, kind: "affine-activation", fixture: mlpFixture(engine, { activation }), section: 0 }
  )),
  { name: "affine with tanh to the output", kind: "affine-activation", fixture: mlpFixture(engine, { lastActivation: "tanh" }), section: 2 },
  ...(["relu", "gelu_new", "sigmoid"] as const).map((activation) => (
    { name: `MLP with skip, ${activation}`, kind: "mlp-skip", fixture: transformerFixture(engine, { activation }), section: 1 }
  )),
  { name: "causal attention", kind: "attention-skip", fixture: transformerFixture(engine), section: 0 },
  { name: "attention over all positions", kind: "attention-skip", fixture: transformerFixture(engine, { causal: false, heads: 3 }), section: 0 },
  { name: "unscaled attention", kind: "attention-skip", fixture: transformerFixture(engine, { scaleAttention: false }), section: 0 },
  { name: "attention read at the last position", kind: "attention-skip", fixture: transformerFixture(engine, { lastPositionOnly: "add_resid1" }), section: 0 },
  { name: "attention from concatenated inputs", kind: "attention-skip", fixture: transformerFixture(engine, { nodeLayers: ["attn_in.0", "add_resid1.0"] }), section: 0 },
  { name: "attention to an unsummed residual", kind: "attention-skip", fixture: transformerFixture(engine, { nodeLayers: ["ln1.0", "add_resid1.0", "output"] }), section: 0 },
];

describe.each(cases)("closed form: $name", ({ kind, fixture, section: index }) => {
  const section = fixture.network.sections[index];
  const closed = planSection(section, manyFeatures);
  const general = generalPlan(section);

  it("is found and named by the planner", () => {
    expect(section.structure.kind).toBe(kind);
    expect(closed.path).toMatch(/closed form/);
  });

  it.each([true, false])("gives the general path's Jacobian Gram (next layer rotated: %s)", async (rotated) => {
    for (const points of [atData, halfway, twoPoints]) {
      const input = task(fixture, section, points, rotated);
      expect(relativeDifference(await closed.jacobianGram(input), await general.jacobianGram(input))).toBeLessThan(1e-12);
    }
  });

  it.each([true, false])("gives the general path's edges (next layer rotated: %s)", async (rotated) => {
    for (const points of [atData, halfway, twoPoints]) {
      const input = task(fixture, section, points, rotated);
      expect(relativeDifference(await closed.edges(input), await general.edges(input))).toBeLessThan(1e-12);
    }
  });

  it("agrees with finite differences", async () => {
    const gram = await closed.jacobianGram(task(fixture, section, atData, false));
    expect(relativeDifference(gram, await gramByDifferences(fixture, section))).toBeLessThan(1e-7);
  });

  it("does not depend on the chunk size", async () => {
    const large = task(fixture, section, atData, true);
    const small = task(fixture, section, atData, true, 1);
    expect(relativeDifference(await closed.jacobianGram(small), await closed.jacobianGram(large))).toBeLessThan(1e-13);
    expect(relativeDifference(await closed.edges(small), await closed.edges(large))).toBeLessThan(1e-13);
  });
});

describe("sections without a closed form", () => {
  it("take the general path and say why", () => {
    const { network } = transformerFixture(engine, { nodeLayers: ["ln1.0", "output"] });
    expect(planSection(network.sections[0], manyFeatures).path).toMatch(/vector-Jacobian products.*2 nonlinear modules/);
  });
});

describe("the planner", () => {
  const { network } = transformerFixture(engine, { nodeLayers: ["ln1.0", "ln2.0", "unembed", "output"] });
  const work = (changes: Partial<SectionWork>): SectionWork => ({ task: "gram", outputs: 7, positions: 4, points: 1, ...changes });

  it("goes backwards from few outputs where a closed form needs more multiplications, and says so", () => {
    const [attention, mlp] = network.sections;
    expect(planSection(attention, work({ outputs: 1, points: 5 })).path)
      .toMatch(/^backward passes from 1 output feature, because these need about .* times fewer multiplications than the closed form of attention/);
    for (const section of [attention, mlp]) expect(planSection(section, work({ outputs: 500 })).path).toMatch(/^closed form of .*, because it needs about .* times fewer/);
    expect(planSection(network.sections[2], work({ outputs: 1 })).path).toMatch(/^closed form of a linear section .*no data\)$/);
  });

  it("gives the same numbers either way", async () => {
    const fixture = transformerFixture(engine, { nodeLayers: ["ln1.0", "ln2.0", "output"] });
    const [section] = fixture.network.sections;
    const input = task(fixture, section, atData, true);
    const [few, many] = [planSection(section, work({ outputs: 1, points: 5 })), planSection(section, manyFeatures)];
    expect(relativeDifference(await few.jacobianGram(input), await many.jacobianGram(input))).toBeLessThan(1e-12);
    expect(relativeDifference(await few.edges(input), await many.edges(input))).toBeLessThan(1e-12);
  });
});
