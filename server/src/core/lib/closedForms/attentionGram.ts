/**
 * @file M' through attention with its skip connection, exact and without a backward pass (method section 2.10).
 *
 * The Jacobian is J_ts = [delta_ts skip + sum_h Z_hts O_h] C with
 *   Z_hts = p_hts V_h + c p_hts (K_h q_ht)(v_hs - o_ht)^T + delta_ts c Q_h B_ht,
 * so with U_h = [V_h K_h Q_h]:  N S M' = sum_{h,m} U_h S_hm U_m^T + X + X^T + (number of outputs) skip P skip^T, where the S_hm are small.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { accumulate, add, identity, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { besides } from "../../network/folding";
import type { JacobianGramTask } from "../sectionPlan";
import { headState, headStateSize, headWeights, type AttentionSkip, type HeadState } from "./attentionState";
import { forEachChunk } from "./chunks";
import { outputMetric, sandwich, toTensor, withTranspose } from "./matrices";

/** M' at one integration point. @throws RangeError for several: the Gram of an averaged Jacobian has no such form. */
export async function attentionGram(task: JacobianGramTask, structure: AttentionSkip): Promise<Matrix> {
  if (task.points.length !== 1) throw new RangeError("The closed form through attention serves one integration point.");
  const [{ alpha, weight }] = task.points;
  const { engine } = task.section;
  const { heads, skip } = structure;
  const metric = outputMetric(task.nextC, skip.cols);
  const metrics = heads.map(({ O: left }) => heads.map(({ O: right }) => sandwich(left, metric, right)));
  const metricTensors = metrics.map((row) => row.map((G) => toTensor(engine, G)));
  const { weights, dispose } = headWeights(engine, heads);
  const sums = new AttentionSums(structure);
  let inputs = 0;
  let outputs = 0;
  await task.activations.forEachBatch((batch) => forEachChunk(
    engine, batch, (heads.length + 3) * headStateSize(structure, batch.shape[1]), task.memoryBudget,
    async (x) => {
      task.checkCancelled();
      const states = engine.tidy(() => {
        const point = alpha === 1 ? x : engine.affine(x, alpha);
        return weights.map((head) => headState(engine, structure, head, point));
      });
      for (const [h, state] of states.entries()) {
        task.checkCancelled();
        await sums.addCross(h, engine, crossTerms(engine, state, structure.scale));
        for (let m = h; m < states.length; m += 1) {
          await sums.addPair(h, m, engine, pairTerms(engine, state, states[m], metricTensors[h][m], structure.scale));
        }
      }
      engine.dispose(...states.flatMap((state) => Object.values(state) as Tensor[]));
      inputs += x.shape[0] * x.shape[1];
      outputs += x.shape[0] * (structure.lastPositionOnly ? 1 : x.shape[1]);
    },
  ), task.progress);
  dispose();
  engine.dispose(...metricTensors.flat());
  const total = add(sums.assemble(metric), sandwich(skip, metric, skip), outputs);
  return scale(total, weight ** 2 / inputs);
}

/** The sums over data that M' is assembled from, in float64. */
class AttentionSums {
  /** S, all heads: blocks [V K Q] x [V K Q] of every pair of heads. */
  readonly #pairs: Matrix;
  /** Per head [V K Q] x [f]: sum over outputs of Z_htt = U_h times this. */
  readonly #cross: Matrix[];
  readonly #size: number;

  constructor(private readonly structure: AttentionSkip) {
    const { Q, V } = structure.heads[0];
    this.#size = V.cols + 2 * Q.cols;
    this.#pairs = matrix(structure.heads.length * this.#size, structure.heads.length * this.#size);
    this.#cross = structure.heads.map(() => matrix(this.#size, V.cols));
  }

  async addPair(h: number, m: number, engine: Engine, block: Tensor): Promise<void> {
    const values = await engine.read(block);
    engine.dispose(block);
    const { data, cols } = this.#pairs;
    for (let row = 0, at = 0; row < this.#size; row += 1) {
      for (let col = 0; col < this.#size; col += 1, at += 1) {
        const up = h * this.#size + row;
        const across = m * this.#size + col;
        data[up * cols + across] += values[at];
        if (h !== m) data[across * cols + up] += values[at];
      }
    }
  }

  async addCross(h: number, engine: Engine, block: Tensor): Promise<void> {
    accumulate(this.#cross[h], await engine.read(block));
    engine.dispose(block);
  }

  /** sum_{h,m} U_h S_hm U_m^T + X + X^T */
  assemble(metric: Matrix): Matrix {
    const { heads, skip } = this.structure;
    const U = heads.map(({ V, K, Q }) => besides([V, K, Q]));
    const all = besides(U);
    const through = sandwich(all, this.#pairs, all);
    const toOutput = heads.map(({ O }, h) => multiply(multiply(U[h], this.#cross[h]), O)).reduce((sum, term) => add(sum, term));
    return add(through, withTranspose(sandwich(toOutput, metric, skip)));
  }
}

/** sum_t of [p_tt 1; c p_tt q_t (v_t - o_t)^T; c B_t], [f + 2e, f]. */
function crossTerms(engine: Engine, state: HeadState, c: number): Tensor {
  return engine.tidy(() => {
    const [n, f] = state.mixed.shape as [number, number];
    const e = state.queries.shape[1];
    const own = engine.mul(toTensor(engine, identity(f)), engine.reshape(engine.sum(state.ownWeight, [0]), [1, 1]));
    const weighted = engine.mul(state.ownWeight, state.ownOffset);
    const keys = engine.affine(engine.matMul(state.queries, weighted, { transposeA: true }), c);
    const queries = engine.affine(engine.sum(engine.reshape(state.covariance, [e, n, f]), [1]), c);
    return engine.concat([own, keys, queries], 0);
  });
}

/** S_hm [f + 2e, f + 2e] of method section 2.10, blocks in the order values, keys, queries. */
function pairTerms(engine: Engine, h: HeadState, m: HeadState, G: Tensor, c: number): Tensor {
  return engine.tidy(() => {
    const [n, f] = h.mixed.shape as [number, number];
    const e = h.queries.shape[1];
    const pp = engine.mul(h.pattern, m.pattern);
    const s0 = engine.reshape(engine.sum(pp, [2]), [n, 1]);
    const mixedBy = (values: Tensor): Tensor => engine.reshape(engine.matMul(pp, values), [n, f]);
    const ppH = mixedBy(h.values);
    const ppM = mixedBy(m.values);
    // sum_s p_hts p_mts (v_s - o_t)
    const offsetH = engine.sub(ppH, engine.mul(s0, h.mixed));
    const offsetM = engine.sub(ppM, engine.mul(s0, m.mixed));

    const VV = engine.mul(G, engine.reshape(engine.sum(s0, [0]), [1, 1]));
    const VK = engine.affine(engine.matMul(G, engine.matMul(offsetM, m.queries, { transposeA: true })), c);
    const KV = engine.affine(engine.matMul(engine.matMul(h.queries, offsetH, { transposeA: true }), G), c);

    const weightedQueries = engine.mul(h.queries, pairVariance(engine, h, m, pp, G, { ppH, offsetM }));
    const KK = engine.affine(engine.matMul(weightedQueries, m.queries, { transposeA: true }), c * c);

    // own weights of one head times covariances of the other, summed over the outputs: [e, 1, n] x [e, n, f]
    const summed = (own: Tensor, covariance: Tensor): Tensor => engine.reshape(
      engine.matMul(engine.reshape(own, [1, n]), engine.reshape(covariance, [e, n, f])), [e, f],
    );
    const VQ = engine.affine(engine.matMul(G, summed(h.ownWeight, m.covariance), { transposeB: true }), c);
    const QV = engine.affine(engine.matMul(summed(m.ownWeight, h.covariance), G), c);

    const KQ = keyQuery(engine, h, m, G, c);
    const QK = engine.transpose(keyQuery(engine, m, h, engine.transpose(G, [1, 0]), c), [1, 0]);

    const turned = engine.reshape(engine.matMul(engine.reshape(h.covariance, [e * n, f]), G), [e, n * f]);
    const QQ = engine.affine(engine.matMul(turned, m.covariance, { transposeB: true }), c * c);

    return engine.concat([
      engine.concat([VV, VK, VQ], 1),
      engine.concat([KV, KK, KQ], 1),
      engine.concat([QV, QK, QQ], 1),
    ], 0);
  });
}

/** c^2 sum_t q_t p_tt (v_t - o_t)^T G B_t^T with q, p, v, o of one head and B of another, [e, e]. */
function keyQuery(engine: Engine, own: HeadState, other: HeadState, G: Tensor, c: number): Tensor {
  return engine.tidy(() => {
    const [samples, , f] = other.values.shape as [number, number, number];
    const [n, e] = own.queries.shape as [number, number];
    const direction = engine.matMul(engine.mul(own.ownWeight, own.ownOffset), G);
    // B_t u = sum_s p_ts k_s ((v_s - o_t) u): attention-sized, without B itself.
    const alongValues = engine.matMul(engine.reshape(direction, [samples, n / samples, f]), other.values, { transposeB: true });
    const alongMixed = engine.reshape(engine.sum(engine.mul(direction, other.mixed), [1]), [samples, n / samples, 1]);
    const weights = engine.mul(other.pattern, engine.sub(alongValues, alongMixed));
    const turned = engine.reshape(engine.matMul(weights, other.keys), [n, e]);
    return engine.affine(engine.matMul(own.queries, turned, { transposeA: true }), c * c);
  });
}

/** beta_t = sum_s p_hts p_mts (v_hs - o_ht)^T G (v_ms - o_mt), [n, 1]. */
function pairVariance(
  engine: Engine, h: HeadState, m: HeadState, pp: Tensor, G: Tensor, { ppH, offsetM }: { ppH: Tensor; offsetM: Tensor },
): Tensor {
  const [n] = h.mixed.shape;
  const [samples, positions] = h.values.shape as [number, number, number];
  const valueProducts = engine.sum(engine.mul(engine.matMul(h.values, G), m.values), [2]);
  const direct = engine.reshape(engine.matMul(pp, engine.reshape(valueProducts, [samples, positions, 1])), [n, 1]);
  const dot = (a: Tensor, b: Tensor): Tensor => engine.sum(engine.mul(engine.matMul(a, G), b), [1], true);
  // sum pp v_h G v_m - (sum pp v_h) G o_m - o_h G (sum pp v_m - s0 o_m)
  return engine.sub(engine.sub(direct, dot(ppH, m.mixed)), dot(h.mixed, offsetM));
}
