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

/** The work of edges. */
export interface EdgeWork extends SectionWork {
  readonly task: { readonly edgesFrom: number };
}

/** Backward passes of all output features from one output position to all input positions, and what becomes of them. */
export function generalCost(section: Section, { task, outputs, positions, points }: SectionWork): number {
  const read = mixesPositions(section) ? positions : 1;
  const backwards = backwardCost(section, read);
  const d = section.inputWidth;
  const used = d * (task === "gram" ? d : task.edgesFrom);
  return outputs * read * (points * backwards + used);
}

/** The same from `draws` random signs over the output positions: where positions mix, one pass serves all of a sample. */
export function drawnGeneralCost(section: Section, work: EdgeWork, draws: number): number {
  const passes = draws * generalCost(section, work);
  const keepsLast = section.modules.some(({ structure }) => structure.kind === "last-position");
  return mixesPositions(section) && !keepsLast ? passes / work.positions : passes;
}

const mixesPositions = ({ modules }: Section): boolean => modules.some(({ structure }) => structure.kind === "attention");

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
    case "norm-attention":
      return normAttentionCost(structure.attention, work);
    case "general":
      return null;
  }
}

/** Edges from `draws` random signs over the output positions in closed form, per output position; null for a section without one. */
export function drawnClosedCost(structure: SectionStructure, work: EdgeWork, draws: number): number | null {
  switch (structure.kind) {
    case "norm":
      return drawnHiddenCost(structure.into.rows, structure.outOf.rows, 0, 2, work, draws);
    case "affine-activation":
      return drawnHiddenCost(structure.W.rows, structure.W.cols, 1, 1, work, draws);
    case "mlp-skip":
      return drawnHiddenCost(structure.A.rows, structure.A.cols, 1, 1, work, draws);
    case "gated-mlp-skip":
      return drawnHiddenCost(structure.gate.rows, structure.gate.cols, 2, 2, work, draws);
    case "norm-mlp":
      return drawnHiddenCost(structure.A.rows, structure.A.cols, structure.up ? 2 : 1, structure.up ? 4 : 3, work, draws);
    case "attention-skip":
      return drawnAttentionCost(structure, work, draws);
    case "norm-attention":
      return drawnNormAttentionCost(structure.attention, work, draws);
    case "affine":
    case "general":
      return null;
  }
}

/** @param sums over positions, each a product of features with slopes or with a rank-one term */
function drawnHiddenCost(
  width: number, hidden: number, groups: number, sums: number, { task: { edgesFrom }, outputs, positions }: EdgeWork, draws: number,
): number {
  return groups * width * hidden + draws * edgesFrom * hidden * (sums + outputs / positions);
}

function drawnAttentionCost(structure: AttentionSkip, work: EdgeWork, draws: number): number {
  const { task: { edgesFrom: r }, outputs, positions, points } = work;
  const count = structure.heads.length * points;
  const [e, f] = [structure.heads[0].Q.cols, structure.heads[0].V.cols];
  const [T, S] = [structure.lastPositionOnly ? 1 : positions, positions];
  const state = S * (2 * e + f + r) + (structure.rotary ? S * e * f : 0);
  const perDraw = structure.rotary ? S * e * (f + 1) + (r * e * f * (T + S)) / T : S * (r + 2 * e) + (r * (2 * e + f) * (T + S)) / T;
  return count * (state + draws * perDraw) + (draws * r * structure.heads.length * f * outputs) / T;
}

/** Two kinds of features through the heads, and a third one that meets what belongs to positions. */
function drawnNormAttentionCost(attention: AttentionSkip, work: EdgeWork, draws: number): number {
  const { task: { edgesFrom: r }, outputs, positions, points } = work;
  const [e, f] = [attention.heads[0].Q.cols, attention.heads[0].V.cols];
  const [T, S] = [attention.lastPositionOnly ? 1 : positions, positions];
  const third = S * (2 * e + f) + draws * (S * f + (r * f * (T + S)) / T);
  return 2 * drawnAttentionCost(attention, work, draws) + attention.heads.length * points * third + draws * r * outputs;
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

/** For the Gram twice the heads, which share their covariances, and rows for pairs of positions; three kinds of features for the edges. */
function normAttentionCost(attention: AttentionSkip, work: SectionWork): number {
  const { heads } = attention;
  const count = heads.length * work.points;
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  if (work.task === "gram") {
    const pairs = (count * (count + 1)) / 2;
    const shared = pairs * e * f * (3 * f + (work.points > 1 ? 0 : e));
    return attentionCost({ ...attention, heads: [...heads, ...heads] }, work) - shared + work.positions * count * f * 2 * (work.outputs + e);
  }
  const r = work.task.edgesFrom;
  return attentionCost(attention, work) + count * r * (2 * work.positions * f + work.outputs + e * f);
}
