/**
 * @file How many multiplications a closed form and the general path need per output position, so that the planner can compare them. Only
 * the products count: on every backend they are most of the work.
 */

import type { AttentionSkip } from "../../network/attentionStructure";
import type { Module } from "../../network/module";
import type { Section } from "../../network/section";
import type { SectionStructure } from "../../network/sectionStructure";

/** What the size of the work depends on, besides the section. */
export interface SectionWork {
  /** The Jacobian Gram, or the edges from this many features of the input. */
  readonly task: "gram" | { readonly edgesFrom: number };
  /** Features of the output. */
  readonly outputs: number;
  /** Input positions of one sample. */
  readonly positions: number;
  /** Integration points. */
  readonly points: number;
}

/** Backward passes of all output features from one output position to all input positions, and what becomes of them. */
export function generalCost(section: Section, { task, outputs, positions, points }: SectionWork): number {
  const isMixing = section.modules.some(({ structure }) => structure.kind === "attention");
  const read = isMixing ? positions : 1;
  const backwards = backwardCost(section, read);
  const d = section.inputWidth;
  const used = d * (task === "gram" ? d : task.edgesFrom);
  return outputs * read * (points * backwards + used);
}

/** Multiplications of one backward pass per position that its source reaches. */
export const backwardCost = (section: Section, positions: number): number =>
  section.modules.reduce((sum, module) => sum + moduleCost(module, positions), 0);

function moduleCost({ structure, inputWidths }: Module, positions: number): number {
  switch (structure.kind) {
    case "linear":
      return structure.terms.reduce((sum, { weight }) => sum + (weight ? weight.rows * weight.cols : 0), 0);
    case "attention": {
      const { heads, queryWidth, valueWidth, output } = structure.attention;
      return output.rows * output.cols + 2 * heads * positions * (queryWidth + valueWidth);
    }
    default:
      return Math.max(...inputWidths);
  }
}

/** The same work by the closed form; null for a section that has none. */
export function closedFormCost(structure: SectionStructure, work: SectionWork): number | null {
  switch (structure.kind) {
    case "affine":
      return work.task === "gram" ? 0 : work.task.edgesFrom * structure.W.rows;
    case "norm":
      return 3 * (work.task === "gram" ? structure.into.cols ** 2 : work.task.edgesFrom * work.outputs);
    case "affine-activation":
      return hiddenCost(structure.W.rows, structure.W.cols, 1, work);
    case "mlp-skip":
      return hiddenCost(structure.A.rows, structure.A.cols, 1, work);
    case "gated-mlp-skip":
      return hiddenCost(structure.gate.rows, structure.gate.cols, 2, work);
    case "norm-mlp":
      return hiddenCost(structure.A.rows, structure.A.cols, structure.up ? 2 : 1, work);
    case "attention-skip":
      return attentionCost(structure, work);
    case "general":
      return null;
  }
}

/** Second moments of the slopes; or a product per feature and token, or pairs of slopes per feature. */
function hiddenCost(width: number, hidden: number, groups: number, { task, outputs }: SectionWork): number {
  const forward = groups * width * hidden;
  return forward + (task === "gram" ? (groups * hidden) ** 2 : task.edgesFrom * hidden * Math.min(outputs, hidden / 2));
}

function attentionCost({ heads, rotary }: AttentionSkip, { task, outputs, positions, points }: SectionWork): number {
  const count = heads.length * points;
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  const perHead = positions * (2 * e + f + e * f);
  if (task === "gram") {
    const pairs = (count * (count + 1)) / 2;
    return count * perHead + pairs * (e * f * (e + f) + positions * (6 * f + (rotary ? e * e : 2 * e)));
  }
  const r = task.edgesFrom;
  const perFeature = positions * f * (rotary ? 1 + e / f : 1) + outputs * (f + e + 1);
  return count * (perHead + r * perFeature);
}
