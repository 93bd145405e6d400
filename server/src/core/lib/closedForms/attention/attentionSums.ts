/** @file The sums over data that M' through attention is assembled from (method section 2.10). */

import type { Engine, Tensor } from "../../../../engine/engine";
import { add } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { besides } from "../../../network/folding";
import { sandwich, withTranspose } from "../matrices";

/** In float64. U_h = [V_h K_h Q_h] of all heads, side by side. */
export class AttentionSums {
  /** S, all heads: blocks [V K Q] x [V K Q] of every pair of heads. */
  readonly #pairs: Matrix;
  /** Per skip connection and head [V K Q] x [f]: sum over outputs of Z_htt = U_h times this. */
  readonly #cross: Matrix[][];
  readonly #size: number;

  /** @param skips what by-passes the attention, in parts [d, d'] that are weighted apart */
  constructor(private readonly heads: AttentionSkip["heads"], private readonly skips: readonly Matrix[]) {
    const { Q, V } = heads[0];
    this.#size = V.cols + 2 * Q.cols;
    this.#pairs = matrix(heads.length * this.#size, heads.length * this.#size);
    this.#cross = skips.map(() => heads.map(() => matrix(this.#size, V.cols)));
  }

  /**
   * Blocks [g, V K Q, V K Q] of the heads `of` with the head m.
   * @param withItself whether the last one is that of m with itself at one point; all others also count with their two sides exchanged
   */
  async addPairs(of: readonly number[], m: number, withItself: boolean, weight: number, engine: Engine, blocks: Tensor): Promise<void> {
    const values = await engine.read(blocks);
    engine.dispose(blocks);
    const { data, cols } = this.#pairs;
    let at = 0;
    for (const [place, h] of of.entries()) {
      const itself = withItself && place === of.length - 1;
      for (let row = 0; row < this.#size; row += 1) {
        for (let col = 0; col < this.#size; col += 1, at += 1) {
          const up = h * this.#size + row;
          const across = m * this.#size + col;
          data[up * cols + across] += weight * values[at];
          if (!itself) data[across * cols + up] += weight * values[at];
        }
      }
    }
  }

  async addCross(h: number, skip: number, weight: number, engine: Engine, block: Tensor): Promise<void> {
    await engine.addTo(this.#cross[skip][h].data, block, weight);
    engine.dispose(block);
  }

  /** sum_{h,m} U_h S_hm U_m^T + X + X^T */
  assemble(metric: Matrix): Matrix {
    const U = this.heads.map(({ V, K, Q }) => besides([V, K, Q]));
    const all = besides(U);
    const through = sandwich(all, this.#pairs, all);
    return this.skips.reduce((total, skip, index) => {
      const toOutput = this.heads.map(({ O }, h) => multiply(multiply(U[h], this.#cross[index][h]), O)).reduce((sum, term) => add(sum, term));
      return add(total, withTranspose(sandwich(toOutput, metric, skip)));
    }, through);
  }
}
