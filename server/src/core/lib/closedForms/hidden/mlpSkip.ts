/** @file Closed forms of an MLP beside a skip connection, y = x K + act(x A) B (method sections 2.4 and 3.6). */

import { add, hadamard, scaleColumns } from "../../../linalg/elementary";
import { multiply } from "../../../linalg/multiply";
import type { SectionStructure } from "../../../network/sectionStructure";
import type { SectionPlan } from "../../plans/sectionPlan";
import { outputMetric, sandwich, times, withTranspose } from "../matrices";
import { drawnTokenEdges } from "../tokens/drawnTokenEdges";
import { mlpForm } from "../tokens/tokenForm";
import { edgesOfHidden } from "./hiddenEdges";
import { slopeMoments } from "./slopes";

type MlpSkip = Extract<SectionStructure, { kind: "mlp-skip" }>;

/** M' = K P K^T + X + X^T + A (Sg ∘ (B P B^T)) A^T with X = A diag(mean a') B P K^T. */
export function mlpSkipPlan(structure: MlpSkip): SectionPlan {
  const { A, activation, B, skip } = structure;
  return {
    path: `closed form of an MLP with ${activation.name} and a skip connection (moments of its slopes, no Jacobian per sample)`,
    jacobianGram: async (task) => {
      const { mean, second } = await slopeMoments(task, A, activation);
      const metric = outputMetric(task.nextC, skip.cols);
      const cross = sandwich(multiply(scaleColumns(A, mean.data), B), metric, skip);
      const through = sandwich(A, hadamard(second, sandwich(B, metric, B)), A);
      return add(add(sandwich(skip, metric, skip), withTranspose(cross)), through);
    },
    edges: (task) => edgesOfHidden(task, {
      into: multiply(task.features.CPinv, A),
      activation,
      outOf: times(B, task.nextC),
      constant: times(multiply(task.features.CPinv, skip), task.nextC),
    }),
    drawnEdges: (task, draws) => drawnTokenEdges(task, mlpForm(structure), draws),
  };
}
