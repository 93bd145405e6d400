import { describe, expect, it } from "vitest";
import { forEachRows } from "../../../../server/src/core/lib/closedForms/chunks";
import { generalPlan } from "../../../../server/src/core/lib/plans/generalPlan";
import { planEdges } from "../../../../server/src/core/lib/plans/planEdges";
import { planSection } from "../../../../server/src/core/lib/plans/planSection";
import type { EdgeWork, SectionWork } from "../../../../server/src/core/lib/plans/sectionCost";
import { edgeDraws } from "../../../../server/src/core/lib/sources/randomSources";
import type { Section } from "../../../../server/src/core/network/section";
import { createEngine } from "../../../../server/src/engine/createEngine";
import { mlpFixture, transformerFixture, type Fixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";
import { itAgreesWithTheGeneralPath } from "./agreement";
import { atData, manyFeatures, relativeDifference, task, twoPoints } from "./comparison";

const engine = await referenceEngine();
const cases: { name: string; kind: string; fixture: Fixture; section: number }[] = [
  { name: "affine", kind: "affine", fixture: mlpFixture(engine), section: 2 },
  { name: "affine over positions", kind: "affine", fixture: transformerFixture(engine), section: 2 },
  ...(["relu", "gelu", "tanh", "leaky_relu"] as const).map((activation) => (
    { name: `affine with ${activation}`, kind: "affine-activation", fixture: mlpFixture(engine, { activation }), section: 0 }
  )),
  { name: "a wide layer into a narrow one", kind: "affine-activation", fixture: mlpFixture(engine, { widths: [17, 4, 3] }), section: 0 },
  { name: "a wide affine layer into a narrow one", kind: "affine", fixture: mlpFixture(engine, { widths: [5, 17, 3] }), section: 1 },
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
  itAgreesWithTheGeneralPath(fixture, fixture.network.sections[index], kind);
});

describe("the Jacobian Gram through attention", () => {
  it("of more heads and outputs than are taken at a time", async () => {
    const fixture = transformerFixture(await createEngine({ backend: "wasm", precision: "float64" }), { heads: 3, headWidth: 130, samples: 5 });
    const [section] = fixture.network.sections;
    const input = task(fixture, section, twoPoints, true);
    expect(relativeDifference(await planSection(section, manyFeatures).jacobianGram(input), await generalPlan(section).jacobianGram(input))).toBeLessThan(1e-12);
  });
});

describe("edges through attention", () => {
  it("from more features than are taken at a time", async () => {
    const fixture = transformerFixture(engine, { modelWidth: 34, samples: 3, nodeLayers: ["attn_in.0", "add_resid1.0"] });
    const [section] = fixture.network.sections;
    const input = task(fixture, section, atData, true);
    expect(input.features.C.cols).toBeGreaterThan(64);
    expect(relativeDifference(await planSection(section, manyFeatures).edges(input), await generalPlan(section).edges(input))).toBeLessThan(1e-12);
  });
});

describe("position-wise sections", () => {
  it("are cut between the positions of a sample where a whole one does not fit", async () => {
    const fixture = transformerFixture(engine, { nodeLayers: ["ln2.0", "unembed"] });
    const [section] = fixture.network.sections;
    const rows: number[] = [];
    await fixture.source.at(0).forEachBatch((batch) => forEachRows(engine, batch, 100, 3 * 100 * 8, (part) => {
      rows.push(part.shape[0]);
      return Promise.resolve();
    }));
    expect(Math.max(...rows)).toBe(3);
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(fixture.batches.samples * fixture.batches.positions);
    const [whole, parts] = [2 ** 26, 3000].map((budget) => planSection(section, manyFeatures).edges(task(fixture, section, atData, true, budget)));
    expect(relativeDifference(await parts, await whole)).toBeLessThan(1e-13);
  });
});

describe("the planner of edges", () => {
  const { network } = transformerFixture(engine, { nodeLayers: ["ln1.0", "ln2.0", "unembed", "output"] });
  const [attention, , affine] = network.sections;
  const [neurons] = mlpFixture(engine, { widths: [200, 400, 3] }).network.sections;
  const many: EdgeWork = { task: { edgesFrom: 700 }, outputs: 700, positions: 256, points: 1 };
  const pathOf = (section: Section, draws: number | null, positions = many.positions): string => (
    planEdges(section, { ...many, positions }, draws === null ? null : edgeDraws(draws, 0, 0)).path
  );

  it("draws signs where they save much, and says so", () => {
    for (const section of [attention, neurons]) {
      expect(pathOf(section, 1)).toMatch(/^closed form of .*, summed over positions with 1 draw of random signs, because exact edges need about .* times more multiplications$/);
      expect(pathOf(section, 2)).toMatch(/2 draws of random signs/);
    }
  });

  it("stays exact without draws, with as many draws as positions, with one position, and where exact edges cost little", () => {
    for (const section of [attention, neurons]) {
      expect(pathOf(section, null)).not.toMatch(/random signs/);
      for (const path of [pathOf(section, 256), pathOf(section, 1, 1)]) expect(path).toMatch(/; exact, because random signs would not save 4 times the multiplications$/);
    }
    expect(pathOf(affine, 1)).toMatch(/^closed form of a linear section.*; exact/);
  });

  it("never draws where one position leaves the section", () => {
    const last = (nodeLayers: string[]): Section => transformerFixture(engine, { nodeLayers, lastPositionOnly: "add_resid1" }).network.sections[0];
    for (const section of [last(["ln1.0", "ln2.0"]), last(["ln1.0", "output"])]) expect(pathOf(section, 1)).toMatch(/; exact, because/);
  });

  it("draws for backward passes where positions mix and there is no closed form", () => {
    const { sections: [general] } = transformerFixture(engine, { nodeLayers: ["ln1.0", "output"] }).network;
    expect(pathOf(general, 1)).toMatch(/^vector-Jacobian products of 1 draw of random signs over positions per feature, because exact edges need about 256 times more/);
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
