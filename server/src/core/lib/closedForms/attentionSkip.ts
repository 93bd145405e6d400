/** @file Closed forms of attention beside a skip connection, causal or not, over all positions or read at the last one. */

import type { Section } from "../../network/section";
import { generalPlan } from "../generalPlan";
import type { SectionPlan } from "../sectionPlan";
import { attentionEdges } from "./attentionEdges";
import { attentionGram } from "./attentionGram";
import type { AttentionSkip } from "./attentionState";

/**
 * Edges have a closed form for every integration rule. The Gram of a Jacobian that is averaged over several points couples the points:
 * it has one for a single point only and takes the general path otherwise.
 */
export function attentionSkipPlan(section: Section, structure: AttentionSkip, integrationPoints: number): SectionPlan {
  const edges: SectionPlan["edges"] = (task) => attentionEdges(task, structure);
  if (integrationPoints > 1) {
    const general = generalPlan(section);
    return { ...general, path: `${general.path}; attention integrated over ${integrationPoints} points has no closed form`, edges };
  }
  return {
    path: `closed form of attention with ${structure.heads.length} heads and a skip connection (attention-sized products, no backward pass)`,
    jacobianGram: (task) => attentionGram(task, structure),
    edges,
  };
}
