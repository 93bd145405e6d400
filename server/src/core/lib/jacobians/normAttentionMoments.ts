/**
 * @file Mean and mean square of the Jacobian through attention behind a norm, between features. In the notation of normAttentionGram.ts, with a_j = row j
 * of C_pinv and n_sj = a_j A + rho_s a_j E,
 *
 *   J_ts[j,i] = sum_h ( p_hts (n_sj V_h O_h C)_i + c (n_sj K_h q_hts) (p_hts (v_hs - o_ht) O_h C)_i ) + (a_j M l_s) R_ts,i + delta_ts D_t,ji
 *   D_t = n_t skip C + sum_h c n_t Q_h B_ht O_h C.
 *
 * The norm's part depends on the input position in all its components, so that the squares are taken pair by pair of positions, those that the
 * pattern reads: a product of few rows per pair, instead of a backward pass for every output feature and position.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { slice, transpose } from "../../linalg/arrange";
import { add, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { rotate } from "../../network/rotary";
import type { NormAttention } from "../../network/sectionStructure";
import {
  forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, readPositions, turnsOf, type HeadWeights, type Turns,
} from "../closedForms/attention/attentionState";
import { seenHead, type SeenHead } from "../closedForms/attention/normRows";
import { NormedInput, type NormedPoint } from "../closedForms/attention/normedInput";
import { longestChunk } from "../closedForms/chunks";
import { times, toTensor } from "../closedForms/matrices";
import type { EdgesTask } from "../plans/sectionPlan";

/** Entries of Jacobians that are formed together, and features of them: few enough to stay near the processor. */
const entriesTogether = 2 ** 21;
const featuresTogether = 64;

/** Weights of every head, seen from the features through A and through E, and towards the features of the output. */
interface Weights {
  readonly heads: readonly HeadWeights[];
  /** c a_j K_h and c a_j Q_h [r, e], by part and head */
  readonly keys: readonly (readonly Tensor[])[];
  readonly queries: readonly (readonly Tensor[])[];
  /** a_j V_h O_h C by part and head, [2 H, r, r'] */
  readonly values: Tensor;
  /** O_h C [f, r'] */
  readonly outOf: readonly Tensor[];
  /** a_j A skip C and a_j E skip C [1, r, r'] */
  readonly skips: readonly Tensor[];
  /** skip C [d', r'] and C_pinv M [r, m] */
  readonly skip: Tensor;
  readonly leftMap: Tensor;
}

/** A chunk at all points of the integration. */
interface Chunk {
  readonly points: readonly NormedPoint[];
  /** a_j M l_s [B, S, r] */
  readonly along: Tensor;
  /** All heads at all points. */
  readonly seen: readonly SeenHead[];
  /** g_t skip C, integrated [B, T, r'] */
  readonly skipped: Tensor;
  readonly turns: Turns | null;
}

/** One output position of all samples, with `rows` input positions that it reads. */
interface OutputRows {
  /** p_ts and rho_s p_ts of all heads, integrated [rows, 2 H] */
  readonly patterns: Tensor;
  /** n_sj K_h q_ts c, then a_j M l_s: [rows, X, r]; and what they meet [rows, X, r'] */
  readonly left: Tensor;
  readonly right: Tensor;
}

/** Both [r', r]; averaged over samples and output positions, summed over input positions. */
export async function normAttentionMoments(task: EdgesTask, { norm, attention }: NormAttention): Promise<{ mean: Matrix; meanSquare: Matrix }> {
  const { engine } = task.section;
  const { heads, scale: c } = attention;
  const input = new NormedInput(engine, norm);
  const skip = times(attention.skip, task.nextC);
  const outOf = heads.map(({ O }) => times(O, task.nextC));
  const from = input.parts.map((part) => multiply(task.features.CPinv, part));
  const [r, next] = [task.features.CPinv.rows, skip.cols];
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  const through = from.flatMap((part) => heads.map(({ V }, h) => multiply(multiply(part, V), outOf[h])));
  const { weights: plain, dispose } = headWeights(engine, heads);
  const weights: Weights = {
    heads: plain,
    keys: from.map((part) => heads.map(({ K }) => toTensor(engine, scale(multiply(part, K), c)))),
    queries: from.map((part) => heads.map(({ Q }) => toTensor(engine, scale(multiply(part, Q), c)))),
    values: engine.tidy(() => engine.concat(through.map(({ data }) => engine.tensor(data, [1, r, next])), 0)),
    outOf: outOf.map((O) => toTensor(engine, O)),
    skips: from.map((part) => engine.tensor(multiply(part, skip).data, [1, r, next])),
    skip: toTensor(engine, skip),
    leftMap: toTensor(engine, multiply(task.features.CPinv, input.leftMap)),
  };
  const count = task.points.length * heads.length;
  const size = (positions: number, outputs: number): number => (
    count * (headStateSize(attention, positions, outputs) + positions * (e + f) + outputs * f) + headStateTemporaries(attention, positions, outputs)
    + positions * (task.points.length * input.valuesPerPosition + (count + 3) * (r + next) + r) + r * (count * f + 4 * next)
  );
  const longest = (positions: number, outputs: number): number => Math.max(
    2 * headStateMultiplications(attention, positions, outputs), r * count * f * (next + 2 * e), positions * count * (2 * r * e + 2 * f * next + r * next),
  );
  const mean = matrix(r, next);
  const square = matrix(r, next);
  const patterns = matrix(1, 2 * heads.length);
  let answers = 0;
  await task.activations.forEachBatch((batch) => forEachBlock(engine, attention, batch, size, task.memoryBudget, async (x, outputs) => {
    task.checkCancelled();
    const turns = engine.tidy(() => turnsOf(engine, attention, x.shape[1], outputs));
    const normed = engine.tidy(() => {
      const { points, left } = input.at(x, task.points);
      const own = points.map(({ fall }, point) => engine.affine(
        engine.matMul(engine.slice(fall, [0, x.shape[1] - outputs, 0], [x.shape[0], outputs, fall.shape[2]]), weights.skip), task.points[point].weight,
      ));
      return { points, along: engine.matMul(left, weights.leftMap, { transposeB: true }), skipped: own.reduce((sum, part) => engine.add(sum, part)) };
    });
    const seen = normed.points.flatMap((point) => plain.map((head) => {
      task.checkCancelled();
      return engine.tidy(() => seenHead(engine, headState(engine, attention, head, point.output, outputs, turns), head, point, turns, c));
    }));
    const chunk: Chunk = { ...normed, seen, turns };
    for (let output = 0; output < outputs; output += 1) {
      task.checkCancelled();
      const { rows, own } = engine.tidy(() => atOutput(engine, task, attention, weights, chunk, output));
      await engine.addTo(mean.data, own.sum);
      await engine.addTo(square.data, own.squares);
      task.checkCancelled();
      const [sum, summed] = engine.tidy(() => [flatProduct(engine, rows.left, rows.right), engine.sum(rows.patterns, [0])] as const);
      await engine.addTo(mean.data, sum);
      await engine.addTo(patterns.data, summed);
      await addSquares(engine, square, rows, weights.values, () => task.checkCancelled());
      engine.dispose(sum, summed, own.sum, own.squares, ...(Object.values(rows) as Tensor[]));
    }
    const held = seen.flatMap(({ state, values, keys, own }) => [values, keys, own, ...(Object.values(state) as Tensor[])]);
    const turning = (turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[]);
    engine.dispose(...new Set([...held, ...turning, normed.along, normed.skipped, ...normed.points.flatMap((point) => Object.values(point) as Tensor[])]));
    answers += x.shape[0] * outputs;
  }, longest), task.progress);
  dispose();
  input.dispose();
  engine.dispose(...weights.keys.flat(), ...weights.queries.flat(), weights.values, ...weights.outOf, ...weights.skips, weights.skip, weights.leftMap);
  const total = through.reduce((sum, part, index) => add(sum, part, patterns.data[index]), mean);
  return {
    mean: transpose(scale(total, 1 / answers)),
    // A sum of squares; rounding may leave a vanishing one below zero.
    meanSquare: transpose(matrix(r, next, square.data.map((entry) => Math.max(0, entry / answers)))),
  };
}

/** Sum over rows and X of left^T right: [r, r']. */
function flatProduct(engine: Engine, left: Tensor, right: Tensor): Tensor {
  const flat = (x: Tensor): Tensor => engine.reshape(x, [x.shape[0] * x.shape[1], x.shape[2]]);
  return engine.matMul(flat(left), flat(right), { transposeA: true });
}

/** The rows of one output position, and from its own input position sum D and sum D (D + 2 (J - D)), [r, r']. */
function atOutput(
  engine: Engine, { points: rule }: EdgesTask, attention: NormAttention["attention"], weights: Weights, { points, along, seen, skipped, turns }: Chunk, output: number,
): { rows: OutputRows; own: { sum: Tensor; squares: Tensor } } {
  const [samples, outputs, positions] = seen[0].state.pattern.shape as [number, number, number];
  const { heads, scale: c } = attention;
  const place = positions - outputs + output;
  const { first, count } = readPositions(attention, positions, place);
  const rows = samples * count;
  const [r, next] = weights.values.shape.slice(1) as [number, number];
  const read = (x: Tensor): Tensor => engine.slice(x, [0, first, 0], [samples, count, x.shape[2]]);
  const at = (x: Tensor, width: number): Tensor => engine.slice(engine.reshape(x, [samples, outputs, width]), [0, output, 0], [samples, 1, width]);
  const isOwn = engine.tensor(Float64Array.from({ length: count }, (_, s) => (first + s === place ? 1 : 0)), [1, count, 1]);
  const ownPlace = place - first;
  const ownRow = (x: Tensor): Tensor => engine.slice(engine.reshape(x, [samples, count, ...x.shape.slice(1)]), [0, ownPlace, ...x.shape.slice(1).map(() => 0)], [samples, 1, ...x.shape.slice(1)]);
  const total = (parts: readonly Tensor[]): Tensor => parts.reduce((sum, part) => engine.add(sum, part));
  const parts = seen.map(({ state, values, keys: fallKeys, own }, index) => {
    const [h, point] = [index % heads.length, Math.floor(index / heads.length)];
    const { weight } = rule[point];
    const rate = read(points[point].rate);
    const [e, f] = [state.turned.shape[1], state.mixed.shape[1]];
    const turned = at(state.turned, e);
    const table = (a: Tensor): Tensor => engine.slice(a, [first, 0], [count, e]);
    const queries = turns ? rotate(engine, { ...turns.inputs, cosines: table(turns.inputs.cosines), sines: table(turns.inputs.sines) }, turned, true) : turned;
    const byKey = (part: number): Tensor => engine.matMul(queries, weights.keys[part][h], { transposeB: true });
    const pattern = engine.reshape(engine.slice(state.pattern, [0, output, first], [samples, 1, count]), [samples, count, 1]);
    const offsets = engine.mul(pattern, engine.sub(read(state.values), at(state.mixed, f)));
    const scores = engine.affine(engine.matMul(read(fallKeys), turned, { transposeB: true }), c);
    const row = engine.add(engine.add(engine.mul(pattern, read(values)), engine.mul(scores, offsets)), engine.mul(isOwn, at(own, f)));
    const out = engine.affine(weights.outOf[h], weight);
    const weighted = engine.affine(pattern, weight);
    const covariance = engine.reshape(engine.slice(engine.reshape(state.covariance, [e, samples, outputs, f]), [0, 0, output, 0], [e, samples, 1, f]), [e, samples * f]);
    const ownRate = engine.reshape(engine.slice(points[point].rate, [0, place, 0], [samples, 1, 1]), [1, samples, 1]);
    const byQuery = (part: number): Tensor => engine.reshape(engine.matMul(weights.queries[part][h], covariance), [r, samples, f]);
    const D = engine.add(byQuery(0), engine.mul(byQuery(1), ownRate));
    return {
      h,
      left: engine.reshape(engine.add(byKey(0), engine.mul(byKey(1), rate)), [rows, 1, r]),
      right: engine.reshape(engine.matMul(offsets, out), [rows, 1, next]),
      R: engine.matMul(row, out),
      patterns: [weighted, engine.mul(weighted, rate)].map((each) => engine.reshape(each, [rows, 1])),
      D: engine.matMul(engine.reshape(D, [r * samples, f]), out),
      rate: engine.affine(ownRate, weight),
      weight,
    };
  });
  const R = engine.reshape(engine.add(total(parts.map((part) => part.R)), engine.mul(isOwn, at(skipped, next))), [rows, 1, next]);
  const integrated = (part: number): Tensor[] => heads.map((_, h) => total(parts.filter((each) => each.h === h).map((each) => each.patterns[part])));
  const result: OutputRows = {
    patterns: engine.concat([...integrated(0), ...integrated(1)], 1),
    left: engine.concat([...parts.map(({ left }) => left), engine.reshape(read(along), [rows, 1, r])], 1),
    right: engine.concat([...parts.map(({ right }) => right), R], 1),
  };
  const atPoints = parts.filter(({ h }) => h === 0);
  const bypass = engine.add(
    engine.affine(weights.skips[0], atPoints.reduce((sum, { weight }) => sum + weight, 0)),
    engine.mul(weights.skips[1], engine.reshape(total(atPoints.map(({ rate }) => rate)), [samples, 1, 1])),
  );
  const D = engine.add(engine.transpose(engine.reshape(total(parts.map((part) => part.D)), [r, samples, next]), [1, 0, 2]), bypass);
  const G = jacobians(engine, {
    patterns: engine.reshape(ownRow(result.patterns), [samples, 2 * heads.length]),
    left: engine.reshape(ownRow(result.left), [samples, parts.length + 1, r]),
    right: engine.reshape(ownRow(result.right), [samples, parts.length + 1, next]),
  }, weights.values);
  return { rows: result, own: { sum: engine.sum(D, [0]), squares: engine.sum(engine.mul(D, engine.add(D, engine.affine(G, 2))), [0]) } };
}

/** J without D [rows, k, r']; @param values of the k features [2 H, k, r'] */
function jacobians(engine: Engine, { patterns, left, right }: OutputRows, values: Tensor): Tensor {
  const [all, features, next] = values.shape as [number, number, number];
  const mixed = engine.reshape(engine.matMul(patterns, engine.reshape(values, [all, features * next])), [patterns.shape[0], features, next]);
  return engine.add(mixed, engine.matMul(left, right, { transposeA: true }));
}

/** Adds the squares of J without D over the rows. */
async function addSquares(engine: Engine, square: Matrix, { patterns, left, right }: OutputRows, values: Tensor, checkCancelled: () => void): Promise<void> {
  const [rows, terms, r] = left.shape as [number, number, number];
  const [all, , next] = values.shape as [number, number, number];
  for (let feature = 0; feature < r; feature += featuresTogether) {
    const features = Math.min(featuresTogether, r - feature);
    const ofFeatures = engine.slice(values, [0, feature, 0], [all, features, next]);
    const together = Math.max(1, Math.floor(Math.min(entriesTogether, longestChunk(engine) / (terms + all)) / (features * next)));
    const sums = slice(square, feature, feature + features);
    for (let row = 0; row < rows; row += together) {
      checkCancelled();
      const count = Math.min(together, rows - row);
      const some = (x: Tensor, from: number, width: number): Tensor => engine.slice(x, [row, 0, from], [count, terms, width]);
      const squares = engine.tidy(() => engine.sumOfSquares(jacobians(engine, {
        patterns: engine.slice(patterns, [row, 0], [count, all]), left: some(left, feature, features), right: some(right, 0, next),
      }, ofFeatures), [0]));
      await engine.addTo(sums.data, squares);
      engine.dispose(squares);
    }
    square.data.set(sums.data, feature * next);
    engine.dispose(ofFeatures);
  }
}
