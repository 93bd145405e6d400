/**
 * @file Recognises what a section computes, in the words of the closed forms (method sections 2.10 and 3.6). Runs of linear modules are
 * multiplied together, so the same structure is found wherever the node layers cut the network.
 */

import { slice } from "../linalg/arrange";
import { identity } from "../linalg/elementary";
import { matrix, type Matrix } from "../linalg/matrix";
import { multiply } from "../linalg/multiply";
import type { ActivationFunction } from "./activationFunction";
import { linearMatrix, starts } from "./linearModule";
import type { AttentionShape, Module } from "./module";

/** Folded weights of one head; row vectors from the left. */
export interface AttentionHead {
  /** [d, queryWidth] */
  readonly Q: Matrix;
  readonly K: Matrix;
  /** [d, valueWidth] */
  readonly V: Matrix;
  /** [valueWidth, d'] */
  readonly O: Matrix;
}

/** x [.., d] is the section's input, the result its output [.., d']; `skip` is the identity for a plain residual connection. */
export type SectionStructure =
  /** x W */
  | { readonly kind: "affine"; readonly W: Matrix }
  /** act(x W) */
  | { readonly kind: "affine-activation"; readonly W: Matrix; readonly activation: ActivationFunction }
  /** x skip + act(x A) B */
  | { readonly kind: "mlp-skip"; readonly A: Matrix; readonly activation: ActivationFunction; readonly B: Matrix; readonly skip: Matrix }
  /** x_t skip + sum over heads of (sum_s p_ts x_s V) O, p = softmax of scale * (x_t Q)(x_s K)^T */
  | {
    readonly kind: "attention-skip"; readonly heads: readonly AttentionHead[]; readonly skip: Matrix;
    readonly scale: number; readonly causal: boolean; readonly lastPositionOnly: boolean;
  }
  | { readonly kind: "general"; readonly why: string };

export function recognizeStructure(modules: readonly Module[]): SectionStructure {
  const isLinear = ({ structure }: Module): boolean => structure.kind === "linear";
  const nonlinear = modules.filter((module) => !isLinear(module));
  const core = nonlinear.find(({ structure }) => structure.kind !== "last-position");
  const dropped = nonlinear.filter(({ structure }) => structure.kind === "last-position");
  if (nonlinear.length - dropped.length > 1) {
    return { kind: "general", why: `the section holds ${nonlinear.length - dropped.length} nonlinear modules` };
  }
  if (!core) {
    if (dropped.length > 0) return { kind: "general", why: "the section drops positions without attention" };
    return { kind: "affine", W: productOf(modules, modules[0].inputWidths) };
  }
  const place = modules.indexOf(core);
  const before = productOf(modules.slice(0, place), core.inputWidths);
  const after = productOf(modules.slice(place + 1).filter(isLinear), core.outputWidths);
  if (core.structure.kind === "attention" && modules.slice(0, place).every(isLinear)) {
    if (!isPlainAttention(core.structure.attention)) return { kind: "general", why: "its attention has rotary positions, grouped heads or a window" };
    return attentionStructure(core, before, after, dropped.length > 0);
  }
  if (dropped.length > 0) return { kind: "general", why: "the section drops positions before or beside its nonlinear module" };
  if (core.structure.kind !== "activation") return { kind: "general", why: `it holds the nonlinear module ${core.id}` };
  return activationStructure(core, core.structure.activation, before, after, place === modules.length - 1);
}

const isPlainAttention = ({ heads, keyValueHeads, window, rotary }: AttentionShape): boolean => heads === keyValueHeads && window === null && rotary === null;

function activationStructure(core: Module, activation: ActivationFunction, before: Matrix, after: Matrix, isEnd: boolean): SectionStructure {
  const [width, ...carried] = core.inputWidths as [number, ...number[]];
  if (isEnd && carried.length === 0) return { kind: "affine-activation", W: before, activation };
  const skip = carried.length === 0
    ? matrix(before.rows, after.cols)
    : multiply(columns(before, width, before.cols), rows(after, width, after.rows));
  return { kind: "mlp-skip", A: columns(before, 0, width), activation, B: rows(after, 0, width), skip };
}

function attentionStructure(core: Module, before: Matrix, after: Matrix, lastPositionOnly: boolean): SectionStructure {
  if (core.structure.kind !== "attention") throw new TypeError("An attention module is needed.");
  const { heads, queryWidth, valueWidth, scale, causal, output } = core.structure.attention;
  const keyStart = heads * queryWidth;
  const valueStart = 2 * keyStart;
  const carriedStart = valueStart + heads * valueWidth;
  const toOutput = multiply(output, rows(after, 0, output.cols));
  const skip = carriedStart === before.cols
    ? matrix(before.rows, after.cols)
    : multiply(columns(before, carriedStart, before.cols), rows(after, output.cols, after.rows));
  return {
    kind: "attention-skip",
    heads: Array.from({ length: heads }, (_, head) => ({
      Q: columns(before, head * queryWidth, (head + 1) * queryWidth),
      K: columns(before, keyStart + head * queryWidth, keyStart + (head + 1) * queryWidth),
      V: columns(before, valueStart + head * valueWidth, valueStart + (head + 1) * valueWidth),
      O: rows(toOutput, head * valueWidth, (head + 1) * valueWidth),
    })),
    skip, scale, causal, lastPositionOnly,
  };
}

/** Product of linear modules; the identity of the given width when there is none. */
function productOf(modules: readonly Module[], widths: readonly number[]): Matrix {
  const factors = modules.map((module) => {
    if (module.structure.kind !== "linear") throw new TypeError(`Module ${module.id} is not linear.`);
    return linearMatrix(module.inputWidths, module.outputWidths, module.structure.terms);
  });
  return factors.length > 0 ? factors.reduce((product, factor) => multiply(product, factor)) : identity(starts(widths).at(-1)!);
}

const rows = (source: Matrix, from: number, to: number): Matrix => slice(source, from, to);
const columns = (source: Matrix, from: number, to: number): Matrix => slice(source, 0, source.rows, from, to);
