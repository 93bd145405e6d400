/**
 * @file Reduces a symmetric matrix to tridiagonal form by Householder reflections, in panels (LAPACK dsytrd, dlatrd): half of the work
 * is a symmetric matrix-vector product per column, the other half one matrix product per panel.
 */

import { productCall } from "./blockProduct";
import { address, panelWidth, type EigenWorkspace, type WorkingCall } from "./workspace";

export interface Tridiagonal {
  diagonal: Float64Array;
  /** Entry i couples i and i + 1; the last is 0. */
  offDiagonal: Float64Array;
  /** H_c = I - scales[c] v_c v_c^T with v_c in row c of the workspace's reflectors. */
  scales: Float64Array;
}

/** Columns shorter than this count as zero: their squares would lose all digits. The matrix is scaled to largest entry 1/2..1. */
const negligible = 1e-140;

/** Rows of the trailing matrix updated at a time: only its lower triangle is needed. */
const updateRows = 128;

/** Length from which a symmetric product is worth two threads. */
const splitFrom = 384;

/** Reduces the matrix of the workspace (lower triangle is read and destroyed): A = H_0 .. H_(n-2) T H_(n-2) .. H_0. */
export function tridiagonalize(workspace: EigenWorkspace): Tridiagonal {
  const { n, memory, matrixAt, reflectorsAt, panelAt, checkCancelled } = workspace;
  const result = { diagonal: new Float64Array(n), offDiagonal: new Float64Array(n), scales: new Float64Array(n) };
  memory.fill(0, reflectorsAt, reflectorsAt + n * n);
  for (let first = 0; first < n - 1; first += panelWidth) {
    const width = Math.min(panelWidth, n - 1 - first);
    memory.fill(0, panelAt[0], panelAt[0] + 2 * panelWidth * n);
    for (let i = 0; i < width; i++) {
      checkCancelled();
      reduceColumn(workspace, result, first, i);
    }
    updateTrailing(workspace, first + width);
  }
  result.diagonal[n - 1] = memory[matrixAt + n * n - 1];
  return result;
}

/**
 * Column c = first + i of the panel: brings it up to date with the panel's earlier reflectors v_k and companions w_k (rows k and
 * panelWidth + k of the panel area), makes its reflector, and w_i = tau (A v_i - ...) so that A <- A - v w^T - w v^T.
 */
function reduceColumn(workspace: EigenWorkspace, out: Tridiagonal, first: number, i: number): void {
  const { n, functions, memory, matrixAt, reflectorsAt, panelAt, columnAt } = workspace;
  const c = first + i;
  const below = n - c - 1;
  const vector = (k: number): number => panelAt[0] + k * n;
  const companion = (k: number): number => panelAt[0] + (panelWidth + k) * n;

  for (let r = c; r < n; r++) memory[columnAt + r] = memory[matrixAt + r * n + c];
  for (let k = 0; k < i; k++) {
    functions.daxpy(n - c, -memory[companion(k) + c], address(vector(k) + c), address(columnAt + c));
    functions.daxpy(n - c, -memory[vector(k) + c], address(companion(k) + c), address(columnAt + c));
  }
  out.diagonal[c] = memory[columnAt + c];

  const alpha = memory[columnAt + c + 1];
  const rest = address(columnAt + c + 2);
  const restNorm = below > 1 ? Math.sqrt(functions.ddot(below - 1, rest, rest)) : 0;
  if (restNorm < negligible) {
    out.offDiagonal[c] = alpha;
    return;
  }
  const beta = alpha > 0 ? -Math.hypot(alpha, restNorm) : Math.hypot(alpha, restNorm);
  const tau = (beta - alpha) / beta;
  out.offDiagonal[c] = beta;
  out.scales[c] = tau;
  const v = vector(i);
  const reflector = reflectorsAt + c * n;
  memory[v + c + 1] = 1;
  memory[reflector + c + 1] = 1;
  const divisor = 1 / (alpha - beta);
  for (let r = c + 2; r < n; r++) {
    const entry = memory[columnAt + r] * divisor;
    memory[v + r] = entry;
    memory[reflector + r] = entry;
  }

  const vBelow = address(v + c + 1);
  const w = companion(i) + c + 1;
  multiplySymmetric(workspace, c + 1, vBelow, w);
  for (let k = 0; k < i; k++) {
    const vk = address(vector(k) + c + 1);
    const wk = address(companion(k) + c + 1);
    const wkv = functions.ddot(below, wk, vBelow);
    const vkv = functions.ddot(below, vk, vBelow);
    functions.daxpy(below, -wkv, vk, address(w));
    functions.daxpy(below, -vkv, wk, address(w));
  }
  for (let r = 0; r < below; r++) memory[w + r] *= tau;
  const half = -0.5 * tau * functions.ddot(below, address(w), vBelow);
  functions.daxpy(below, half, vBelow, address(w));
}

/** w <- A v for the trailing matrix from row and column `start`, in two parts of equal work whose sum does not depend on who computes them. */
function multiplySymmetric(workspace: EigenWorkspace, start: number, vBelow: number, w: number): void {
  const { n, functions, memory, matrixAt, partialAt, together } = workspace;
  const below = n - start;
  const trailing = address(matrixAt + start * n + start);
  const part = (from: number, to: number, at: number): WorkingCall => () => ({ kernel: "dsymv", values: [from, to, trailing, n, vBelow, address(at)] });
  memory.fill(0, w, w + below);
  if (below < splitFrom) {
    functions.dsymv(0, below, trailing, n, vBelow, address(w));
    return;
  }
  // Half of a triangle's area lies above 1 / sqrt(2) of its height.
  const middle = Math.round((below * Math.SQRT1_2) / 4) * 4;
  memory.fill(0, partialAt, partialAt + below);
  together([part(middle, below, w), part(0, middle, partialAt)]);
  functions.daxpy(below, 1, address(partialAt), address(w));
}

/** A <- A - V W^T - W V^T on the lower triangle from row and column `start`, as one product of [V W] with [W V]. */
function updateTrailing(workspace: EigenWorkspace, start: number): void {
  const { n, memory, matrixAt, panelAt } = workspace;
  const [panel, swapped] = panelAt;
  const half = panelWidth * n;
  memory.copyWithin(swapped, panel + half, panel + 2 * half);
  memory.copyWithin(swapped + half, panel, panel + half);
  const calls: WorkingCall[] = [];
  for (let row = start; row < n; row += updateRows) {
    const rows = Math.min(updateRows, n - row);
    calls.push(productCall(
      { m: rows, n: row + rows - start, k: 2 * panelWidth },
      { at: panel + row, stride: n, transposed: true }, { at: swapped + start, stride: n }, { at: matrixAt + row * n + start, stride: n }, true,
    ));
  }
  workspace.together(calls);
}
