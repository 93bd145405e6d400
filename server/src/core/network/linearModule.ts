/**
 * @file Every linear, position-wise module: affine maps with folded bias, but also the copying, adding and handing-on of the
 * residual stream (method section 1.4). Output k is the sum over its terms of input times weight.
 */

import type { Engine, Tensor } from "../../engine/engine";
import { matrix, type Matrix } from "../linalg/matrix";
import type { LinearTerm, Module } from "./module";

/** @param terms at least one per output; a term without weight needs equal widths. */
export function linearModule(
  engine: Engine, id: string, inputWidths: readonly number[], outputWidths: readonly number[], terms: readonly LinearTerm[],
): Module {
  const weighted = terms.map((term) => ({
    ...term,
    tensor: term.weight && engine.tensor(term.weight.data, [term.weight.rows, term.weight.cols]),
  }));
  const total = (parts: Tensor[]): Tensor => parts.reduce((sum, part) => engine.add(sum, part));
  return {
    id,
    inputWidths,
    outputWidths,
    structure: { kind: "linear", terms },
    forward: (inputs) => ({
      outputs: outputWidths.map((_, output) => total(weighted
        .filter(({ to }) => to === output)
        .map(({ from, tensor }) => (tensor ? engine.matMul(inputs[from], tensor) : inputs[from])))),
      saved: [],
    }),
    vjp: (_saved, cotangents) => inputWidths.map((_, input) => total(weighted
      .filter(({ from }) => from === input)
      .map(({ to, tensor }) => (tensor ? engine.matMul(cotangents[to], tensor, { transposeB: true }) : cotangents[to])))),
  };
}

/** The whole linear module as one matrix over concatenated inputs and outputs: [sum of input widths, sum of output widths]; its weight itself where it has just one. */
export function linearMatrix(inputWidths: readonly number[], outputWidths: readonly number[], terms: readonly LinearTerm[]): Matrix {
  if (inputWidths.length === 1 && outputWidths.length === 1 && terms.length === 1 && terms[0].weight) return terms[0].weight;
  const rowStart = starts(inputWidths);
  const colStart = starts(outputWidths);
  const result = matrix(rowStart.at(-1)!, colStart.at(-1)!);
  for (const { from, to, weight } of terms) {
    const row0 = rowStart[from];
    const col0 = colStart[to];
    for (let row = 0; row < inputWidths[from]; row += 1) {
      if (!weight) {
        result.data[(row0 + row) * result.cols + col0 + row] += 1;
        continue;
      }
      for (let col = 0; col < weight.cols; col += 1) {
        result.data[(row0 + row) * result.cols + col0 + col] += weight.data[row * weight.cols + col];
      }
    }
  }
  return result;
}

/** Offsets of consecutive blocks, and the total last. */
export function starts(widths: readonly number[]): number[] {
  const result = [0];
  for (const width of widths) result.push(result.at(-1)! + width);
  return result;
}
