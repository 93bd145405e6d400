import { describe, expect, it } from "vitest";
import { outputParts } from "../../../../server/src/core/lib/closedForms/outputParts";
import { canUseFiringPairs, edgesByFiringPairs } from "../../../../server/src/core/lib/closedForms/firingPairs";
import { edgesThroughHidden, type HiddenLayer } from "../../../../server/src/core/lib/closedForms/scaledProducts";
import { edgesBySlopePairs } from "../../../../server/src/core/lib/closedForms/slopePairs";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import { activationFunction } from "../../../../server/src/core/network/activationFunction";
import { randomMatrix } from "../../linalg/random";
import { mlpFixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";

const engine = await referenceEngine();

describe.each(["relu", "leaky_relu", "gelu", "tanh"] as const)("edges through a layer of %s", (activation) => {
  it.each([[3, 5, true], [7, 2, true], [4, 4, false]])("by pairs of slopes and of firing neurons equal those by products per sample (%i to %i features, skip: %s)", async (inputs, outputs, skip) => {
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
      points: [{ alpha: 0, weight: 0.2 }, { alpha: 0.4, weight: 0.3 }, { alpha: 1, weight: 0.5 }],
      features: { C: randomMatrix(section.inputWidth, inputs, 4), CPinv: randomMatrix(inputs, section.inputWidth, 5) },
      nextC: null,
      memoryBudget: 2 ** 20,
      checkCancelled: () => undefined,
      progress: () => undefined,
    };
    const products = await edgesThroughHidden(task, layer);
    const others = [await edgesBySlopePairs(task, layer)];
    expect(canUseFiringPairs(task, layer)).toBe(activation.endsWith("relu"));
    if (canUseFiringPairs(task, layer)) others.push(await edgesByFiringPairs(task, layer));
    const largest = Math.max(...products.data);
    // So little memory that the outputs of one sample come in parts.
    for (const memoryBudget of [500, 1]) {
      expect([...outputParts(engine, layer, memoryBudget)].length).toBeGreaterThan(1);
      others.push(await edgesThroughHidden({ ...task, memoryBudget }, layer));
    }
    for (const other of others) {
      products.data.forEach((edge, at) => expect(Math.abs(other.data[at] - edge)).toBeLessThan(1e-13 * largest));
    }
  });
});
