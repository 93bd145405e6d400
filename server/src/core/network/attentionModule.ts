/**
 * @file Multi-head attention between the query-key-value projection and the residual addition (module `attn_out`,
 * method section 1.4): inputs q [B, S, h*dh], k [B, S, g*dh], v [B, S, g*dv] and others that are handed on, with h heads that share
 * g keys and values (g = h without grouping). Rotary positions turn q and k inside.
 */

import type { Engine, Tensor } from "../../engine/engine";
import type { AttentionShape, Module } from "./module";
import { rotate, rotation, type Rotation } from "./rotary";
import { widenSamples } from "./shapes";

export function attentionModule(engine: Engine, id: string, attention: AttentionShape, carried: readonly number[]): Module {
  const { heads, keyValueHeads: groups, queryWidth, valueWidth, scale, causal, window, rotary, output } = attention;
  const outputWeight = engine.tensor(output.data, [output.rows, output.cols]);

  /** [B, S, n*w] -> [B, n, S, w] */
  const byHead = (x: Tensor, width: number): Tensor => {
    const [samples, positions, all] = x.shape as [number, number, number];
    return engine.transpose(engine.reshape(x, [samples, positions, all / width, width]), [0, 2, 1, 3]);
  };
  /** [B, n, R, S, w] -> [B, R, S, n*w] */
  const joinHeads = (x: Tensor): Tensor => {
    const [samples, count, sources, positions, width] = x.shape as [number, number, number, number, number];
    return engine.reshape(engine.transpose(x, [0, 2, 3, 1, 4]), [samples, sources, positions, count * width]);
  };
  const turns = (positions: number): Rotation | null => rotary && rotation(engine, rotary, queryWidth, positions);

  return {
    id,
    inputWidths: [heads * queryWidth, groups * queryWidth, groups * valueWidth, ...carried],
    outputWidths: [output.cols, ...carried],
    structure: { kind: "attention", attention },
    forward: ([queries, keys, values, ...others]) => {
      const [samples, positions] = queries.shape as [number, number, number];
      const turn = turns(positions);
      const turned = (x: Tensor): Tensor => (turn ? rotate(engine, turn, x) : x);
      const q = turned(byHead(queries, queryWidth));
      const k = turned(byHead(keys, queryWidth));
      const v = byHead(values, valueWidth);
      const pattern = attentionPattern(engine, q, k, scale, causal, window);
      const perGroup = engine.matMul(byGroup(engine, pattern, groups), v);
      const mixed = engine.transpose(engine.reshape(perGroup, [samples, heads, positions, valueWidth]), [0, 2, 1, 3]);
      const joined = engine.reshape(mixed, [samples, positions, heads * valueWidth]);
      return { outputs: [engine.matMul(joined, outputWeight), ...others], saved: [q, k, v, pattern] };
    },
    vjp: ([q, k, v, pattern], [cotangent, ...others]) => {
      const [samples, , positions] = q.shape as [number, number, number, number];
      const sources = cotangent.shape[1];
      const inGroup = heads / groups;
      const perHead = engine.reshape(
        engine.matMul(cotangent, outputWeight, { transposeB: true }),
        [cotangent.shape[0], sources, positions, heads, valueWidth],
      );
      const mixed = widenSamples(engine, engine.transpose(perHead, [0, 3, 1, 2, 4]), samples); // [B, h, R, T, dv]
      /** [B, h, R, T, w] -> [B, g, all rows of the group, w] */
      const rowsOf = (x: Tensor): Tensor => engine.reshape(x, [samples, groups, inGroup * sources * positions, x.shape[4]]);
      /** Back to [B, n, R, S, w] */
      const full = (x: Tensor, count: number): Tensor => engine.reshape(x, [samples, count, sources, positions, x.shape[3]]);

      // Values: dv_s = sum over t and the group's heads of p_ts do_t, all sources as columns of one product.
      const byTime = engine.reshape(engine.transpose(mixed, [0, 1, 3, 2, 4]), [samples, groups, inGroup * positions, sources * valueWidth]);
      const toValues = engine.matMul(byGroup(engine, pattern, groups), byTime, { transposeA: true });
      const values = engine.reshape(toValues, [samples, groups, positions, sources, valueWidth]);

      // Softmax: ds = p * (dp - sum_s p dp).
      const weights = engine.reshape(pattern, [samples, heads, 1, positions, positions]);
      const toPattern = full(engine.matMul(rowsOf(mixed), v, { transposeB: true }), heads);
      const centred = engine.sub(toPattern, engine.sum(engine.mul(toPattern, weights), [4], true));
      const toScores = engine.affine(engine.mul(centred, weights), scale);

      const queries = full(engine.matMul(rowsOf(toScores), k), heads);
      const perGroup = engine.reshape(toScores, [samples, groups, inGroup, sources, positions, positions]);
      const bySource = engine.reshape(engine.transpose(perGroup, [0, 1, 3, 5, 2, 4]), [samples, groups, sources * positions, inGroup * positions]);
      const keys = full(engine.matMul(bySource, byGroup(engine, q, groups)), groups);

      const turn = turns(positions);
      const turnedBack = (x: Tensor): Tensor => (turn ? rotate(engine, turn, x, true) : x);
      return [joinHeads(turnedBack(queries)), joinHeads(turnedBack(keys)), joinHeads(engine.transpose(values, [0, 1, 3, 2, 4])), ...others];
    },
  };
}

/** Rows of all heads that share a key: [B, h, T, w] -> [B, g, h/g * T, w]. */
function byGroup(engine: Engine, x: Tensor, groups: number): Tensor {
  const [samples, heads, positions, width] = x.shape as [number, number, number, number];
  return groups === heads ? x : engine.reshape(x, [samples, groups, (heads / groups) * positions, width]);
}

/**
 * Softmax of the scaled, masked scores: q [B, h, T, w], k [B, g, S, w] -> [B, h, T, S]. Query head i reads key floor(i g / h).
 * @param window position t reads positions s with |t - s| < window only
 */
export function attentionPattern(engine: Engine, q: Tensor, k: Tensor, scale: number, causal: boolean, window: number | null = null): Tensor {
  const [samples, heads, outputs] = q.shape as [number, number, number, number];
  const [, groups, inputs] = k.shape as [number, number, number, number];
  const products = engine.matMul(byGroup(engine, q, groups), k, { transposeB: true });
  const scores = engine.affine(groups === heads ? products : engine.reshape(products, [samples, heads, outputs, inputs]), scale);
  return engine.softmax(causal || window !== null ? engine.add(scores, attentionMask(engine, outputs, inputs, causal, window)) : scores);
}

/** [T, S]: 0 where output position t may read input position s, -Infinity elsewhere; outputs are the last positions when T < S. */
function attentionMask(engine: Engine, outputs: number, inputs: number, causal: boolean, window: number | null): Tensor {
  const mask = new Float64Array(outputs * inputs);
  for (let row = 0; row < outputs; row += 1) {
    const t = row + inputs - outputs;
    for (let s = 0; s < inputs; s += 1) {
      if ((causal && s > t) || (window !== null && Math.abs(t - s) >= window)) mask[row * inputs + s] = -Infinity;
    }
  }
  return engine.tensor(mask, [outputs, inputs]);
}
