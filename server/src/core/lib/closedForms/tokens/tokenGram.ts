/**
 * @file M' of position-wise sections in token form (method sections 2.4 and 2.10). With the notation of tokenForm.ts, P = C C^T of the
 * next layer and Q = R P R^T, M' = mean J P J^T needs sums over tokens of s_g, s_g s_g'^T, l_i r_i^T, (s_g ∘ r_i Q) l_i^T and
 * (r_i Q r_j^T) l_i l_j^T: small matrices, no Jacobian per token.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { add, hadamard, scale, scaleColumns } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { JacobianGramTask } from "../../plans/sectionPlan";
import { forEachRows } from "../chunks";
import { outputMetric, sandwich, times, toTensor, withTranspose } from "../matrices";
import type { TokenForm, TokenJacobians } from "./tokenForm";

/** The sums of the file's comment, on the engine or as matrices; pairs (g, g') and (i, j) with the first index not above the second. */
interface TokenSums<T> {
  /** [1, h], or [1, 1] when a slope is the same for the whole layer */
  readonly slopes: T[];
  /** [h, h] or [1, 1] */
  readonly slopePairs: T[];
  /** l_i r_i^T [m, h] */
  readonly terms: T[];
  /** l_i (s_g ∘ r_i Q)^T [m, h], all g of term 0 first */
  readonly mixed: T[];
  /** (r_i Q r_j^T) l_i l_j^T [m_i, m_j] */
  readonly termPairs: T[];
}

const sumNames = ["slopes", "slopePairs", "terms", "mixed", "termPairs"] as const;

/** M' [d, d], for every integration rule. */
export async function tokenGram(task: JacobianGramTask, form: TokenForm): Promise<Matrix> {
  const { engine } = task.section;
  const metric = outputMetric(task.nextC, form.outOf.cols);
  const inner = sandwich(form.outOf, metric, form.outOf);
  const turning = turningBy(engine, inner, times(form.outOf, task.nextC));
  const evaluator = form.prepare(engine);
  const values = form.valuesPerRow + 4 * form.outOf.rows * form.into.length;
  let total: TokenSums<Matrix> | null = null;
  let tokens = 0;
  try {
    await task.activations.forEachBatch((batch) => forEachRows(engine, batch, values, task.memoryBudget, async (x) => {
      task.checkCancelled();
      const sums = engine.tidy(() => sumsOf(engine, evaluator.evaluate(x, task.points), turning.turn));
      total ??= emptyLike(sums);
      await addSums(engine, total, sums);
      tokens += x.shape[0];
    }), task.progress);
  } finally {
    evaluator.dispose();
    turning.dispose();
  }
  const constant = sandwich(form.skip, metric, form.skip);
  return total === null ? constant : add(constant, scale(assemble(form, total, inner, metric), 1 / tokens));
}

/** r Q for rows r [n, h], by Q = R P R^T [h, h] or by its factor R C [h, r'] where that is less work. */
function turningBy(engine: Engine, inner: Matrix, factor: Matrix): { turn(rows: Tensor): Tensor; dispose(): void } {
  const throughFactor = 2 * factor.cols < inner.cols;
  const weights = toTensor(engine, throughFactor ? factor : inner);
  return {
    turn: (rows) => (throughFactor ? engine.matMul(engine.matMul(rows, weights), weights, { transposeB: true }) : engine.matMul(rows, weights)),
    dispose: () => engine.dispose(weights),
  };
}

function sumsOf(engine: Engine, { slopes, terms }: TokenJacobians, turn: (rows: Tensor) => Tensor): TokenSums<Tensor> {
  const turned = terms.map(({ right }) => turn(right));
  const between = (a: Tensor, b: Tensor): Tensor => engine.matMul(a, b, { transposeA: true });
  const from = <T, U>(items: readonly T[], index: number, body: (item: T, index: number) => U): U[] => items.slice(index).map((item, offset) => body(item, index + offset));
  return {
    slopes: slopes.map((slope) => engine.sum(slope, [0], true)),
    slopePairs: slopes.flatMap((slope, g) => from(slopes, g, (other) => between(slope, other))),
    terms: terms.map(({ left, right }) => between(left, right)),
    mixed: terms.flatMap(({ left }, i) => slopes.map((slope) => between(left, engine.mul(slope, turned[i])))),
    termPairs: terms.flatMap(({ left }, i) => from(terms, i, (other) => {
      const weight = engine.sum(engine.mul(turned[i], other.right), [1], true);
      return between(engine.mul(left, weight), other.left);
    })),
  };
}

function emptyLike(sums: TokenSums<Tensor>): TokenSums<Matrix> {
  const empty = (tensors: Tensor[]): Matrix[] => tensors.map(({ shape }) => matrix(shape[0], shape[1]));
  return {
    slopes: empty(sums.slopes), slopePairs: empty(sums.slopePairs), terms: empty(sums.terms), mixed: empty(sums.mixed), termPairs: empty(sums.termPairs),
  };
}

async function addSums(engine: Engine, total: TokenSums<Matrix>, sums: TokenSums<Tensor>): Promise<void> {
  for (const name of sumNames) {
    for (const [index, tensor] of sums[name].entries()) await engine.addTo(total[name][index].data, tensor);
    engine.dispose(...sums[name]);
  }
}

/** Everything but the skip connection with itself, summed over tokens. */
function assemble({ skip, into, outOf, leftMaps }: TokenForm, sums: TokenSums<Matrix>, inner: Matrix, metric: Matrix): Matrix {
  const toSkip = sandwich(outOf, metric, skip); // R P skip^T [h, d]
  let total = matrix(skip.rows, skip.rows);
  const plus = (part: Matrix, symmetric: boolean): void => {
    total = add(total, symmetric ? part : withTranspose(part));
  };
  into.forEach((L, g) => {
    plus(multiply(scaleColumns(L, spread(sums.slopes[g], 1, L.cols).data), toSkip), false);
    for (let other = g; other < into.length; other += 1) {
      const pair = spread(sums.slopePairs[pairIndex(g, other, into.length)], L.cols, L.cols);
      plus(sandwich(L, hadamard(pair, inner), into[other]), g === other);
    }
  });
  leftMaps.forEach((M, i) => {
    plus(multiply(multiply(M, sums.terms[i]), toSkip), false);
    into.forEach((L, g) => plus(sandwich(M, spread(sums.mixed[i * into.length + g], M.cols, L.cols), L), false));
    for (let other = i; other < leftMaps.length; other += 1) {
      plus(sandwich(M, sums.termPairs[pairIndex(i, other, leftMaps.length)], leftMaps[other]), i === other);
    }
  });
  return total;
}

/** Place of (a, b), a <= b, in the row-by-row list of pairs of `count` things. */
const pairIndex = (a: number, b: number, count: number): number => a * count - (a * (a - 1)) / 2 + (b - a);

/** A [1, 1] value as a matrix of the same value everywhere. */
function spread(a: Matrix, rows: number, cols: number): Matrix {
  return a.rows === rows && a.cols === cols ? a : matrix(rows, cols, new Float64Array(rows * cols).fill(a.data[0]));
}
