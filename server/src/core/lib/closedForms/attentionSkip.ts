/** @file Closed forms of attention beside a skip connection: causal, local or not, grouped heads, rotary positions, all outputs or the last. */

import type { AttentionSkip } from "../../network/attentionStructure";
import type { EdgesTask, SectionPlan } from "../plans/sectionPlan";
import type { EdgeDraws } from "../sources/randomSources";
import { attentionEdges } from "./attentionEdges";
import { attentionGram } from "./attentionGram";
import { drawnAttentionEdges } from "./drawnAttentionEdges";

/** M' by method section 2.10, E by method section 3.6. */
export function attentionSkipPlan(structure: AttentionSkip): SectionPlan {
  const { heads, rotary, window } = structure;
  const kind = [...(window === null ? [] : [`local over ${window} positions`]), ...(rotary ? ["with rotary positions"] : [])].join(" and ");
  return {
    path: `closed form of attention with ${heads.length} heads${kind && `, ${kind},`} and a skip connection (attention-sized products, no backward pass)`,
    jacobianGram: (task) => attentionGram(task, structure),
    edges: (task) => attentionEdges(task, structure),
    // With rotary positions what queries and keys bring does not separate into sums over one position each.
    ...(rotary ? {} : { drawnEdges: (task: EdgesTask, draws: EdgeDraws) => drawnAttentionEdges(task, structure, draws) }),
  };
}
