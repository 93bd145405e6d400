/**
 * @file Multiplications that belong to pairs of an output position and another one that it reads. Only attention has such pairs; what a position
 * does by itself is not counted here. As in sectionCost.ts only the products count, and entries of Jacobians that are formed pair by pair.
 */

import type { AttentionSkip } from "../../network/attentionStructure";
import type { Section } from "../../network/section";
import { outputsTogether, readPositions } from "../closedForms/attention/attentionState";
import { closedFormCost, generalCost, type SectionWork } from "./sectionCost";

/** For the part that the states of heads take: blocks of outputs read together; for the rest: what the pattern reads. */
interface Pairs {
  readonly inBlocks: number;
  readonly read: number;
}

/** What pairs of positions take. */
interface PairWork {
  readonly multiplications: number;
  /** Entries of Jacobians that are formed by few multiplications each, squared and added to sums. */
  readonly entries: number;
}

/** An entry takes as long as so many multiplications of a large product: memory is what it costs (11 ns where a product reaches 100 GFLOP/s). */
const multiplicationsPerEntry = 500;

/** The work of Jacobian moments as multiplications. */
export function momentPairsCost(section: Section, positions: number): number {
  const { multiplications, entries } = momentPairs(section, positions);
  return multiplications + multiplicationsPerEntry * entries;
}

/** Jacobian moments (jacobianMoments.ts) of one sample of so many positions, between all features. */
export function momentPairs(section: Section, positions: number): PairWork {
  const { structure } = section;
  switch (structure.kind) {
    case "attention-skip":
      return skipMoments(structure, section.outputWidth, section.inputWidth, pairsOf(structure, positions));
    case "norm-attention":
      return normMoments(structure.attention, section.outputWidth, section.inputWidth, pairsOf(structure.attention, positions));
    default:
      return { multiplications: generalPairs(section, positions), entries: 0 };
  }
}

/** The same of exact squared edges. */
export function edgePairsCost(section: Section, positions: number): number {
  const { structure } = section;
  if (structure.kind !== "attention-skip" && structure.kind !== "norm-attention") return generalPairs(section, positions);
  const costAt = (read: number): number => closedFormCost(structure, workOf(section, read)) ?? 0;
  // Proportional to the positions that an output reads.
  return (costAt(2) - costAt(1)) * pairsOf(structure.kind === "norm-attention" ? structure.attention : structure, positions).inBlocks;
}

/** attentionMoments.ts: the heads' states and pairs of heads (attentionMomentPairs.ts); with rotary positions one product per pair of positions. */
function skipMoments({ heads, rotary }: AttentionSkip, next: number, r: number, { inBlocks, read }: Pairs): PairWork {
  const [count, e, f] = [heads.length, heads[0].Q.cols, heads[0].V.cols];
  const headPairs = (count * (count + 1)) / 2;
  const states = count * (e * f + e + f);
  if (!rotary) return { multiplications: inBlocks * (states + headPairs * (2 * f + next)), entries: 0 };
  return { multiplications: inBlocks * (states + count * e + 2 * headPairs * (f + e)) + read * count * r * (e + next), entries: read * r * next };
}

/** normAttentionMoments.ts: per pair of positions the rows of all heads, their product for the mean, and the Jacobian itself for its squares. */
function normMoments({ heads, rotary }: AttentionSkip, next: number, r: number, { inBlocks, read }: Pairs): PairWork {
  const [count, e, f] = [heads.length, heads[0].Q.cols, heads[0].V.cols];
  const rows = count * (e + 2 * f * next + (rotary ? 2 * r * e : 0));
  const products = r * next * (2 * (count + 1) + 2 * count);
  return { multiplications: inBlocks * count * (e * f + e + f) + read * (rows + products), entries: read * r * next };
}

/** Backward passes of all output features through what mixes positions; 0 where nothing does. */
function generalPairs(section: Section, positions: number): number {
  if (section.structure.kind !== "general") return 0;
  const outputs = section.modules.some(({ structure }) => structure.kind === "last-position") ? 1 : positions;
  const costAt = (read: number): number => generalCost(section, workOf(section, read));
  return outputs * (costAt(positions) - costAt(1));
}

const workOf = ({ inputWidth, outputWidth }: Section, positions: number): SectionWork => ({ task: { edgesFrom: inputWidth }, outputs: outputWidth, positions, points: 1 });

/** Without those of a position with itself. */
function pairsOf(structure: AttentionSkip, positions: number): Pairs {
  const firstOutput = structure.lastPositionOnly ? positions - 1 : 0;
  const block = outputsTogether(structure, positions);
  let [inBlocks, read] = [0, 0];
  for (let first = firstOutput; first < positions; first += block) {
    const last = Math.min(positions, first + block);
    const from = structure.causal && structure.window !== null ? Math.max(0, first - structure.window + 1) : 0;
    inBlocks += (last - first) * ((structure.causal ? last : positions) - from - 1);
    for (let output = first; output < last; output += 1) read += readPositions(structure, positions, output).count - 1;
  }
  return { inBlocks, read };
}
