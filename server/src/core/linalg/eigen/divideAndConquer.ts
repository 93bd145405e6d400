/**
 * @file Eigenpairs of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981, Gu & Eisenstat 1995; LAPACK dstedc): the
 * matrix is torn into two halves and a rank-one coupling; the halves' eigenpairs are merged by the secular equation and one product.
 */

import { blockProduct } from "./blockProduct";
import { deflate, Kind, type Deflation } from "./deflation";
import { secularVectors, type SecularProblem } from "./secular";
import { tridiagonalQl } from "./tridiagonalQl";
import type { Tridiagonal } from "./tridiagonalize";
import { address, type EigenWorkspace } from "./workspace";

/** Blocks of this size are solved by QL iteration. */
const leafSize = 32;

/**
 * Overwrites `diagonal` with the eigenvalues, ascending, and the workspace's matrix with the eigenvectors as rows.
 * `offDiagonal` is destroyed.
 */
export function divideAndConquer(workspace: EigenWorkspace, { diagonal, offDiagonal }: Tridiagonal): void {
  const { n, memory, matrixAt } = workspace;
  memory.fill(0, matrixAt, matrixAt + n * n);
  tear(diagonal, offDiagonal, 0, n);
  solve(workspace, diagonal, offDiagonal, 0, n);
}

const middleOf = (low: number, high: number): number => (low + high) >> 1;

/** Takes the coupling |e| out of the two diagonal entries beside every tear. */
function tear(values: Float64Array, coupling: Float64Array, low: number, high: number): void {
  if (high - low <= leafSize) return;
  const middle = middleOf(low, high);
  const strength = Math.abs(coupling[middle - 1]);
  values[middle - 1] -= strength;
  values[middle] -= strength;
  tear(values, coupling, low, middle);
  tear(values, coupling, middle, high);
}

function solve(workspace: EigenWorkspace, values: Float64Array, coupling: Float64Array, low: number, high: number): void {
  if (high - low <= leafSize) {
    solveLeaf(workspace, values, coupling, low, high);
    return;
  }
  const middle = middleOf(low, high);
  solve(workspace, values, coupling, low, middle);
  solve(workspace, values, coupling, middle, high);
  merge(workspace, values, coupling[middle - 1], low, middle, high);
}

function solveLeaf({ n, memory, matrixAt }: EigenWorkspace, values: Float64Array, coupling: Float64Array, low: number, high: number): void {
  const size = high - low;
  const leafValues = values.slice(low, high);
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  tridiagonalQl(leafValues, coupling.slice(low, high), vectors, size);
  const order = Array.from(leafValues.keys()).sort((p, q) => leafValues[p] - leafValues[q]);
  order.forEach((from, to) => {
    values[low + to] = leafValues[from];
    memory.set(vectors.subarray(from * size, (from + 1) * size), matrixAt + (low + to) * n + low);
  });
}

/** Merges the eigenpairs of low..middle and middle..high, which `coupling` joins, into those of low..high. */
function merge(workspace: EigenWorkspace, values: Float64Array, coupling: number, low: number, middle: number, high: number): void {
  const { n, functions, memory, matrixAt, scratchAt } = workspace;
  const size = high - low;
  const firstCount = middle - low;
  const row = (i: number): number => matrixAt + (low + i) * n + low;
  const z = new Float64Array(size);
  // Last entries of the first half's vectors, first entries of the second half's, scaled to norm 1.
  const sign = coupling < 0 ? -1 : 1;
  for (let i = 0; i < firstCount; i++) z[i] = memory[row(i) + firstCount - 1] * Math.SQRT1_2;
  for (let i = firstCount; i < size; i++) z[i] = sign * memory[row(i) + firstCount] * Math.SQRT1_2;
  const halves = values.slice(low, high);
  const rho = 2 * Math.abs(coupling);
  const deflation = deflate(halves, z, firstCount, rho, (p, q, c, s) => functions.drot(size, address(row(p)), address(row(q)), c, s));

  const { staying, deflated } = deflation;
  const count = staying.length;
  const merged = new Float64Array(size);
  const [, , resultAt] = scratchAt;
  if (count > 0) {
    const poles = Float64Array.from(staying, (i) => halves[i]);
    const kept = Float64Array.from(staying, (i) => z[i]);
    const order = solveSecular(workspace, { poles, z: kept, rho }, deflation, merged);
    combineVectors(workspace, deflation, order, low, middle, high);
  }
  deflated.forEach((i, at) => {
    merged[count + at] = halves[i];
    memory.copyWithin(resultAt + (count + at) * size, row(i), row(i) + size);
  });

  const ascending = Array.from(merged.keys()).sort((p, q) => merged[p] - merged[q]);
  ascending.forEach((from, to) => {
    values[low + to] = merged[from];
    memory.copyWithin(row(to), resultAt + from * size, resultAt + (from + 1) * size);
  });
}

/**
 * Writes the roots to `values` and the eigenvectors of the secular problem as rows to the first scratch area, their entries sorted by
 * kind so that the products below skip the halves where vectors are zero. Returns that order: entry p is the index into both halves.
 */
function solveSecular(workspace: EigenWorkspace, problem: SecularProblem, { staying, kinds }: Deflation, values: Float64Array): Int32Array {
  const byKind = Int32Array.from(staying.keys()).sort((p, q) => kinds[staying[p]] - kinds[staying[q]] || p - q);
  values.set(secularVectors(workspace, problem, byKind));
  return byKind.map((position) => staying[position]);
}

/** Rows of the third scratch area (leading dimension high - low) = secular vectors times the halves' vectors, half by half. */
function combineVectors(workspace: EigenWorkspace, { kinds }: Deflation, order: Int32Array, low: number, middle: number, high: number): void {
  const { n, memory, matrixAt, scratchAt } = workspace;
  const [secularAt, gatheredAt, resultAt] = scratchAt;
  const count = order.length;
  const size = high - low;
  const onlyFirst = order.filter((i) => kinds[i] === Kind.First).length;
  const onlySecond = order.filter((i) => kinds[i] === Kind.Second).length;
  const halves = [
    { from: 0, to: count - onlySecond, column: low, width: middle - low },
    { from: onlyFirst, to: count, column: middle, width: high - middle },
  ];
  for (const { from, to, column, width } of halves) {
    const depth = to - from;
    const target = resultAt + column - low;
    if (depth === 0) {
      for (let j = 0; j < count; j++) memory.fill(0, target + j * size, target + j * size + width);
      continue;
    }
    for (let i = 0; i < depth; i++) {
      const source = matrixAt + (low + order[from + i]) * n + column;
      memory.copyWithin(gatheredAt + i * width, source, source + width);
    }
    blockProduct(
      workspace, { m: count, n: width, k: depth }, { at: secularAt + from, stride: count }, { at: gatheredAt, stride: width }, { at: target, stride: size },
    );
  }
}
