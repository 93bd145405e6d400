/**
 * @file Multi-head attention between the query-key-value projection and the residual addition (module `attn_out`,
 * method section 1.4): inputs q [B, S, h*dh], k [B, S, h*dh], v [B, S, h*dv] and others that are handed on.
 */

import type { Engine, Tensor } from "../../engine/engine";
import type { AttentionShape, Module } from "./module";
import { widenSamples } from "./shapes";

export function attentionModule(engine: Engine, id: string, attention: AttentionShape, carried: readonly number[]): Module {
  const { heads, queryWidth, valueWidth, scale, causal, output } = attention;
  const outputWeight = engine.tensor(output.data, [output.rows, output.cols]);

  /** [B, S, h*w] -> [B, h, S, w] */
  const byHead = (x: Tensor, width: number): Tensor => {
    const [samples, positions] = x.shape as [number, number, number];
    return engine.transpose(engine.reshape(x, [samples, positions, heads, width]), [0, 2, 1, 3]);
  };
  /** [B, h, R, S, w] -> [B, R, S, h*w] */
  const joinHeads = (x: Tensor): Tensor => {
    const [samples, , sources, positions, width] = x.shape as [number, number, number, number, number];
    return engine.reshape(engine.transpose(x, [0, 2, 3, 1, 4]), [samples, sources, positions, heads * width]);
  };

  return {
    id,
    inputWidths: [heads * queryWidth, heads * queryWidth, heads * valueWidth, ...carried],
    outputWidths: [output.cols, ...carried],
    structure: { kind: "attention", attention },
    forward: ([queries, keys, values, ...others]) => {
      const q = byHead(queries, queryWidth);
      const k = byHead(keys, queryWidth);
      const v = byHead(values, valueWidth);
      const pattern = attentionPattern(engine, q, k, scale, causal);
      const [samples, , positions] = q.shape as [number, number, number, number];
      const mixed = engine.transpose(engine.matMul(pattern, v), [0, 2, 1, 3]);
      const joined = engine.reshape(mixed, [samples, positions, heads * valueWidth]);
      return { outputs: [engine.matMul(joined, outputWeight), ...others], saved: [q, k, v, pattern] };
    },
    vjp: ([q, k, v, pattern], [cotangent, ...others]) => {
      const [samples, , positions] = q.shape as [number, number, number, number];
      const sources = cotangent.shape[1];
      const perHead = engine.reshape(
        engine.matMul(cotangent, outputWeight, { transposeB: true }),
        [cotangent.shape[0], sources, positions, heads, valueWidth],
      );
      const mixed = widenSamples(engine, engine.transpose(perHead, [0, 3, 1, 2, 4]), samples); // [B, h, R, T, dv]
      const flat = [samples, heads, sources * positions];
      const full = (x: Tensor, width: number): Tensor => engine.reshape(x, [samples, heads, sources, positions, width]);

      // Values: dv_s = sum_t p_ts do_t, all sources as columns of one product.
      const byTime = engine.reshape(engine.transpose(mixed, [0, 1, 3, 2, 4]), [samples, heads, positions, sources * valueWidth]);
      const values = engine.reshape(engine.matMul(pattern, byTime, { transposeA: true }), [samples, heads, positions, sources, valueWidth]);

      // Softmax: ds = p * (dp - sum_s p dp).
      const weights = engine.reshape(pattern, [samples, heads, 1, positions, positions]);
      const toPattern = full(engine.matMul(engine.reshape(mixed, [...flat, valueWidth]), v, { transposeB: true }), positions);
      const centred = engine.sub(toPattern, engine.sum(engine.mul(toPattern, weights), [4], true));
      const toScores = engine.affine(engine.mul(centred, weights), scale);

      const queries = full(engine.matMul(engine.reshape(toScores, [...flat, positions]), k), queryWidth);
      const turned = engine.reshape(engine.transpose(toScores, [0, 1, 2, 4, 3]), [...flat, positions]);
      const keys = full(engine.matMul(turned, q), queryWidth);
      return [joinHeads(queries), joinHeads(keys), joinHeads(engine.transpose(values, [0, 1, 3, 2, 4])), ...others];
    },
  };
}

/** Softmax of the scaled, masked scores: q [B, h, T, w], k [B, h, S, w] -> [B, h, T, S]. */
export function attentionPattern(engine: Engine, q: Tensor, k: Tensor, scale: number, causal: boolean): Tensor {
  const scores = engine.affine(engine.matMul(q, k, { transposeB: true }), scale);
  return engine.softmax(causal ? engine.add(scores, causalMask(engine, q.shape[2], k.shape[2])) : scores);
}

/** 0 where output position t may read input position s <= t, -Infinity elsewhere; the last rows when T < S. */
function causalMask(engine: Engine, outputs: number, inputs: number): Tensor {
  const mask = new Float64Array(outputs * inputs);
  for (let t = 0; t < outputs; t += 1) {
    for (let s = t + inputs - outputs + 1; s < inputs; s += 1) mask[t * inputs + s] = -Infinity;
  }
  return engine.tensor(mask, [outputs, inputs]);
}
