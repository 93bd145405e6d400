/** @file Halves of norms, whole norms, and MLPs behind a norm, in the words of the closed forms (method sections 1.5 and 2.10). */

import { add } from "../linalg/elementary";
import { matrix, type Matrix } from "../linalg/matrix";
import { multiply } from "../linalg/multiply";
import type { ActivationFunction } from "./activationFunction";
import { besides } from "./folding";
import { columns, rows, through } from "./linearRuns";
import { starts } from "./linearModule";
import type { Module, NormShape } from "./module";

/**
 * Where a norm stands: u = x into [.., w] is the vector with its constant last, w - 1 components are normalised. The halves: `variance`
 * gives v = variance of u (RMS norm: mean square); `divide` reads v = x variance; `whole` does both.
 */
interface NormPlace {
  readonly norm: NormShape;
  /** [d, w] */
  readonly into: Matrix;
  /** [d, 1] for `divide`, else null. */
  readonly variance: Matrix | null;
}

/**
 * `variance`: x skip + v outOf, outOf [1, d'].
 * Else x skip + y outOf, y = (u - mean) / sqrt(v + epsilon), outOf [w, d']; the constant is 0 in y and travels through skip.
 */
export interface Norm extends NormPlace {
  readonly kind: "norm";
  readonly half: "variance" | "divide" | "whole";
  readonly outOf: Matrix;
  /** [d, d'] */
  readonly skip: Matrix;
}

/** x skip + act(y A) outOf, or x skip + (act(y A) ∘ y up) outOf when there is `up`; y carries the constant of u. */
export interface NormMlp extends NormPlace {
  readonly kind: "norm-mlp";
  readonly half: "divide" | "whole";
  /** [w, h] */
  readonly A: Matrix;
  /** [w, h] */
  readonly up: Matrix | null;
  readonly activation: ActivationFunction;
  /** [h, d'] */
  readonly outOf: Matrix;
  readonly skip: Matrix;
}

/** @param cores one half, or both; @returns null when the two halves do not belong together */
export function normStructure(cores: readonly Module[], runs: readonly Matrix[]): Norm | null {
  const after = runs[cores.length];
  const front = cores[0].structure;
  if (cores.length === 1 && front.kind === "norm-variance") {
    const { into, others } = normalised(cores[0], runs[0], front.source);
    const skip = multiply(besides([into, others]), rows(after, 1, after.rows));
    return { kind: "norm", half: "variance", norm: front.norm, into, variance: null, outOf: rows(after, 0, 1), skip };
  }
  const normed = normedVector(cores, runs);
  if (!normed) return null;
  const { half, norm, into, variance, rest } = normed;
  const width = into.cols;
  const outOf = rows(after, 0, width);
  const constant = multiply(columns(into, width - 1, width), rows(after, width - 1, width));
  outOf.data.fill(0, (width - 1) * outOf.cols);
  return { kind: "norm", half, norm, into, variance, outOf, skip: add(constant, through(rest, rows(after, width, after.rows))) };
}

/** @param cores one or both halves of a norm, then a layer of activations; @returns null when the layer reads more than the normed vector */
export function normMlpStructure(cores: readonly Module[], runs: readonly Matrix[]): NormMlp | null {
  const layer = cores[cores.length - 1];
  const normed = normedVector(cores.slice(0, -1), runs);
  if (!normed || (layer.structure.kind !== "activation" && layer.structure.kind !== "gated-activation")) return null;
  const { half, norm, into, variance, rest } = normed;
  const between = runs[cores.length - 1];
  const after = runs[cores.length];
  const width = into.cols;
  const hidden = layer.inputWidths[0];
  const read = layer.structure.kind === "activation" ? hidden : 2 * hidden;
  const fromNormed = rows(between, 0, width);
  const fromRest = rows(between, width, between.rows);
  if (!isZero(columns(fromRest, 0, read)) || !isZero(columns(fromNormed, read, between.cols))) return null;
  return {
    kind: "norm-mlp", half, norm, into, variance,
    A: columns(fromNormed, 0, hidden),
    up: read === hidden ? null : columns(fromNormed, hidden, read),
    activation: layer.structure.activation,
    outOf: rows(after, 0, hidden),
    skip: through(through(rest, columns(fromRest, read, between.cols)), rows(after, hidden, after.rows)),
  };
}

/** The norm, and `rest` [d, ..]: what leaves the norm beside y. */
function normedVector(cores: readonly Module[], runs: readonly Matrix[]): (NormPlace & { half: "divide" | "whole"; rest: Matrix }) | null {
  const last = cores[cores.length - 1];
  if (last.structure.kind !== "norm-divide") return null;
  const { norm, keepsInput } = last.structure;
  const [first] = cores;
  const restOf = (into: Matrix, others: Matrix): Matrix => (keepsInput ? besides([into, others]) : others);
  if (first === last) {
    const [, width] = last.inputWidths as [number, number, ...number[]];
    const into = columns(runs[0], 1, 1 + width);
    return { half: "divide", norm, into, variance: columns(runs[0], 0, 1), rest: restOf(into, columns(runs[0], 1 + width, runs[0].cols)) };
  }
  const fits = first.structure.kind === "norm-variance" && first.structure.norm.kind === norm.kind && isIdentity(runs[1])
    && first.outputWidths.join() === last.inputWidths.join();
  if (first.structure.kind !== "norm-variance" || !fits) return null;
  const { into, others } = normalised(first, runs[0], first.structure.source);
  return { half: "whole", norm, into, variance: null, rest: restOf(into, others) };
}

/** Columns of a first half's inputs: the vector whose variance is taken, and the others in order. */
function normalised({ inputWidths }: Module, before: Matrix, source: number): { into: Matrix; others: Matrix } {
  const bounds = starts(inputWidths);
  const input = (index: number): Matrix => columns(before, bounds[index], bounds[index + 1]);
  const others = inputWidths.map((_, index) => index).filter((index) => index !== source).map(input);
  return { into: input(source), others: others.length > 0 ? besides(others) : matrix(before.rows, 0) };
}

const isZero = ({ data }: Matrix): boolean => data.every((value) => value === 0);
const isIdentity = ({ cols, data }: Matrix): boolean => data.every((value, index) => value === (index % (cols + 1) === 0 ? 1 : 0));
