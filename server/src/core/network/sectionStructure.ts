/**
 * @file Recognises what a section computes, in the words of the closed forms (method sections 2.10 and 3.6). Runs of linear modules are
 * multiplied together, so the same structure is found wherever the node layers cut the network.
 */

import type { Matrix } from "../linalg/matrix";
import { identity } from "../linalg/elementary";
import { multiply } from "../linalg/multiply";
import type { ActivationFunction } from "./activationFunction";
import { attentionStructure, type AttentionSkip } from "./attentionStructure";
import { columns, linearRuns, rows, through } from "./linearRuns";
import type { Module } from "./module";
import { normMlpStructure, normStructure, type Norm, type NormMlp } from "./normStructure";

/** x [.., d] is the section's input, the result its output [.., d']; `skip` is the identity for a plain residual connection. */
export type SectionStructure =
  /** x W */
  | { readonly kind: "affine"; readonly W: Matrix }
  /** act(x W) */
  | { readonly kind: "affine-activation"; readonly W: Matrix; readonly activation: ActivationFunction }
  /** x skip + act(x A) B */
  | { readonly kind: "mlp-skip"; readonly A: Matrix; readonly activation: ActivationFunction; readonly B: Matrix; readonly skip: Matrix }
  /** x skip + (act(x gate) ∘ x up) B */
  | {
    readonly kind: "gated-mlp-skip"; readonly gate: Matrix; readonly up: Matrix; readonly activation: ActivationFunction;
    readonly B: Matrix; readonly skip: Matrix;
  }
  | Norm
  | NormMlp
  | AttentionSkip
  | NormAttention
  | { readonly kind: "general"; readonly why: string };

/** Attention behind a norm: `norm` leads to what the attention and its skip connection read. */
export interface NormAttention {
  readonly kind: "norm-attention";
  readonly norm: Norm;
  readonly attention: AttentionSkip;
}

/** @returns the structure, or `general` with what stands in the way of a closed form */
export function recognizeStructure(modules: readonly Module[]): SectionStructure {
  const { cores, runs } = linearRuns(modules);
  const general = (why: string): SectionStructure => ({ kind: "general", why });
  const kinds = cores.map(({ structure }) => structure.kind);
  switch (kinds.join(" ")) {
    case "":
      return { kind: "affine", W: runs[0] };
    case "activation":
    case "gated-activation":
      return hiddenStructure(cores[0], runs[0], runs[1], modules.at(-1) === cores[0]);
    case "attention":
      return attentionStructure(cores[0], runs[0], runs[1], false);
    case "attention last-position":
      return attentionStructure(cores[0], runs[0], multiply(runs[1], runs[2]), true);
    case "norm-variance":
    case "norm-divide":
    case "norm-variance norm-divide":
      return normStructure(cores, runs) ?? general("its two halves of a norm are not of one norm");
    case "norm-divide activation":
    case "norm-divide gated-activation":
    case "norm-variance norm-divide activation":
    case "norm-variance norm-divide gated-activation":
      return normMlpStructure(cores, runs) ?? general("its norm and its MLP are not one after the other");
    case "norm-divide attention":
    case "norm-divide attention last-position":
    case "norm-variance norm-divide attention":
    case "norm-variance norm-divide attention last-position":
      return normAttentionStructure(cores, runs) ?? general("its two halves of a norm are not of one norm");
    default:
      if (kinds.includes("last-position") && !kinds.includes("attention")) return general("the section drops positions without attention");
      return general(`the section holds ${cores.length} nonlinear modules; node layers between ${cores.map(({ id }) => id).join(", ")} would give closed forms`);
  }
}

function normAttentionStructure(cores: readonly Module[], runs: readonly Matrix[]): NormAttention | null {
  const place = cores.findIndex(({ structure }) => structure.kind === "attention");
  const lastPositionOnly = place < cores.length - 1;
  const before = runs[place];
  const norm = normStructure(cores.slice(0, place), [...runs.slice(0, place), identity(before.rows)]);
  const after = lastPositionOnly ? multiply(runs[place + 1], runs[place + 2]) : runs[place + 1];
  return norm && { kind: "norm-attention", norm, attention: attentionStructure(cores[place], before, after, lastPositionOnly) };
}

function hiddenStructure(core: Module, before: Matrix, after: Matrix, isEnd: boolean): SectionStructure {
  if (core.structure.kind !== "activation" && core.structure.kind !== "gated-activation") throw new TypeError("A layer of activations is needed.");
  const { activation } = core.structure;
  const [width] = core.inputWidths as [number, ...number[]];
  const first = columns(before, 0, width);
  const B = rows(after, 0, width);
  if (core.structure.kind === "gated-activation") {
    const skip = through(columns(before, 2 * width, before.cols), rows(after, width, after.rows));
    return { kind: "gated-mlp-skip", gate: first, up: columns(before, width, 2 * width), activation, B, skip };
  }
  if (isEnd && core.inputWidths.length === 1) return { kind: "affine-activation", W: before, activation };
  return { kind: "mlp-skip", A: first, activation, B, skip: through(columns(before, width, before.cols), rows(after, width, after.rows)) };
}
