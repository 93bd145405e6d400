import { describe, expect, it } from "vitest";
import { canUseFiringPairs, edgesByFiringPairs } from "../../../../server/src/core/lib/closedForms/hidden/firingPairs";
import type { HiddenLayer } from "../../../../server/src/core/lib/closedForms/hidden/hiddenLayer";
import { outputParts } from "../../../../server/src/core/lib/closedForms/hidden/outputParts";
import { edgesToSingleNeurons, singleNeurons } from "../../../../server/src/core/lib/closedForms/hidden/singleNeurons";
import { edgesBySlopePairs } from "../../../../server/src/core/lib/closedForms/hidden/slopePairs";
import { byProducts, byTables, edgesBySquaredJacobians } from "../../../../server/src/core/lib/closedForms/hidden/squaredJacobians";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import { identity } from "../../../../server/src/core/linalg/elementary";
import { matrix, type Matrix } from "../../../../server/src/core/linalg/matrix";
import { activationFunction } from "../../../../server/src/core/network/activationFunction";
import { randomMatrix } from "../../linalg/random";
import { mlpFixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";
import { relativeDifference } from "./comparison";

const engine = await referenceEngine();
const single = await referenceEngine("float32");

const edgesThroughHidden = (task: EdgesTask, layer: HiddenLayer): Promise<Matrix> =>
  edgesBySquaredJacobians(task, layer, byProducts(task.section.engine, layer, task.memoryBudget));

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
    const tables = byTables(engine, layer, task.points, 1);
    expect(tables === null).toBe(!activation.endsWith("relu"));
    const others = [await edgesBySlopePairs(task, layer)];
    expect(canUseFiringPairs(task, layer)).toBe(activation.endsWith("relu"));
    if (tables !== null) others.push(await edgesBySquaredJacobians(task, layer, tables));
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

describe.each(["relu", "leaky_relu", "gelu"] as const)("edges through a layer of %s to single neurons", (activation) => {
  it.each([true, false])("equal those by products per sample (skip: %s)", async (skip) => {
    const fixture = mlpFixture(engine, { activation });
    const section = fixture.network.sections[0];
    const outOf = matrix(6, 4);
    // Two features read one neuron, one reads none.
    for (const [neuron, feature, weight] of [[4, 0, -2], [1, 2, 0.5], [4, 3, 1]]) outOf.data[neuron * 4 + feature] = weight;
    const layer: HiddenLayer = { into: randomMatrix(3, 6, 1), activation: activationFunction(activation), outOf, constant: skip ? randomMatrix(3, 4, 3) : null };
    const task: EdgesTask = {
      section, activations: fixture.source.at(0), points: [{ alpha: 0.4, weight: 0.3 }, { alpha: 1, weight: 0.7 }],
      features: { C: randomMatrix(section.inputWidth, 3, 4), CPinv: randomMatrix(3, section.inputWidth, 5) },
      nextC: null, memoryBudget: 2 ** 20, checkCancelled: () => undefined, progress: () => undefined,
    };
    expect(relativeDifference(await edgesToSingleNeurons(task, layer, singleNeurons(layer)!), await edgesThroughHidden(task, layer))).toBeLessThan(1e-13);
    expect(singleNeurons({ ...layer, outOf: randomMatrix(6, 4, 2) })).toBeNull();
  });
});

describe("edges through a layer of leaky_relu", () => {
  it.each([0, -0.5, 1, 3])("by tables equal those by products where the slope before the kink is %f", async (negativeSlope) => {
    const fixture = mlpFixture(engine, { activation: "relu" });
    const section = fixture.network.sections[0];
    const layer: HiddenLayer = {
      into: randomMatrix(4, 9, 1), activation: activationFunction("leaky_relu", negativeSlope), outOf: randomMatrix(9, 3, 2), constant: null,
    };
    const points = [{ alpha: 1, weight: 1 }];
    const task: EdgesTask = {
      section, activations: fixture.source.at(0), points, features: { C: randomMatrix(section.inputWidth, 4, 4), CPinv: randomMatrix(4, section.inputWidth, 5) },
      nextC: null, memoryBudget: 2 ** 20, checkCancelled: () => undefined, progress: () => undefined,
    };
    expect(relativeDifference(await edgesBySquaredJacobians(task, layer, byTables(engine, layer, points, 1)!), await edgesThroughHidden(task, layer))).toBeLessThan(1e-13);
  });
});

describe("edges in single precision", () => {
  it.each(["relu", "gelu"] as const)("by pairs of slopes lose no more than those by products per sample (%s)", async (activation) => {
    const [rounded, exact] = [single, engine].map((each): [EdgesTask, HiddenLayer] => {
      const fixture = mlpFixture(each, { activation, widths: [30, 40, 5], samples: 200, batchSize: 50 });
      const section = fixture.network.sections[0];
      const [d, h] = [section.inputWidth, section.outputWidth];
      return [
        {
          section, activations: fixture.source.at(0), points: [{ alpha: 1, weight: 1 }], features: { C: identity(d), CPinv: identity(d) },
          nextC: null, memoryBudget: 2 ** 24, checkCancelled: () => undefined, progress: () => undefined,
        },
        { into: randomMatrix(d, h, 1), activation: activationFunction(activation), outOf: randomMatrix(h, 20, 2), constant: randomMatrix(d, 20, 3) },
      ];
    });
    const wanted = await edgesThroughHidden(...exact);
    const bound = Math.max(1e-6, 5 * relativeDifference(await edgesThroughHidden(...rounded), wanted));
    expect(relativeDifference(await edgesBySlopePairs(...rounded), wanted)).toBeLessThan(bound);
    if (activation === "gelu") return;
    expect(relativeDifference(await edgesByFiringPairs(...rounded), wanted)).toBeLessThan(bound);
    const tables = byTables(single, rounded[1], rounded[0].points, 200)!;
    expect(relativeDifference(await edgesBySquaredJacobians(...rounded, tables), wanted)).toBeLessThan(bound);
  });
});
