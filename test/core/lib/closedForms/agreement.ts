/** @file The tests that every closed form passes. */

import { expect, it } from "vitest";
import { edgesByVjp } from "../../../../server/src/core/lib/edges/squaredEdges";
import { generalPlan } from "../../../../server/src/core/lib/plans/generalPlan";
import { planSection } from "../../../../server/src/core/lib/plans/planSection";
import { edgeDraws, edgeSources, type EdgeDraws } from "../../../../server/src/core/lib/sources/randomSources";
import { featuresOfOutput } from "../../../../server/src/core/lib/sources/sourceChunks";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import type { Section } from "../../../../server/src/core/network/section";
import type { Fixture } from "../../support/fixtures";
import { atData, gramByDifferences, halfway, manyFeatures, relativeDifference, task, twoPoints } from "./comparison";

/** @param kind structure that the section should be recognised as */
export function itAgreesWithTheGeneralPath(fixture: Fixture, section: Section, kind: string): void {
  const closed = planSection(section, manyFeatures);
  const general = generalPlan(section);

  it("is found and named by the planner", () => {
    expect(section.structure.kind).toBe(kind);
    expect(closed.path).toMatch(/closed form/);
  });

  it.each([true, false])("gives the general path's Jacobian Gram and edges for every rule (next layer rotated: %s)", async (rotated) => {
    for (const points of [atData, halfway, twoPoints]) {
      const input = task(fixture, section, points, rotated);
      expect(relativeDifference(await closed.jacobianGram(input), await general.jacobianGram(input))).toBeLessThan(1e-12);
      expect(relativeDifference(await closed.edges(input), await general.edges(input))).toBeLessThan(1e-12);
      const withOutputs = { ...input, outputs: fixture.source.at(section.index + 1) };
      expect(relativeDifference(await closed.jacobianGram(withOutputs), await closed.jacobianGram(input))).toBeLessThan(1e-13);
      const factor = await closed.gramFactor?.(input);
      if (factor) expect(relativeDifference(multiply(factor, factor, { transposeB: true }), await closed.jacobianGram(input))).toBeLessThan(1e-12);
    }
  });

  if (closed.drawnEdges) {
    it("gives the general path's edges for the same random signs over positions", async () => {
      const draws = edgeDraws(3, 5, section.index);
      for (const [points, rotated] of [[atData, true], [twoPoints, true], [halfway, false]] as const) {
        const input = task(fixture, section, points, rotated);
        const wanted = await edgesByVjp(input, edgeSources(section.engine, featuresOfOutput(section, input.nextC), draws));
        expect(relativeDifference(await closed.drawnEdges!(input, draws), wanted)).toBeLessThan(1e-12);
        const inParts = await closed.drawnEdges!({ ...input, memoryBudget: 1 }, draws);
        expect(relativeDifference(inParts, wanted)).toBeLessThan(1e-12);
      }
    });

    it("gives the exact edges as the mean over all signs", async () => {
      const input = task(fixture, section, twoPoints, true);
      const { positions } = input.activations;
      const all: EdgeDraws = {
        count: 2 ** positions,
        signs: (draw, _, into) => into.forEach((__, t) => {
          into[t] = (draw >> t) & 1 ? 1 : -1;
        }),
      };
      expect(relativeDifference(await closed.drawnEdges!(input, all), await closed.edges(input))).toBeLessThan(1e-12);
    });
  }

  it("agrees with finite differences", async () => {
    expect(relativeDifference(await closed.jacobianGram(task(fixture, section, atData, false)), await gramByDifferences(fixture, section))).toBeLessThan(1e-7);
  });

  it("does not depend on the chunk size", async () => {
    const [large, small] = [2 ** 26, 1].map((budget) => task(fixture, section, twoPoints, true, budget));
    expect(relativeDifference(await closed.jacobianGram(small), await closed.jacobianGram(large))).toBeLessThan(1e-13);
    expect(relativeDifference(await closed.edges(small), await closed.edges(large))).toBeLessThan(1e-13);
  });
}
