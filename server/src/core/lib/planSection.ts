/** @file Chooses the cheapest exact way to compute a section's Jacobian Gram and edges. */

import type { Section } from "../network/section";
import { affinePlan } from "./closedForms/affine";
import { affineActivationPlan } from "./closedForms/affineActivation";
import { attentionSkipPlan } from "./closedForms/attentionSkip";
import { mlpSkipPlan } from "./closedForms/mlpSkip";
import { tokenPlan } from "./closedForms/tokenPlans";
import { generalPlan } from "./generalPlan";
import type { IntegrationMethod } from "./integration";
import type { SectionPlan } from "./sectionPlan";

export interface PlanOptions {
  readonly integration: IntegrationMethod;
  readonly intervals: number;
}

/** The closed form of the section's structure (method sections 2.10 and 3.6), else the general path of batched vector-Jacobian products. */
export function planSection(section: Section, _options: PlanOptions): SectionPlan {
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
    case "general":
      return generalPlan(section);
  }
}
