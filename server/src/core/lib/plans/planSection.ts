/** @file Chooses the cheapest exact way to compute a section's Jacobian Gram or edges, and says why. */

import type { Section } from "../../network/section";
import { affinePlan } from "../closedForms/affine";
import { attentionSkipPlan, normAttentionPlan } from "../closedForms/attention/attentionSkip";
import { affineActivationPlan } from "../closedForms/hidden/affineActivation";
import { mlpSkipPlan } from "../closedForms/hidden/mlpSkip";
import { tokenPlan } from "../closedForms/tokens/tokenPlans";
import { generalPlan } from "./generalPlan";
import { closedFormCost, generalCost, type SectionWork } from "./sectionCost";
import type { SectionPlan } from "./sectionPlan";

/**
 * The closed form of the section's structure (method sections 2.10 and 3.6), or the general path of batched vector-Jacobian products: for
 * sections without one, and where so few output features are left that going backwards from them costs less.
 */
export function planSection(section: Section, work: SectionWork): SectionPlan {
  const closed = closedPlan(section);
  const cost = closedFormCost(section.structure, work);
  const general = generalPlan(section);
  if (!closed || cost === null) return general;
  const ratio = generalCost(section, work) / cost;
  const passes = `backward passes from ${work.outputs} output feature${work.outputs === 1 ? "" : "s"}`;
  if (ratio < 1) return { ...general, path: `${passes}, because these need about ${times(1 / ratio)} fewer multiplications than the ${closed.path}` };
  if (!Number.isFinite(ratio)) return closed;
  return { ...closed, path: `${closed.path}, because it needs about ${times(ratio)} fewer multiplications than ${passes}` };
}

/** The closed form of the section's structure; null when it has none. */
export function closedPlan(section: Section): SectionPlan | null {
  const { structure } = section;
  switch (structure.kind) {
    case "affine":
      return affinePlan(structure);
    case "affine-activation":
      return affineActivationPlan(structure);
    case "mlp-skip":
      return mlpSkipPlan(structure);
    case "gated-mlp-skip":
    case "norm":
    case "norm-mlp":
      return tokenPlan(structure);
    case "attention-skip":
      return attentionSkipPlan(structure);
    case "norm-attention":
      return normAttentionPlan(structure);
    case "general":
      return null;
  }
}

/** A ratio of costs in words. */
export const times = (ratio: number): string => `${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString("en")} times`;
