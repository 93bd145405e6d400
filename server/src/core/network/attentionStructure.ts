/** @file Attention beside a skip connection, in the words of the closed forms. */

import type { Matrix } from "../linalg/matrix";
import { multiply } from "../linalg/multiply";
import { columns, rows, through } from "./linearRuns";
import type { Module, RotaryShape } from "./module";

/** Folded weights of one head; row vectors from the left. Grouped heads share K and V. */
interface AttentionHead {
  /** [d, queryWidth] */
  readonly Q: Matrix;
  readonly K: Matrix;
  /** [d, valueWidth] */
  readonly V: Matrix;
  /** [valueWidth, d'] */
  readonly O: Matrix;
}

/**
 * x_t skip + sum over heads of (sum_s p_ts x_s V) O, p = softmax over s of scale * (x_t Q R_t)(x_s K R_s)^T, where R_t turns by the
 * rotary angles of position t (nothing without).
 */
export interface AttentionSkip {
  readonly kind: "attention-skip";
  readonly heads: readonly AttentionHead[];
  readonly skip: Matrix;
  readonly scale: number;
  readonly causal: boolean;
  /** Position t reads |t - s| < window only; null reads all. */
  readonly window: number | null;
  readonly rotary: RotaryShape | null;
  readonly lastPositionOnly: boolean;
}

/**
 * @param before [d, queries, keys, values and what is carried past the attention, side by side]
 * @param after [output of the attention and what was carried, side by side, d']
 */
export function attentionStructure(core: Module, before: Matrix, after: Matrix, lastPositionOnly: boolean): AttentionSkip {
  if (core.structure.kind !== "attention") throw new TypeError("An attention module is needed.");
  const { heads, keyValueHeads, queryWidth, valueWidth, scale, causal, window, rotary, output } = core.structure.attention;
  const keyStart = heads * queryWidth;
  const valueStart = keyStart + keyValueHeads * queryWidth;
  const carriedStart = valueStart + keyValueHeads * valueWidth;
  const toOutput = multiply(output, rows(after, 0, output.cols));
  const block = (start: number, width: number, index: number): Matrix => columns(before, start + index * width, start + (index + 1) * width);
  return {
    kind: "attention-skip",
    heads: Array.from({ length: heads }, (_, head) => {
      const group = Math.floor((head * keyValueHeads) / heads);
      return {
        Q: block(0, queryWidth, head),
        K: block(keyStart, queryWidth, group),
        V: block(valueStart, valueWidth, group),
        O: rows(toOutput, head * valueWidth, (head + 1) * valueWidth),
      };
    }),
    skip: through(columns(before, carriedStart, before.cols), rows(after, output.cols, after.rows)),
    scale, causal, window, rotary, lastPositionOnly,
  };
}
