/** @file Closed forms of attention beside a skip connection: causal, local or not, grouped heads, rotary positions, all outputs or the last. */

import type { AttentionSkip } from "../../../network/attentionStructure";
import type { NormAttention } from "../../../network/sectionStructure";
import type { SectionPlan } from "../../plans/sectionPlan";
import { attentionEdges } from "./attentionEdges";
import { attentionGram } from "./attentionGram";
import { drawnAttentionEdges } from "./drawnAttentionEdges";
import { drawnNormAttentionEdges } from "./drawnNormAttentionEdges";
import { normAttentionEdges } from "./normAttentionEdges";
import { normAttentionGram } from "./normAttentionGram";

/** M' by method section 2.10, E by method section 3.6. */
export function attentionSkipPlan(structure: AttentionSkip): SectionPlan {
  return {
    path: `closed form of ${describe(structure)} (attention-sized products, no backward pass)`,
    jacobianGram: (task) => attentionGram(task, structure),
    edges: (task) => attentionEdges(task, structure),
    drawnEdges: (task, draws) => drawnAttentionEdges(task, structure, draws),
  };
}

/** The same behind a norm, whose Jacobian is a rank-one correction at every position. */
export function normAttentionPlan(structure: NormAttention): SectionPlan {
  const { norm, attention } = structure;
  const name = norm.norm.kind === "layer-norm" ? "layer norm" : "RMS norm";
  return {
    path: `closed form of ${norm.half === "whole" ? "a" : "the second half of a"} ${name} and ${describe(attention)} behind it (attention-sized products, no backward pass)`,
    jacobianGram: (task) => normAttentionGram(task, structure),
    edges: (task) => normAttentionEdges(task, structure),
    drawnEdges: (task, draws) => drawnNormAttentionEdges(task, structure, draws),
  };
}

function describe({ heads, rotary, window }: AttentionSkip): string {
  const kind = [...(window === null ? [] : [`local over ${window} positions`]), ...(rotary ? ["with rotary positions"] : [])].join(" and ");
  return `attention with ${heads.length} heads${kind && `, ${kind},`} and a skip connection`;
}
