/**
 * @file Multi-head attention between the query-key-value projection and the residual addition (module `attn_out`,
 * method section 1.4): inputs q [B, S, h*dh], k [B, S, g*dh], v [B, S, g*dv] and others that are handed on, with h heads that share
 * g keys and values (g = h without grouping). Rotary positions turn q and k inside.
 */

import type { Engine, Tensor } from "../../engine/engine";
import type { AttentionShape, Module } from "./module";
import { rotate, rotation, type Rotation } from "./rotary";
import { widenSamples } from "./shapes";

/**
 * Heads that share a key stand under each other: g groups of U = h/g * T rows (head, position) with S keys, so that every step is one
 * product over all samples, groups, heads and sources. Keys and values are centred over the positions first: what all keys share does not
 * change the softmax, and what all values share comes out as it went in, so nothing large cancels in float32.
 */
export function attentionModule(engine: Engine, id: string, attention: AttentionShape, carried: readonly number[]): Module {
  const { heads, keyValueHeads: groups, queryWidth, valueWidth, scale, causal, window, rotary, output } = attention;
  const inGroup = heads / groups;
  const outputWeight = engine.tensor(output.data, [output.rows, output.cols]);

  /** [B, S, n*w] -> [B, n, S, w] */
  const byHead = (x: Tensor, width: number): Tensor => {
    const [samples, positions, all] = x.shape as [number, number, number];
    return engine.transpose(engine.reshape(x, [samples, positions, all / width, width]), [0, 2, 1, 3]);
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
      const [k] = centredOverPositions(engine, turned(byHead(keys, queryWidth)));
      const [v, shared] = centredOverPositions(engine, byHead(values, valueWidth));
      const pattern = attentionPattern(engine, q, k, scale, causal, window);
      const mixed = engine.matMul(byGroup(engine, pattern, groups), v); // [B, g, U, dv]
      const perHead = engine.reshape(engine.add(mixed, shared), [samples, heads, positions, valueWidth]);
      const joined = engine.reshape(engine.transpose(perHead, [0, 2, 1, 3]), [samples, positions, heads * valueWidth]);
      return { outputs: [engine.matMul(joined, outputWeight), ...others], saved: [q, k, v, pattern, mixed] };
    },
    vjp: ([q, k, v, pattern, mixed], [cotangent, ...others]) => {
      const [samples, , positions] = q.shape as [number, number, number, number];
      const sources = cotangent.shape[1];
      const rows = inGroup * positions;
      const weights = byGroup(engine, pattern, groups);
      const toMixed = engine.reshape(
        engine.matMul(cotangent, outputWeight, { transposeB: true }),
        [cotangent.shape[0], sources, positions, groups, inGroup, valueWidth],
      );
      const inOrder = (axes: readonly number[], shape: readonly number[]): Tensor => (
        engine.reshape(widenSamples(engine, engine.transpose(toMixed, axes), samples), [samples, groups, ...shape])
      );

      // Values: dv_s = sum over u of p_us do_u, all sources as columns of one product.
      const columns = inOrder([0, 3, 4, 2, 1, 5], [rows, sources * valueWidth]);
      const values = engine.reshape(engine.matMul(weights, columns, { transposeA: true }), [samples, groups, positions, sources, valueWidth]);

      // Softmax: ds_us = scale p_us (do_u v_s - do_u o_u). The subtracted term is one more column of the product.
      const perSource = inOrder([0, 3, 1, 4, 2, 5], [sources, rows, valueWidth]);
      const own = engine.sum(engine.mul(perSource, engine.reshape(mixed, [samples, groups, 1, rows, valueWidth])), [4], true);
      const widened = engine.reshape(engine.concat([perSource, own], 4), [samples, groups, sources * rows, valueWidth + 1]);
      const minusOne = engine.affine(engine.slice(v, [0, 0, 0, 0], [samples, groups, positions, 1]), 0, -1);
      const toPattern = engine.matMul(engine.concat([v, minusOne], 3), widened, { transposeB: true });
      const slopes = engine.affine(engine.transpose(weights, [0, 1, 3, 2]), scale);
      const toScores = engine.mul( // [B, g, S, R, U]
        engine.reshape(toPattern, [samples, groups, positions, sources, rows]),
        engine.reshape(slopes, [samples, groups, positions, 1, rows]),
      );

      const queries = engine.matMul(engine.reshape(toScores, [samples, groups, positions, sources * rows]), k, { transposeA: true });
      const keys = engine.matMul(engine.reshape(toScores, [samples, groups, positions * sources, rows]), byGroup(engine, q, groups));
      const turn = turns(positions);
      const turnedBack = (x: Tensor): Tensor => (turn ? rotate(engine, turn, x, true) : x);
      /** [B, g, S, R, w] -> [B, g, R, S, w] */
      const sourcesFirst = (x: Tensor): Tensor => engine.transpose(engine.reshape(x, [samples, groups, positions, sources, x.shape.at(-1)!]), [0, 1, 3, 2, 4]);
      /** [B, g, R, (h/g,) S, w] -> [B, R, S, all heads' w] */
      const joined = (x: Tensor): Tensor => {
        const axes = x.shape.length === 6 ? [0, 2, 4, 1, 3, 5] : [0, 2, 3, 1, 4];
        return engine.reshape(engine.transpose(x, axes), [samples, sources, positions, x.size / (samples * sources * positions)]);
      };
      return [
        joined(turnedBack(engine.reshape(queries, [samples, groups, sources, inGroup, positions, queryWidth]))),
        joined(turnedBack(sourcesFirst(keys))),
        joined(sourcesFirst(values)),
        ...others,
      ];
    },
  };
}

/** x [B, g, S, w] less its mean over the positions, and that mean [B, g, 1, w]. */
function centredOverPositions(engine: Engine, x: Tensor): [Tensor, Tensor] {
  const mean = engine.affine(engine.sum(x, [2], true), 1 / x.shape[2]);
  return [engine.sub(x, mean), mean];
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
