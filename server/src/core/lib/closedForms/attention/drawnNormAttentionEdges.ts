/**
 * @file Edges from random signs over the output positions (method section 3.2) through attention behind a norm. As in normAttentionEdges.ts a feature
 * enters the attention at position s as f_sj a_j A + f'_sj a_j E + f''_sj g_s. The first two go through the heads as features do (drawnHead.ts), seen
 * through A and E; the third has the same vector g_s for all features, so what it meets is made once per position:
 *
 *   sum_s f''_sj y_s + c sum_t e_t f''_tj w_t,    w_t = sum_s p_ts (g_t Q R_t . k_s R_s) (v_s - o_t),
 *   y_s = (sum_t p_ts e_t) g_s V + c sum_t p_ts e_t (g_s K R_s . q_t R_t) (v_s - o_t)                              [f]
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { rescale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import { stacked } from "../../../network/folding";
import { rotate } from "../../../network/rotary";
import type { NormAttention } from "../../../network/sectionStructure";
import type { EdgesTask } from "../../plans/sectionPlan";
import type { EdgeDraws } from "../../sources/randomSources";
import { forEachChunk, samplesThatFit } from "../chunks";
import { signTensor } from "../drawnSigns";
import { times, toTensor } from "../matrices";
import { headPattern, headWeights, lastPositions, turnsOf, type HeadPattern, type HeadWeights, type Turns } from "./attentionState";
import { atOutputs, signedFeatures, throughHead, turnedMultiplications, turnedValues, valuesTogether, type DrawnHeadSize } from "./drawnHead";
import { NormedInput, type NormedPoint } from "./normedInput";

/** A chunk of samples behind the norm. */
interface Normed {
  readonly points: readonly NormedPoint[];
  /** f and f'' [B, r, S] */
  readonly features: Tensor;
  readonly third: Tensor;
  /** Integrated over the points: rho at the outputs [B, 1, T], and g_t skip C [B, T, r']. */
  readonly rate: Tensor;
  readonly bypass: Tensor;
}

/** One draw for the samples of a chunk: e [B, T, 1], e_t f_tj and e_t f''_tj [B, r, T], and what every head gives, [B, r, f]. */
interface Draw {
  readonly signs: Tensor;
  readonly signed: Tensor;
  readonly signedThird: Tensor;
  readonly through: Tensor[];
}

/** E [r', r], for any integration rule. */
export async function drawnNormAttentionEdges(task: EdgesTask, { norm, attention }: NormAttention, draws: EdgeDraws): Promise<Matrix> {
  const { engine } = task.section;
  const { C, CPinv } = task.features;
  const { heads, scale: c } = attention;
  const input = new NormedInput(engine, norm);
  const skip = times(attention.skip, task.nextC);
  const from = input.parts.map((part) => multiply(CPinv, part));
  const own = headWeights(engine, heads);
  const rows = from.map((part) => headWeights(engine, heads.map(({ Q, K, V }) => ({ Q: multiply(part, Q), K: multiply(part, K), V: multiply(part, V) }))));
  const beside = from.map((part) => toTensor(engine, multiply(part, skip)));
  const outOf = toTensor(engine, stacked(heads.map(({ O }) => times(O, task.nextC))));
  const [toFeatures, back, leftMap, skipOut] = [C, CPinv, multiply(CPinv, input.leftMap), skip].map((a) => toTensor(engine, a));
  const [r, next] = [CPinv.rows, skip.cols];
  const sums = matrix(r, next);
  const totalWeight = task.points.reduce((total, { weight }) => total + weight, 0);
  let [passed, inputs] = [0, 0];

  const normedOf = (x: Tensor, outputs: number): Normed => engine.tidy(() => {
    const z = engine.matMul(x, toFeatures);
    const { points, left } = input.at(engine.matMul(z, back), task.points);
    const integrated = (of: (point: NormedPoint) => Tensor): Tensor => points
      .map((point, index) => engine.affine(of(point), task.points[index].weight)).reduce((total, part) => engine.add(total, part));
    const features = engine.transpose(z, [0, 2, 1]);
    return {
      points, features,
      third: engine.mul(features, engine.transpose(engine.matMul(left, leftMap, { transposeB: true }), [0, 2, 1])),
      rate: atOutputs(engine, engine.transpose(integrated(({ rate }) => rate), [0, 2, 1]), outputs),
      bypass: engine.matMul(lastPositions(engine, integrated(({ fall }) => fall), outputs), skipOut),
    };
  });

  await task.activations.forEachBatch(async (batch) => {
    const [, positions] = batch.shape as [number, number, number];
    const outputs = attention.lastPositionOnly ? 1 : positions;
    const size: DrawnHeadSize = { positions, outputs, r, e: heads[0].Q.cols, f: heads[0].V.cols };
    const turns = engine.tidy(() => turnsOf(engine, attention, positions, outputs));
    const turning = turns && { ...turns, valuesTogether: valuesTogether(engine, size, task.memoryBudget) };
    const work = workPerSample(size, heads.length, turning?.valuesTogether ?? 0, skip, CPinv.cols, task.points.length * input.valuesPerPosition);
    await forEachChunk(engine, batch, work.values, task.memoryBudget, async (x) => {
      task.checkCancelled();
      const samples = x.shape[0];
      const normed = normedOf(x, outputs);
      const { features, third } = normed;
      const most = Math.max(1, Math.floor(samplesThatFit(engine, samples * work.valuesOfDraw, task.memoryBudget)));
      for (let first = 0; first < draws.count; first += most) {
        const drawn = Array.from({ length: Math.min(most, draws.count - first) }, (_, index): Draw => {
          const signs = signTensor(engine, draws, first + index, { firstSample: passed, samples, positions: outputs, first: 0, count: outputs });
          const [signed, signedThird] = engine.tidy(() => [features, third].map((z) => signedFeatures(engine, z, signs))) as [Tensor, Tensor];
          return { signs, signed, signedThird, through: [] };
        });
        const signs = drawn.map((draw) => draw.signs);
        for (const [h, weights] of own.weights.entries()) {
          let totals: Tensor[] | null = null;
          for (const [index, point] of normed.points.entries()) {
            task.checkCancelled();
            const before: Tensor[] | null = totals;
            totals = engine.tidy(() => {
              const head = headPattern(engine, attention, weights, point.output, outputs, turns);
              const scaled = engine.mul(features, engine.transpose(point.rate, [0, 2, 1]));
              const entering = [
                { rows: rows[0].weights[h], z: features, signed: drawn.map((draw) => draw.signed) },
                { rows: rows[1].weights[h], z: scaled, signed: signs.map((sign) => signedFeatures(engine, scaled, sign)) },
              ];
              const direct = throughHead(engine, c, head, turning, signs, entering, () => task.checkCancelled());
              const falling = fallThroughHead(engine, c, head, weights, point.fall, turns, third, drawn, () => task.checkCancelled());
              return direct.map((through, draw) => {
                const term = engine.affine(engine.add(through, falling[draw]), task.points[index].weight);
                return before ? engine.add(before[draw], term) : term;
              });
            });
            engine.dispose(...(before ?? []));
          }
          drawn.forEach(({ through }, index) => through.push(totals![index]));
        }
        for (const { signs: sign, signed, signedThird, through } of drawn) {
          task.checkCancelled();
          const squares = engine.tidy(() => {
            const past = engine.mul(engine.affine(engine.sum(signed, [2], true), totalWeight), beside[0]);
            const normedSum = engine.mul(engine.sum(engine.mul(signed, normed.rate), [2], true), beside[1]);
            const attributions = [engine.matMul(engine.concat(through, 2), outOf), past, normedSum, engine.matMul(signedThird, normed.bypass)];
            return engine.sumOfSquares(attributions.reduce((total, part) => engine.add(total, part)), [0]);
          });
          await engine.addTo(sums.data, squares);
          engine.dispose(squares, sign, signed, signedThird, ...through);
        }
      }
      engine.dispose(features, third, normed.rate, normed.bypass, ...normed.points.flatMap((point) => Object.values(point) as Tensor[]));
      passed += samples;
      inputs += samples * positions;
    }, work.multiplications);
    engine.dispose(...new Set((turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[])));
  }, task.progress);
  own.dispose();
  for (const { dispose } of rows) dispose();
  input.dispose();
  engine.dispose(outOf, toFeatures, back, leftMap, skipOut, ...beside);
  return transpose(rescale(sums, 1 / (inputs * draws.count)));
}

/** Per draw what f'' gives through one head, [B, r, f]. @param fall g [B, S, d'] @param third f'' [B, r, S] */
function fallThroughHead(
  engine: Engine, c: number, { turned, keys, values, pattern, mixed }: HeadPattern, { Q, K, V }: HeadWeights, fall: Tensor, turns: Turns | null, third: Tensor,
  drawn: readonly Draw[], checkCancelled: () => void,
): Tensor[] {
  const plainKeys = engine.matMul(fall, K);
  const plainQueries = engine.matMul(lastPositions(engine, fall, pattern.shape[1]), Q);
  const [ownKeys, ownQueries] = turns ? [rotate(engine, turns.inputs, plainKeys), rotate(engine, turns.outputs, plainQueries)] : [plainKeys, plainQueries];
  const byKeys = engine.mul(pattern, engine.matMul(turned, ownKeys, { transposeB: true }));
  const byQueries = engine.mul(pattern, engine.matMul(ownQueries, keys, { transposeB: true }));
  const atOwn = engine.sub(engine.matMul(byQueries, values), engine.mul(engine.sum(byQueries, [2], true), mixed));
  const ownValues = engine.matMul(fall, V);
  return drawn.map(({ signs, signedThird }) => engine.tidy(() => {
    checkCancelled();
    const offsets = engine.sub(
      engine.mul(engine.matMul(byKeys, signs, { transposeA: true }), values), engine.matMul(byKeys, engine.mul(mixed, signs), { transposeA: true }),
    );
    const atInputs = engine.add(engine.mul(engine.matMul(pattern, signs, { transposeA: true }), ownValues), engine.affine(offsets, c));
    return engine.add(engine.matMul(third, atInputs), engine.affine(engine.matMul(signedThird, atOwn), c));
  }));
}

/** Per sample: numbers of the temporaries with one draw, of a further draw, and multiplications of the longest step between two checks. */
interface Work { readonly values: number; readonly valuesOfDraw: number; readonly multiplications: number }

/** @param together values of a head with rotary positions, else 0 @param skip skip C [d', r'] @param width d @param normed numbers per position behind the norm */
function workPerSample(size: DrawnHeadSize, heads: number, together: number, skip: Matrix, width: number, normed: number): Work {
  const { positions, outputs, r, e, f } = size;
  const state = 6 * positions * outputs + 4 * outputs * e + 3 * positions * (e + f) + 3 * outputs * f + 2 * r * outputs;
  const valuesOfDraw = r * (2 * outputs + 2 * heads * f);
  const plain = r * ((positions + outputs) * (4 * e + 2 * f) + 4 * positions * outputs);
  return {
    values: state + positions * (normed + 4 * r + skip.cols) + 5 * r * (positions + outputs) + r * (2 * positions + 4 * skip.cols) + valuesOfDraw + turnedValues(size, together),
    valuesOfDraw,
    multiplications: Math.max(
      r * skip.cols * (heads * f + outputs), plain, positions * width * (2 * r + 4 * skip.rows), turnedMultiplications(size, together),
    ),
  };
}
