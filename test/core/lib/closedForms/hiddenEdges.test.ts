import { describe, expect, it } from "vitest";
import { outputParts } from "../../../../server/src/core/lib/closedForms/outputParts";
import { edgesThroughHidden, type HiddenLayer } from "../../../../server/src/core/lib/closedForms/scaledProducts";
import { edgesBySlopePairs } from "../../../../server/src/core/lib/closedForms/slopePairs";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import { activationFunction } from "../../../../server/src/core/network/activationFunction";
import { randomMatrix } from "../../linalg/random";
import { mlpFixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";

const engine = await referenceEngine();

describe.each(["relu", "gelu", "tanh"] as const)("edges through a layer of %s", (activation) => {
  it.each([[3, 5, true], [7, 2, true], [4, 4, false]])("by slope pairs equal those by products per sample (%i to %i features, skip: %s)", async (inputs, outputs, skip) => {
    const fixture = mlpFixture(engine, { activation });
    const section = fixture.network.sections[0];
    const layer: HiddenLayer = {
      into: randomMatrix(inputs, 6, 1),
      activation: activationFunction(activation),
      outOf: randomMatrix(6, outputs, 2),
      constant: skip ? randomMatrix(inputs, outputs, 3) : null,
    };
    const task: EdgesTask = {
      section,
      activations: fixture.source.at(0),
      points: [{ alpha: 0.4, weight: 0.5 }, { alpha: 1, weight: 0.5 }],
      features: { C: randomMatrix(section.inputWidth, inputs, 4), CPinv: randomMatrix(inputs, section.inputWidth, 5) },
      nextC: null,
      memoryBudget: 2 ** 20,
      checkCancelled: () => undefined,
      progress: () => undefined,
    };
    const [pairs, products] = [await edgesBySlopePairs(task, layer), await edgesThroughHidden(task, layer)];
    const largest = Math.max(...products.data);
    products.data.forEach((edge, at) => expect(Math.abs(pairs.data[at] - edge)).toBeLessThan(1e-13 * largest));
    // So little that the outputs of one sample come in parts.
    for (const memoryBudget of [500, 1]) {
      expect([...outputParts(engine, layer, memoryBudget)].length).toBeGreaterThan(1);
      const parts = await edgesThroughHidden({ ...task, memoryBudget }, layer);
      products.data.forEach((edge, at) => expect(Math.abs(parts.data[at] - edge)).toBeLessThan(1e-13 * largest));
    }
  });
});
