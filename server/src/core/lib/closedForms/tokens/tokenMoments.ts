/**
 * @file Mean and mean square over tokens of the Jacobian between features of a section in token form (method section 3.6),
 *
 *   J[j,i] = K_ji + sum_a (sum_g s_ga L_g,ja + sum_i l_ij r_ia) R_ai,
 *
 * where L, l and K are seen from the features of the input (C_pinv L, C_pinv M l, C_pinv skip C) and R leads to those of the output.
 * Squares weighted with the squared features are the edges.
 */

import type { Tensor } from "../../../../engine/engine";
import { addTo } from "../../../../engine/host/addTo";
import { transpose } from "../../../linalg/arrange";
import { add, scale, scaleColumns } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { EdgesTask } from "../../plans/sectionPlan";
import { forEachRows } from "../chunks";
import { toTensor } from "../matrices";
import { betweenFeatures, type FeatureForm, type TokenForm, type TokenJacobians } from "./tokenForm";

/**
 * `edges`: squares of J times the feature, with J at the activations projected to the features (method section 3.1).
 * `jacobian`: J itself at the activations.
 */
export type MomentKind = "edges" | "jacobian";

/** Both [r', r], averaged over tokens. */
export interface TokenMoments {
  /** Of J without weights. */
  readonly mean: Matrix;
  readonly meanSquare: Matrix;
}

/** Moments of J between the features of the task, its integration points summed. @param form of the whole section */
export function tokenMoments(task: EdgesTask, form: TokenForm, kind: MomentKind): Promise<TokenMoments> {
  const between = betweenFeatures(form, task);
  return form.uniformSlopes ? uniformMoments(task, form, between, kind) : productMoments(task, form, between, kind);
}

/** What a chunk gives besides the Jacobians: the features [n, r]; ones when nothing is weighted. */
type ChunkBody = (jacobians: TokenJacobians, features: Tensor | null, tokens: number) => Promise<void>;

/** Calls `body` for the Jacobians of all tokens, chunk by chunk, and returns their number; `body` frees what it is given. */
async function forEachToken(task: EdgesTask, form: TokenForm, kind: MomentKind, valuesPerRow: number, body: ChunkBody): Promise<number> {
  const { engine } = task.section;
  const evaluator = form.prepare(engine);
  const [C, CPinv] = [task.features.C, task.features.CPinv].map((a) => toTensor(engine, a));
  const values = form.valuesPerRow + 2 * task.section.inputWidth + valuesPerRow;
  let tokens = 0;
  try {
    await task.activations.forEachBatch((batch) => forEachRows(engine, batch, values, task.memoryBudget, async (x) => {
      task.checkCancelled();
      const count = x.shape[0];
      const { jacobians, features } = engine.tidy(() => {
        if (kind === "jacobian") return { jacobians: evaluator.evaluate(x, task.points), features: null };
        const z = engine.matMul(x, C);
        return { jacobians: evaluator.evaluate(engine.matMul(z, CPinv), task.points), features: z };
      });
      await body(jacobians, features, count);
      tokens += count;
    }), task.progress);
  } finally {
    evaluator.dispose();
    engine.dispose(C, CPinv);
  }
  return tokens;
}

/**
 * One slope for the whole layer and one term, J = K + s N + l r^T: with weights w_j = f_j^2 (1 for the Jacobian),
 *   sum w J^2 = K^2 sum w + 2 K N sum s w + N^2 sum s^2 w + 2 K ∘ (w l)^T r + 2 N ∘ (s w l)^T r + (w l^2)^T r^2:
 * three products over the tokens. The terms may cancel, so they are float64 whatever the engine's precision.
 */
async function uniformMoments(task: EdgesTask, form: TokenForm, between: FeatureForm, kind: MomentKind): Promise<TokenMoments> {
  const { engine } = task.section;
  const [N, K] = [multiply(between.into[0], between.outOf), between.skip];
  const weightSums = [0, 1, 2].map(() => new Float64Array(N.rows)); // of w, s w, s^2 w
  const crossSums = [0, 1, 2].map(() => matrix(N.rows, N.cols)); // (w l)^T r, (s w l)^T r, (w l^2)^T r^2
  const [leftMap, outOf] = [transpose(between.leftMaps[0]), between.outOf].map((a) => toTensor(engine, a));
  const tokens = await forEachToken(task, form, kind, 3 * (N.rows + N.cols), async ({ slopes, terms }, features, count) => {
    const [left, right] = engine.tidy(() => [engine.matMul(terms[0].left, leftMap), engine.matMul(terms[0].right, outOf)] as const);
    const [l, r, s] = [await engine.read(left), await engine.read(right), await engine.read(slopes[0])];
    const f = features && await engine.read(features);
    engine.dispose(left, right, slopes[0], terms[0].left, terms[0].right, ...(features ? [features] : []));
    const sides = [0, 1, 2].map(() => matrix(count, N.rows));
    for (let token = 0, at = 0; token < count; token += 1) {
      for (let j = 0; j < N.rows; j += 1, at += 1) {
        const weight = f ? f[at] * f[at] : 1;
        weightSums[0][j] += weight;
        weightSums[1][j] += weight * s[token];
        weightSums[2][j] += weight * s[token] * s[token];
        sides[0].data[at] = weight * l[at];
        sides[1].data[at] = s[token] * weight * l[at];
        sides[2].data[at] = weight * l[at] * l[at];
      }
    }
    const linear = matrix(count, N.cols, Float64Array.from(r));
    const square = matrix(count, N.cols, linear.data.map((value) => value * value));
    sides.forEach((side, index) => {
      addTo(crossSums[index].data, multiply(side, index === 2 ? square : linear, { transposeA: true }).data, 1);
    });
  });
  engine.dispose(leftMap, outOf);
  const sum = matrix(N.rows, N.cols);
  const squares = matrix(N.rows, N.cols);
  for (let j = 0, at = 0; j < N.rows; j += 1) {
    for (let i = 0; i < N.cols; i += 1, at += 1) {
      const [k, n] = [K.data[at], N.data[at]];
      const [w0, w1, w2] = weightSums.map((sums) => sums[j]);
      const [linear, scaled, squared] = crossSums.map(({ data }) => data[at]);
      sum.data[at] = tokens * k + w1 * n + linear;
      // A sum of squares; rounding may leave a vanishing one below zero.
      squares.data[at] = Math.max(0, k * k * w0 + 2 * k * n * w1 + n * n * w2 + 2 * k * linear + 2 * n * scaled + squared);
    }
  }
  return { mean: transpose(scale(sum, 1 / tokens)), meanSquare: transpose(scale(squares, 1 / tokens)) };
}

/**
 * A product [n r, h] x [h, r'] per chunk: what the layer receives from every feature through the slopes. The rank-one terms are added where
 * they leave the layer, l (r R): there they are small.
 */
async function productMoments(task: EdgesTask, form: TokenForm, between: FeatureForm, kind: MomentKind): Promise<TokenMoments> {
  const { engine } = task.section;
  const [inputs, outputs, hidden] = [between.skip.rows, between.skip.cols, between.outOf.rows];
  const squares = matrix(inputs, outputs);
  const slopeSums = between.into.map(() => matrix(1, hidden));
  const termSums = matrix(inputs, outputs); // sum of l^T (r R) over terms and tokens
  const into = between.into.map((L) => engine.tensor(L.data, [1, inputs, hidden]));
  const leftMaps = between.leftMaps.map((M) => toTensor(engine, transpose(M)));
  const [outOf, skip] = [between.outOf, between.skip].map((a) => toTensor(engine, a));
  const perRow = inputs * ((2 * into.length - 1) * hidden + 4 * outputs);
  const tokens = await forEachToken(task, form, kind, perRow, async ({ slopes, terms }, features, count) => {
    const sums = engine.tidy(() => {
      const layer = slopes
        .map((slope, g) => engine.mul(engine.reshape(slope, [count, 1, hidden]), into[g]))
        .reduce((total, part) => engine.add(total, part));
      const products = engine.reshape(engine.matMul(engine.reshape(layer, [count * inputs, hidden]), outOf), [count, inputs, outputs]);
      const left = terms.map((term, i) => engine.matMul(term.left, leftMaps[i]));
      const right = terms.map((term) => engine.matMul(term.right, outOf));
      const beside = terms.length === 0 ? skip : engine.add(skip, engine.matMul(
        engine.concat(left.map((part) => engine.reshape(part, [count, inputs, 1])), 2),
        engine.concat(right.map((part) => engine.reshape(part, [count, 1, outputs])), 1),
      ));
      const entries = engine.add(products, beside);
      const weighted = features ? engine.mul(entries, engine.reshape(features, [count, inputs, 1])) : entries;
      return {
        squares: engine.sumOfSquares(weighted, [0]),
        slopes: slopes.map((slope) => engine.sum(slope, [0])),
        terms: left.map((part, i) => engine.matMul(part, right[i], { transposeA: true })),
      };
    });
    await engine.addTo(squares.data, sums.squares);
    for (const [g, sum] of sums.slopes.entries()) await engine.addTo(slopeSums[g].data, sum);
    for (const sum of sums.terms) await engine.addTo(termSums.data, sum);
    engine.dispose(sums.squares, ...sums.slopes, ...sums.terms, ...slopes, ...terms.flatMap(({ left, right }) => [left, right]), ...(features ? [features] : []));
  });
  engine.dispose(...into, ...leftMaps, outOf, skip);
  const through = between.into
    .map((L, g) => multiply(scaleColumns(L, slopeSums[g].data), between.outOf))
    .reduce((total, part) => add(total, part), termSums);
  return { mean: transpose(add(between.skip, through, 1 / tokens)), meanSquare: transpose(scale(squares, 1 / tokens)) };
}
