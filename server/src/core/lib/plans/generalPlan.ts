/** @file The general path: vector-Jacobian products of all output features, for every kind of section. */

import type { Section } from "../../network/section";
import { jacobianGramByVjp } from "../basis/jacobianGram";
import { edgesByVjp } from "../edges/squaredEdges";
import type { SectionPlan } from "./sectionPlan";

/** M' by method section 2.4 and E by method section 3.1, as they are defined. */
export function generalPlan(section: Section): SectionPlan {
  const reason = section.structure.kind === "general" ? section.structure.why : "it is exact for every section";
  return {
    path: `vector-Jacobian products of all output features (${reason})`,
    jacobianGram: jacobianGramByVjp,
    edges: edgesByVjp,
  };
}
