/** @file What the tests of closed forms compare: tasks for both paths, and Jacobians by finite differences. */

import { expect } from "vitest";
import type { SectionWork } from "../../../../server/src/core/lib/plans/sectionCost";
import type { EdgesTask } from "../../../../server/src/core/lib/plans/sectionPlan";
import type { IntegrationPoint } from "../../../../server/src/core/lib/sources/integration";
import { matrix, type Matrix } from "../../../../server/src/core/linalg/matrix";
import type { Section } from "../../../../server/src/core/network/section";
import { randomMatrix } from "../../linalg/random";
import type { Fixture } from "../../support/fixtures";

export const atData: IntegrationPoint[] = [{ alpha: 1, weight: 1 }];
export const halfway: IntegrationPoint[] = [{ alpha: 0.5, weight: 1 }];
export const twoPoints: IntegrationPoint[] = [{ alpha: 0.3, weight: 0.4 }, { alpha: 0.9, weight: 0.6 }];
/** So much work that every closed form is the cheaper way. */
export const manyFeatures: SectionWork = { task: "gram", outputs: 1e6, positions: 5, points: 1 };

/** Random features of the input, and of the output when `rotated`. */
export function task(fixture: Fixture, section: Section, points: readonly IntegrationPoint[], rotated: boolean, memoryBudget = 2 ** 26): EdgesTask {
  const kept = section.inputWidth - 1;
  return {
    section,
    activations: fixture.source.at(section.index),
    points,
    features: { C: randomMatrix(section.inputWidth, kept, 11), CPinv: randomMatrix(kept, section.inputWidth, 12) },
    nextC: rotated ? randomMatrix(section.outputWidth, 3, 13) : null,
    memoryBudget,
    checkCancelled: () => undefined,
    progress: () => undefined,
  };
}

/** Largest difference against the largest entry of b. */
export function relativeDifference(a: Matrix, b: Matrix): number {
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols]);
  const largest = Math.max(...b.data.map(Math.abs));
  expect(largest).toBeGreaterThan(0);
  return Math.max(...a.data.map((value, index) => Math.abs(value - b.data[index]))) / largest;
}

/** J [outputs, inputs] of one sample by central differences; x [1, S, d] flattened. */
async function finiteDifferences(section: Section, x: Float64Array, shape: readonly number[]): Promise<Matrix> {
  const step = 1e-5;
  const at = async (values: Float64Array): Promise<ArrayLike<number>> => section.engine.read(section.forward(section.engine.tensor(values, shape)).output);
  const columns: Float64Array[] = [];
  for (let j = 0; j < x.length; j += 1) {
    const [up, down] = await Promise.all([step, -step].map((change) => at(x.map((value, k) => (k === j ? value + change : value)))));
    columns.push(Float64Array.from(up, (value, i) => (value - down[i]) / (2 * step)));
  }
  return matrix(columns[0].length, x.length, Float64Array.from({ length: columns[0].length * x.length }, (_, place) => columns[place % x.length][Math.floor(place / x.length)]));
}

/** M' of the components themselves. */
export async function gramByDifferences(fixture: Fixture, section: Section): Promise<Matrix> {
  const d = section.inputWidth;
  const total = matrix(d, d);
  let divisor = 0;
  await fixture.source.at(section.index).forEachBatch(async (batch) => {
    const values = Float64Array.from(await fixture.engine.read(batch));
    const [samples, positions] = batch.shape;
    for (let b = 0; b < samples; b += 1) {
      const J = await finiteDifferences(section, values.slice(b * positions * d, (b + 1) * positions * d), [1, positions, d]);
      for (let row = 0; row < J.rows; row += 1) for (let s = 0; s < positions; s += 1) {
        const start = row * J.cols + s * d;
        for (let j = 0; j < d; j += 1) for (let k = 0; k < d; k += 1) total.data[j * d + k] += J.data[start + j] * J.data[start + k];
      }
      divisor += positions;
    }
  });
  return matrix(d, d, total.data.map((value) => value / divisor));
}
