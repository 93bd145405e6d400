/** @file A section as nonlinear modules with one matrix before, between and after them: runs of linear modules multiplied together. */

import { slice } from "../linalg/arrange";
import { identity } from "../linalg/elementary";
import { matrix, type Matrix } from "../linalg/matrix";
import { multiply } from "../linalg/multiply";
import { linearMatrix, starts } from "./linearModule";
import type { Module } from "./module";

export interface LinearRuns {
  readonly cores: readonly Module[];
  /** runs[k] leads to core k, the last from the last core to the section's output; the identity where no linear module stands. */
  readonly runs: readonly Matrix[];
}

/** The nonlinear modules of a section and the products of the linear modules around them; concatenated tensors stand side by side. */
export function linearRuns(modules: readonly Module[]): LinearRuns {
  const cores = modules.filter(({ structure }) => structure.kind !== "linear");
  const places = [-1, ...cores.map((core) => modules.indexOf(core)), modules.length];
  return {
    cores,
    runs: places.slice(1).map((place, index) => {
      const before = places[index];
      return productOf(modules.slice(before + 1, place), before < 0 ? modules[0].inputWidths : modules[before].outputWidths);
    }),
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

/** left right, and zero where nothing lies between them. */
export const through = (left: Matrix, right: Matrix): Matrix => (left.cols === 0 ? matrix(left.rows, right.cols) : multiply(left, right));

/** Rows `from` to `to` of a matrix, the last not included. */
export const rows = (source: Matrix, from: number, to: number): Matrix => slice(source, from, to);
/** Columns `from` to `to`, the last not included. */
export const columns = (source: Matrix, from: number, to: number): Matrix => slice(source, 0, source.rows, from, to);
