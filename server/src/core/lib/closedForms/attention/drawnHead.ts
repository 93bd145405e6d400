/**
 * @file One head's part in edges from random signs over the output positions (method sections 3.2 and 3.6). What enters the attention at position s as
 * z_sj a_j, with a_j row j of some weights, gives at the outputs, summed with the signs e_t before anything is squared,
 *
 *   (sum_t e_t phi_tj) a_j V + c X_j,    phi_tj = sum_s p_ts z_sj
 *   X_j = sum_s v_s { z_sj a_j K (sum_t p_ts e_t q_t) + (a_j Q k_s) sum_t p_ts e_t z_tj }
 *       - sum_t e_t o_t { (a_j K q_t) phi_tj + z_tj a_j Q (sum_s p_ts k_s) }:
 *
 * every sum over pairs of positions is one product with the pattern, [r, T] x [T, S] or the other way round. With rotary positions q_t meets k_s turned
 * by their distance, so that what is summed first are their products with the offsets of the values, [e, f] per position:
 *
 *   X_j = a_j K sum_s z_sj Y_s R_s^T + a_j Q sum_t e_t z_tj B_t R_t^T,
 *   Y_s = sum_t p_ts e_t (q_t R_t)^T (v_s - o_t),    B_t = sum_s p_ts (k_s R_s)^T (v_s - o_t).
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { rotate, type Rotation } from "../../../network/rotary";
import { longestChunk, samplesThatFit } from "../chunks";
import type { HeadPattern, HeadWeights, Turns } from "./attentionState";

/** What enters one head, j of r. */
export interface Entering {
  /** a_j Q [r, e], a_j K [r, e] and a_j V [r, f] */
  readonly rows: HeadWeights;
  /** z [B, r, S] */
  readonly z: Tensor;
  /** Per draw e_t z_tj [B, r, T] */
  readonly signed: readonly Tensor[];
}

/** Rotary positions, and how many values of a head are treated together. */
export interface DrawnTurns extends Turns {
  readonly valuesTogether: number;
}

/** e_t z_tj [B, r, T] @param z [B, r, S], the outputs are its last positions @param signs e [B, T, 1] */
export function signedFeatures(engine: Engine, z: Tensor, signs: Tensor): Tensor {
  return engine.mul(atOutputs(engine, z, signs.shape[1]), engine.reshape(signs, [signs.shape[0], 1, signs.shape[1]]));
}

/** The last positions of z [B, r, S]. */
export function atOutputs(engine: Engine, z: Tensor, outputs: number): Tensor {
  const [samples, width, positions] = z.shape as [number, number, number];
  return outputs === positions ? z : engine.slice(z, [0, 0, positions - outputs], [samples, width, outputs]);
}

/** Per draw what all that enters gives, [B, r, f]; call inside `tidy`. @param c scale of the scores @param signs per draw e [B, T, 1] */
export function throughHead(
  engine: Engine, c: number, head: HeadPattern, turns: DrawnTurns | null, signs: readonly Tensor[], entering: readonly Entering[], checkCancelled: () => void,
): Tensor[] {
  const mixed = entering.map(({ z }) => engine.matMul(z, head.pattern, { transposeB: true }));
  const scores = turns ? throughTurnedScores(engine, head, turns, signs, entering, checkCancelled) : throughScores(engine, head, signs, entering, mixed, checkCancelled);
  return signs.map((sign, draw) => {
    const values = entering.map(({ rows }, kind) => engine.mul(engine.matMul(mixed[kind], sign), rows.V));
    return sum(engine, [engine.affine(scores[draw], c), ...values]);
  });
}

/** X of every draw. @param mixed phi [B, r, T] of all that enters */
function throughScores(
  engine: Engine, { queries, keys, values, pattern, mixed: outputs }: HeadPattern, signs: readonly Tensor[], entering: readonly Entering[], mixed: readonly Tensor[],
  checkCancelled: () => void,
): Tensor[] {
  const meanKeys = engine.matMul(pattern, keys);
  return signs.map((sign, draw) => engine.tidy(() => {
    checkCancelled();
    const signedQueries = engine.mul(queries, sign);
    const readers = engine.matMul(pattern, signedQueries, { transposeA: true });
    return sum(engine, entering.map(({ rows: { Q, K }, z, signed }, kind) => {
      const atInputs = engine.add(
        engine.mul(z, engine.matMul(K, readers, { transposeB: true })),
        engine.mul(engine.matMul(Q, keys, { transposeB: true }), engine.matMul(signed[draw], pattern)),
      );
      const leaving = engine.add(
        engine.mul(mixed[kind], engine.matMul(K, signedQueries, { transposeB: true })),
        engine.mul(signed[draw], engine.matMul(Q, meanKeys, { transposeB: true })),
      );
      return engine.sub(engine.matMul(atInputs, values), engine.matMul(leaving, outputs));
    }));
  }));
}

/** The same with rotary positions, some values of the head at a time. */
function throughTurnedScores(
  engine: Engine, { turned, keys, values, pattern, mixed }: HeadPattern, turns: DrawnTurns, signs: readonly Tensor[], entering: readonly Entering[],
  checkCancelled: () => void,
): Tensor[] {
  const width = values.shape[2];
  const meanKeys = engine.matMul(pattern, keys);
  const pieces: Tensor[][] = [];
  for (let first = 0; first < width; first += turns.valuesTogether) {
    const part = (x: Tensor): Tensor => engine.slice(x, [0, 0, first], [x.shape[0], x.shape[1], Math.min(turns.valuesTogether, width - first)]);
    pieces.push(engine.tidy(() => {
      const [v, o] = [part(values), part(mixed)];
      checkCancelled();
      const covariance = turnedBack(engine, turns.outputs, engine.sub(engine.matMul(pattern, products(engine, v, keys)), products(engine, o, meanKeys)), v.shape[2]);
      return signs.map((sign, draw) => engine.tidy(() => {
        checkCancelled();
        const signedQueries = engine.mul(turned, sign);
        const readers = engine.matMul(pattern, signedQueries, { transposeA: true });
        const Y = engine.sub(products(engine, v, readers), engine.matMul(pattern, products(engine, o, signedQueries), { transposeA: true }));
        const read = turnedBack(engine, turns.inputs, Y, v.shape[2]);
        return sum(engine, entering.flatMap(({ rows: { Q, K }, z, signed }) => {
          checkCancelled();
          return [metBy(engine, K, engine.matMul(z, read)), metBy(engine, Q, engine.matMul(signed[draw], covariance))];
        }));
      }));
    }));
  }
  return signs.map((_, draw) => engine.concat(pieces.map((piece) => piece[draw]), 2));
}

/** x_s^T y_s at every position: [B, S, f], [B, S, e] -> [B, S, f e] */
function products(engine: Engine, x: Tensor, y: Tensor): Tensor {
  const [samples, positions, f] = x.shape as [number, number, number];
  const e = y.shape[2];
  const all = engine.mul(engine.reshape(x, [samples, positions, f, 1]), engine.reshape(y, [samples, positions, 1, e]));
  return engine.reshape(all, [samples, positions, f * e]);
}

/** Rows [B, S, f e] of queries or keys, f at each position, seen from before the turn. */
function turnedBack(engine: Engine, { cosines, sines, swap }: Rotation, x: Tensor, f: number): Tensor {
  const [samples, positions, width] = x.shape as [number, number, number];
  const e = width / f;
  const perPosition = (table: Tensor): Tensor => engine.reshape(table, [positions, 1, e]);
  const back = rotate(engine, { cosines: perPosition(cosines), sines: perPosition(sines), swap }, engine.reshape(x, [samples, positions, f, e]), true);
  return engine.reshape(back, [samples, positions, width]);
}

/** Row j of the weights [r, e] with row j of x [B, r, f e]: [B, r, f] */
function metBy(engine: Engine, weights: Tensor, x: Tensor): Tensor {
  const [r, e] = weights.shape as [number, number];
  const f = x.shape[2] / e;
  return engine.sum(engine.mul(engine.reshape(x, [x.shape[0], r, f, e]), engine.reshape(weights, [r, 1, e])), [3]);
}

const sum = (engine: Engine, terms: readonly Tensor[]): Tensor => terms.reduce((total, term) => engine.add(total, term));

/** What one head takes per sample besides its pattern: S input and T output positions, r features of every kind. */
export interface DrawnHeadSize { readonly positions: number; readonly outputs: number; readonly r: number; readonly e: number; readonly f: number }

/** Values of a head that are treated together with rotary positions, so that one sample fits and no product is long. */
export function valuesTogether(engine: Engine, { positions, outputs, r, e, f }: DrawnHeadSize, memoryBudget: number): number {
  const perValue = e * (4 * positions + 4 * outputs + 2 * r);
  return Math.max(1, Math.floor(Math.min(f, samplesThatFit(engine, perValue, memoryBudget), longestChunk(engine) / (e * positions * Math.max(outputs, r)))));
}

/** Numbers of the temporaries that turned scores take. */
export const turnedValues = ({ positions, outputs, r, e }: DrawnHeadSize, together: number): number => together * e * (4 * positions + 4 * outputs + 2 * r);

/** Multiplications of the longest product of turned scores. */
export const turnedMultiplications = ({ positions, outputs, r, e }: DrawnHeadSize, together: number): number => together * e * positions * Math.max(outputs, r);
