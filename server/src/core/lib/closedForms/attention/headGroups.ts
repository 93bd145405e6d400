/**
 * @file Some heads of a chunk side by side, so that what they bring to M' (method section 2.10) comes from few large products instead of many small ones.
 * What belongs to output positions has the heads in front of all outputs, what belongs to input positions has them inside every sample.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import type { AttentionSkip } from "../../../network/attentionStructure";
import type { HeadState } from "./attentionState";

/** As HeadState, for g heads; their Z_ts may be scaled by a number of the input position s: pattern and own weights are, what a head attends to is not. */
export interface HeadGroup {
  /** [g, e, n_i f] of some outputs at a time, so few that what is made of them stays near the processor; never scaled. */
  readonly covariances: readonly Tensor[];
  /** [g, n, e] */
  readonly queries: Tensor;
  readonly turned: Tensor;
  /** [B, g, S, e] */
  readonly keys: Tensor;
  /** [B, g, S, f] */
  readonly values: Tensor;
  /** [B, g, T, S] */
  readonly pattern: Tensor;
  /** [g, n, f] */
  readonly mixed: Tensor;
  /** [g, n, 1] */
  readonly ownWeight: Tensor;
  /** [g, n, f] */
  readonly ownOffset: Tensor;
  /** Of scaled heads: p_ts [B, g, T, S], and the number at the own position of every output [1, n, 1]. */
  readonly unscaled?: { readonly pattern: Tensor; readonly ownScale: Tensor };
}

/** Rows of the products that a group should fill. */
const rowsTogether = 256;
/** Numbers of a head's covariances that are taken together. */
const numbersTogether = 2 ** 17;

/** Heads of one group. */
export const headsTogether = ({ heads }: AttentionSkip): number => Math.max(1, Math.min(heads.length, Math.ceil(rowsTogether / heads[0].Q.cols)));

/** Heads of the same chunk. */
export function headGroup(engine: Engine, heads: readonly HeadState[]): HeadGroup {
  const joined = (parts: readonly Tensor[], axis: number): Tensor => {
    const shape = [...parts[0].shape];
    shape.splice(axis, 0, 1);
    const each = parts.map((part) => engine.reshape(part, shape));
    return each.length === 1 ? each[0] : engine.concat(each, axis);
  };
  const inFront = (pick: (head: HeadState) => Tensor): Tensor => joined(heads.map(pick), 0);
  const inside = (pick: (head: HeadState) => Tensor): Tensor => joined(heads.map(pick), 1);
  const [n, f] = heads[0].mixed.shape as [number, number];
  const e = heads[0].queries.shape[1];
  const piece = Math.max(1, Math.floor(numbersTogether / (e * f)));
  const pieces = Array.from({ length: Math.ceil(n / piece) }, (_, index) => ({ first: index * piece, outputs: Math.min(piece, n - index * piece) }));
  return engine.tidy(() => ({
    covariances: pieces.map(({ first, outputs }) => inFront(({ covariance }) => engine.reshape(
      engine.slice(engine.reshape(covariance, [e, n, f]), [0, first, 0], [e, outputs, f]), [e, outputs * f],
    ))),
    queries: inFront(({ queries }) => queries),
    turned: inFront(({ turned }) => turned),
    keys: inside(({ keys }) => keys),
    values: inside(({ values }) => values),
    pattern: inside(({ pattern }) => pattern),
    mixed: inFront(({ mixed }) => mixed),
    ownWeight: inFront(({ ownWeight }) => ownWeight),
    ownOffset: inFront(({ ownOffset }) => ownOffset),
  }));
}

/** The heads of a group scaled; what is not scaled they share. @param factors a number for every input position [B, S, 1]; the outputs are the last of them */
export function scaledGroup(engine: Engine, group: HeadGroup, factors: Tensor): HeadGroup {
  return engine.tidy(() => {
    const [samples, , outputs, positions] = group.pattern.shape as [number, number, number, number];
    const ownScale = engine.reshape(engine.slice(factors, [0, positions - outputs, 0], [samples, outputs, 1]), [1, samples * outputs, 1]);
    return {
      ...group,
      pattern: engine.mul(group.pattern, engine.reshape(factors, [samples, 1, 1, positions])),
      ownWeight: engine.mul(group.ownWeight, ownScale),
      unscaled: { pattern: group.pattern, ownScale },
    };
  });
}

/** `count` heads of a group from `first` on; call inside `tidy`. */
export function someHeads(engine: Engine, group: HeadGroup, first: number, count: number): HeadGroup {
  if (count === group.queries.shape[0]) return group;
  const along = (x: Tensor, axis: number): Tensor => (
    engine.slice(x, x.shape.map((_, at) => (at === axis ? first : 0)), x.shape.map((extent, at) => (at === axis ? count : extent)))
  );
  return {
    covariances: group.covariances.map((part) => along(part, 0)),
    queries: along(group.queries, 0),
    turned: along(group.turned, 0),
    keys: along(group.keys, 1),
    values: along(group.values, 1),
    pattern: along(group.pattern, 1),
    mixed: along(group.mixed, 0),
    ownWeight: along(group.ownWeight, 0),
    ownOffset: along(group.ownOffset, 0),
    ...(group.unscaled ? { unscaled: { ...group.unscaled, pattern: along(group.unscaled.pattern, 1) } } : {}),
  };
}

/** One head of a group, without its covariance; call inside `tidy`. */
export function headOf(engine: Engine, group: HeadGroup, index: number): Omit<HeadState, "covariance"> {
  const head = someHeads(engine, group, index, 1);
  const without = (x: Tensor, axis: number): Tensor => engine.reshape(x, x.shape.filter((_, at) => at !== axis));
  return {
    queries: without(head.queries, 0),
    turned: without(head.turned, 0),
    keys: without(head.keys, 1),
    values: without(head.values, 1),
    pattern: without(head.pattern, 1),
    mixed: without(head.mixed, 0),
    ownWeight: without(head.ownWeight, 0),
    ownOffset: without(head.ownOffset, 0),
  };
}

/** All tensors of a group. */
export const tensorsOf = ({ covariances, unscaled, ...group }: HeadGroup): Tensor[] => [...covariances, ...Object.values(group), ...(unscaled ? Object.values(unscaled) : [])];

/** [B, g, T, w] -> [g, n, w]; call inside `tidy`. */
export function perHead(engine: Engine, x: Tensor): Tensor {
  const [samples, count, rows, width] = x.shape as [number, number, number, number];
  const ordered = samples === 1 || count === 1 ? x : engine.transpose(x, [1, 0, 2, 3]);
  return engine.reshape(ordered, [count, samples * rows, width]);
}

/** [g, n, w] -> [B, g, T, w]; call inside `tidy`. */
export function perSample(engine: Engine, x: Tensor, samples: number): Tensor {
  const [count, rows, width] = x.shape as [number, number, number];
  const shape = [rows / samples, width];
  return samples === 1 || count === 1
    ? engine.reshape(x, [samples, count, ...shape])
    : engine.transpose(engine.reshape(x, [count, samples, ...shape]), [1, 0, 2, 3]);
}

/** Products of every head of `x` [B, g, R, k] with its own or the only head of `y` [B, g or 1, k, w]: [B, g, R, w]. Call inside `tidy`. */
export function meet(engine: Engine, x: Tensor, y: Tensor, options: { transposeB?: boolean } = {}): Tensor {
  if (y.shape[1] === x.shape[1]) return engine.matMul(x, y, options);
  const [samples, count, rows, width] = x.shape as [number, number, number, number];
  const product = engine.matMul(engine.reshape(x, [samples, count * rows, width]), engine.reshape(y, [samples, y.shape[2], y.shape[3]]), options);
  return engine.reshape(product, [samples, count, rows, product.shape[2]]);
}
