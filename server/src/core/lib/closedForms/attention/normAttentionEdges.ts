/**
 * @file Squared edges through attention behind a norm (method section 3.6). With N_s = A + rho_s E + (M l_s) g_s (normedInput.ts) a feature enters the
 * attention at input position s as
 *
 *   f_sj a_j N_s = f_sj a_j A + f'_sj a_j E + f''_sj g_s,    f'_sj = rho_s f_sj,    f''_sj = f_sj a_j M l_s:
 *
 * the first two are features as attentionEdges.ts takes them, seen through A and E. The third has the same vector g_s for all features, so
 *
 *   sum_s f''_sj { p_ts g_s V_h + c p_ts (g_s K_h q_ts) (v_s - o_t) } + c f''_tj g_t Q_h B_t
 *
 * is one more product of features with what belongs to the pairs of positions.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import { stacked } from "../../../network/folding";
import type { NormAttention } from "../../../network/sectionStructure";
import type { EdgesTask } from "../../plans/sectionPlan";
import { longestChunk } from "../chunks";
import { times, toTensor } from "../matrices";
import { throughTurnedKeys } from "./attentionEdges";
import {
  firstAxesExchanged, forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, lastPositions, outputsTogether, turnsOf,
  weightedOffsets, type HeadState, type HeadWeights, type Turns,
} from "./attentionState";
import { seenHead } from "./normRows";
import { NormedInput, type NormedPoint } from "./normedInput";

/** Features whose attributions are formed together, at most. */
const mostFeatures = 64;

/** Of all features, seen through A or E. */
interface PartWeights {
  /** a_j Q_h and a_j K_h per head [r, e] */
  readonly queries: readonly Tensor[];
  readonly keys: readonly Tensor[];
  /** a_j V_h O_h C of all heads, then a_j skip C, [r, heads + 1, r'] */
  readonly mixing: Tensor;
}

/** A head at one point of the integration. */
interface Head {
  readonly state: HeadState;
  /** p_ts (v_s - o_t) [B, S, T f] */
  readonly offsets: Tensor;
  /** What f'' meets, in braces above [B, S, T f], and c g_t Q_h B_t [n, f]. */
  readonly pairs: Tensor;
  readonly own: Tensor;
}

/** One point of the integration: f and f', heads, and g_t skip C [n, r']. */
interface Place {
  readonly features: readonly [Tensor, Tensor];
  readonly heads: readonly Head[];
  readonly bypass: Tensor;
}

/** E [r', r], for any integration rule. */
export async function normAttentionEdges(task: EdgesTask, { norm, attention }: NormAttention): Promise<Matrix> {
  const { engine } = task.section;
  const { C, CPinv } = task.features;
  const { heads, scale: c } = attention;
  const input = new NormedInput(engine, norm);
  const skip = times(attention.skip, task.nextC);
  const outOf = heads.map(({ O }) => times(O, task.nextC));
  const parts = input.parts.map((part): PartWeights => {
    const from = (a: Matrix): Matrix => multiply(multiply(CPinv, part), a);
    const mixing = [...heads.map(({ V }, h) => multiply(from(V), outOf[h])), from(skip)];
    return {
      queries: heads.map(({ Q }) => toTensor(engine, scale(from(Q), c))),
      keys: heads.map(({ K }) => toTensor(engine, scale(from(K), c))),
      mixing: engine.tidy(() => engine.concat(mixing.map((a) => engine.tensor(a.data, [a.rows, 1, a.cols])), 1)),
    };
  });
  const { weights, dispose } = headWeights(engine, heads);
  const [toFeatures, back, leftMap, skipOut, stackedOut] = [C, CPinv, multiply(CPinv, input.leftMap), skip, stacked(outOf)].map((a) => toTensor(engine, a));
  const [r, next] = [CPinv.rows, skip.cols];
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  const count = task.points.length * heads.length;
  const perFeature = (read: number, outputs: number): number => (
    count * outputs * (f * next + 2 * next + 2 * e * f + (attention.rotary ? 2 * e + 3 * f : 3 * f) * read + 2 * read)
  );
  const { positions } = task.activations;
  const affordable = longestChunk(engine) / perFeature(positions, outputsTogether(attention, positions));
  const together = Math.max(1, Math.min(mostFeatures, r, Math.floor(affordable)));
  const size = (read: number, outputs: number): number => (
    count * (headStateSize(attention, read, outputs) + 2 * read * outputs * f) + headStateTemporaries(attention, read, outputs) + read * outputs * f
    + task.points.length * read * (input.valuesPerPosition + 2 * r) + read * 4 * r
    + together * outputs * (2 * heads.length * f + 6 * f + (task.points.length + 4) * next + (attention.rotary ? 3 * read : 0))
  );
  const longest = (read: number, outputs: number): number => Math.max(2 * headStateMultiplications(attention, read, outputs), together * perFeature(read, outputs));
  const sums = matrix(r, next);
  let inputs = 0;
  await task.activations.forEachBatch(async (batch) => {
    await forEachBlock(engine, attention, batch, size, task.memoryBudget, async (x, outputs) => {
      task.checkCancelled();
      const z = engine.matMul(x, toFeatures);
      const features = engine.transpose(z, [0, 2, 1]);
      const turns = engine.tidy(() => turnsOf(engine, attention, x.shape[1], outputs));
      const normed = engine.tidy(() => {
        const { points, left } = input.at(engine.matMul(z, back), task.points);
        const along = engine.transpose(engine.matMul(left, leftMap, { transposeB: true }), [0, 2, 1]);
        return { points, third: engine.mul(features, along) };
      });
      const places = normed.points.map((point): Place => ({
        features: [features, engine.tidy(() => engine.mul(features, engine.transpose(point.rate, [0, 2, 1])))],
        heads: weights.map((head) => {
          task.checkCancelled();
          return engine.tidy(() => {
            const state = headState(engine, attention, head, point.output, outputs, turns);
            return { state, offsets: weightedOffsets(engine, state), ...seenByFall(engine, state, head, point, turns, c) };
          });
        }),
        bypass: engine.tidy(() => engine.reshape(engine.matMul(lastPositions(engine, point.fall, outputs), skipOut), [x.shape[0] * outputs, next])),
      }));
      for (let first = 0; first < r; first += together) {
        task.checkCancelled();
        const block = { first, count: Math.min(together, r - first) };
        const squares = engine.tidy(() => {
          const terms = task.points.map(({ weight }, point) => engine.affine(attributionsOf(engine, block, parts, stackedOut, places[point], normed.third, turns), weight));
          return engine.sumOfSquares(terms.reduce((total, term) => engine.add(total, term)), [1]);
        });
        await engine.addTo(sums.data.subarray(first * next, (first + block.count) * next), squares);
        engine.dispose(squares);
      }
      const held = places.flatMap(({ features: both, bypass, heads: all }) => [
        ...both, bypass, ...all.flatMap(({ state, offsets, pairs, own }) => [offsets, pairs, own, ...(Object.values(state) as Tensor[])]),
      ]);
      const turning = (turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[]);
      engine.dispose(...new Set([z, normed.third, ...held, ...turning, ...normed.points.flatMap((point) => Object.values(point) as Tensor[])]));
    }, longest);
    inputs += batch.shape[0] * batch.shape[1];
  }, task.progress);
  dispose();
  input.dispose();
  engine.dispose(toFeatures, back, leftMap, skipOut, stackedOut, ...parts.flatMap(({ queries, keys, mixing }) => [...queries, ...keys, mixing]));
  return transpose(scale(sums, 1 / inputs));
}

/** What f'' meets in one head; call inside `tidy`. @param c scale of the scores */
function seenByFall(engine: Engine, state: HeadState, weights: HeadWeights, point: NormedPoint, turns: Turns | null, c: number): { pairs: Tensor; own: Tensor } {
  const [samples, outputs, positions] = state.pattern.shape as [number, number, number];
  const [n, f] = state.mixed.shape as [number, number];
  const seen = seenHead(engine, state, weights, point, turns, c);
  const queries = engine.reshape(state.turned, [samples, outputs, state.turned.shape[1]]);
  const scores = engine.affine(engine.matMul(seen.keys, queries, { transposeB: true }), c); // [B, S, T]
  const perPair = (x: Tensor): Tensor => engine.reshape(x, [samples, positions, outputs, 1]);
  const offsets = engine.sub(engine.reshape(state.values, [samples, positions, 1, f]), engine.reshape(state.mixed, [samples, 1, outputs, f]));
  const pattern = perPair(engine.transpose(state.pattern, [0, 2, 1]));
  const pairs = engine.mul(pattern, engine.add(engine.reshape(seen.values, [samples, positions, 1, f]), engine.mul(perPair(scores), offsets)));
  return { pairs: engine.reshape(pairs, [samples, positions, outputs * f]), own: engine.reshape(seen.own, [n, f]) };
}

/** A of the block's features: [k, n, r'] over the n output positions of all samples. @param outOf O_h C of all heads stacked @param third f'' [B, r, S] */
function attributionsOf(
  engine: Engine, { first, count }: { first: number; count: number }, parts: readonly PartWeights[], outOf: Tensor, { features, heads, bypass }: Place,
  third: Tensor, turns: Turns | null,
): Tensor {
  const [samples, , positions] = third.shape as [number, number, number];
  const outputs = heads[0].state.pattern.shape[1];
  const n = samples * outputs;
  const ofBlock = (x: Tensor): Tensor => engine.slice(x, [0, first, 0], [samples, count, positions]);
  const rows = (a: Tensor): Tensor => engine.slice(a, [first, ...a.shape.slice(1).map(() => 0)], [count, ...a.shape.slice(1)]);
  /** [B, k, T] -> [k, n, 1] */
  const column = (x: Tensor): Tensor => engine.reshape(firstAxesExchanged(engine, x), [count, n, 1]);
  const ownOf = (x: Tensor): Tensor => column(engine.slice(x, [0, 0, positions - outputs], [samples, count, outputs]));
  const seen = features.map(ofBlock);
  const last = ofBlock(third);
  const own = seen.map(ownOf);
  const ownLast = ownOf(last);
  const through = heads.map(({ state, offsets, pairs, own: ownRow }, h) => engine.tidy(() => {
    const f = state.mixed.shape[1];
    const withPairs = (z: Tensor, x: Tensor): Tensor => engine.reshape(firstAxesExchanged(engine, engine.matMul(z, x)), [count, n, f]);
    const direct = seen.map((z, part) => {
      const K = rows(parts[part].keys[h]);
      const byKey = (): Tensor => engine.reshape(engine.matMul(K, state.queries, { transposeB: true }), [count, n, 1]);
      const keys = turns ? firstAxesExchanged(engine, throughTurnedKeys(engine, state, K, z, turns)) : engine.mul(byKey(), withPairs(z, offsets));
      const queries = engine.reshape(engine.matMul(rows(parts[part].queries[h]), state.covariance), [count, n, f]);
      return engine.addProduct(keys, own[part], queries);
    });
    const ofThird = engine.addProduct(withPairs(last, pairs), ownLast, engine.reshape(ownRow, [1, n, f]));
    return engine.add(engine.add(direct[0], direct[1]), ofThird);
  }));
  const mixed = parts.map(({ mixing }, part) => {
    const along = heads.map(({ state }) => column(engine.matMul(seen[part], state.pattern, { transposeB: true })));
    return engine.matMul(engine.concat([...along, own[part]], 2), rows(mixing));
  });
  const beside = engine.addProduct(engine.add(mixed[0], mixed[1]), ownLast, engine.reshape(bypass, [1, n, bypass.shape[1]]));
  return engine.add(engine.matMul(engine.concat(through, 2), outOf), beside);
}
