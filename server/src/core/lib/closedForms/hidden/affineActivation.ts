/** @file Closed forms of a layer of neurons, y = act(x W) (method sections 2.10 and 3.6). */

import { hadamard, identity } from "../../../linalg/elementary";
import type { Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { SectionStructure } from "../../../network/sectionStructure";
import type { JacobianGramTask, SectionPlan } from "../../plans/sectionPlan";
import { isNarrow, outputMetric, sandwich, symmetricFactor } from "../matrices";
import { drawnTokenEdges } from "../tokens/drawnTokenEdges";
import { neuronsForm } from "../tokens/tokenForm";
import { edgesOfHidden } from "./hiddenEdges";
import { slopeMoments, slopeMomentsOfOutputs, twoSlopes } from "./slopes";

type AffineActivation = Extract<SectionStructure, { kind: "affine-activation" }>;

/** M' = W (Sg ∘ P) W^T with Sg the second moment of the slopes and P = C C^T of the next layer. */
export function affineActivationPlan(structure: AffineActivation): SectionPlan {
  const { W, activation } = structure;
  const inner = async (task: JacobianGramTask): Promise<Matrix> => {
    const two = twoSlopes(activation, task.points);
    // A negative slope before the kink would make outputs positive there.
    const { second } = task.outputs && two && two.low >= 0 ? await slopeMomentsOfOutputs(task, task.outputs, W, two) : await slopeMoments(task, W, activation);
    return hadamard(second, outputMetric(task.nextC, W.cols));
  };
  return {
    path: `closed form of an affine layer with ${activation.name} (second moment of its slopes, no Jacobian per sample)`,
    jacobianGram: async (task) => sandwich(W, await inner(task), W),
    // An entrywise product of two Grams is a Gram (Schur), so it has a factor.
    ...(isNarrow(W) ? { gramFactor: async (task: JacobianGramTask) => multiply(W, symmetricFactor(await inner(task))) } : {}),
    edges: (task) => edgesOfHidden(task, {
      into: multiply(task.features.CPinv, W),
      activation,
      outOf: task.nextC ?? identity(W.cols),
      constant: null,
    }),
    drawnEdges: (task, draws) => drawnTokenEdges(task, neuronsForm(structure), draws),
  };
}
