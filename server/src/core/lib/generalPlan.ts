/** @file The general path: vector-Jacobian products of all output features, for every kind of section. */

import type { Section } from "../network/section";
import { edgesByVjp } from "./edges";
import { jacobianGramByVjp } from "./jacobianGram";
import type { SectionPlan } from "./sectionPlan";

export function generalPlan(section: Section): SectionPlan {
  const reason = section.structure.kind === "general" ? section.structure.why : "it is exact for every section";
  return {
    path: `vector-Jacobian products of all output features (${reason})`,
    jacobianGram: jacobianGramByVjp,
    edges: edgesByVjp,
  };
}
