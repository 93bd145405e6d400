/** @file Closed forms of a layer of neurons, y = act(x W) (method sections 2.10 and 3.6). */

import { hadamard, identity } from "../../linalg/elementary";
import { multiply } from "../../linalg/multiply";
import type { SectionStructure } from "../../network/sectionStructure";
import type { SectionPlan } from "../plans/sectionPlan";
import { edgesOfHidden } from "./hiddenEdges";
import { outputMetric, sandwich } from "./matrices";
import { slopeMoments } from "./slopes";

type AffineActivation = Extract<SectionStructure, { kind: "affine-activation" }>;

/** M' = W (Sg ∘ P) W^T with Sg the second moment of the slopes and P = C C^T of the next layer. */
export function affineActivationPlan({ W, activation }: AffineActivation): SectionPlan {
  return {
    path: `closed form of an affine layer with ${activation.name} (second moment of its slopes, no Jacobian per sample)`,
    jacobianGram: async (task) => {
      const { second } = await slopeMoments(task, W, activation);
      return sandwich(W, hadamard(second, outputMetric(task.nextC, W.cols)), W);
    },
    edges: (task) => edgesOfHidden(task, {
      into: multiply(task.features.CPinv, W),
      activation,
      outOf: task.nextC ?? identity(W.cols),
      constant: null,
    }),
  };
}
