/** @file Attention beside a skip connection, seen from the features of a section's input towards those of its output. */

import type { Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { AttentionSkip } from "../../../network/attentionStructure";
import type { EdgesTask } from "../../plans/sectionPlan";
import { times } from "../matrices";

interface HeadBetweenFeatures {
  /** C_pinv Q [r, e] */
  readonly Q: Matrix;
  readonly K: Matrix;
  /** C_pinv V [r, f] */
  readonly V: Matrix;
  /** O C [f, r'] */
  readonly O: Matrix;
}

/** The heads, and C_pinv skip C [r, r']. */
export function headsBetweenFeatures(structure: AttentionSkip, { features: { CPinv }, nextC }: EdgesTask): { heads: HeadBetweenFeatures[]; skip: Matrix } {
  return {
    heads: structure.heads.map(({ Q, K, V, O }) => ({ Q: multiply(CPinv, Q), K: multiply(CPinv, K), V: multiply(CPinv, V), O: times(O, nextC) })),
    skip: times(multiply(CPinv, structure.skip), nextC),
  };
}
