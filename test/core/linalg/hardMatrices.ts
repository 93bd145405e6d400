/**
 * @file Symmetric matrices that break eigensolvers: the families of LAPACK's test program for symmetric eigenproblems (xCHKST: given
 * spectra under random orthogonal similarities, near overflow and underflow) and classical examples.
 */

import { matrix, type Matrix } from "../../../server/src/core/linalg/matrix";
import { uniform } from "./random";

const byIndex = (n: number, at: (i: number, j: number) => number): Matrix => {
  const a = matrix(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a.data[i * n + j] = a.data[j * n + i] = at(i, j);
  return a;
};

const tridiagonal = (n: number, diagonal: (i: number) => number, coupling: (i: number) => number): Matrix =>
  byIndex(n, (i, j) => (i === j ? diagonal(i) : i - j === 1 ? coupling(i) : 0));

/** Q diag(spectrum) Q^T with Q a product of random reflections. */
function withSpectrum(n: number, spectrum: (i: number) => number, seed: number): Matrix {
  const next = uniform(seed);
  const a = byIndex(n, (i, j) => (i === j ? spectrum(i) : 0));
  const { data } = a;
  for (let reflection = 0; reflection < 6; reflection++) {
    const v = Float64Array.from({ length: n }, next);
    const scale = 2 / v.reduce((sum, x) => sum + x * x, 0);
    const p = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) p[i] += scale * data[i * n + k] * v[k];
    const half = (scale / 2) * v.reduce((sum, x, i) => sum + x * p[i], 0);
    for (let i = 0; i < n; i++) p[i] -= half * v[i];
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) data[i * n + k] -= v[i] * p[k] + p[i] * v[k];
  }
  return byIndex(n, (i, j) => data[i * n + j] / 2 + data[j * n + i] / 2);
}

const sign = (i: number): number => (i % 2 === 0 ? 1 : -1);

export const hardMatrices: Record<string, (n: number) => Matrix> = {
  "zero": (n) => matrix(n, n),
  "identity": (n) => byIndex(n, (i, j) => (i === j ? 1 : 0)),
  "diagonal, random": (n) => { const next = uniform(1); return byIndex(n, (i, j) => (i === j ? next() : 0)); },
  "diagonal, arithmetic": (n) => byIndex(n, (i, j) => (i === j ? sign(i) * (1 - i / n) : 0)),
  "diagonal, geometric": (n) => byIndex(n, (i, j) => (i === j ? sign(i) * 2 ** (-52 * i / n) : 0)),
  "diagonal, one large": (n) => byIndex(n, (i, j) => (i !== j ? 0 : i === 0 ? 1 : 2 ** -52)),
  "spectrum arithmetic": (n) => withSpectrum(n, (i) => sign(i) * (1 - i / n), 2),
  "spectrum geometric": (n) => withSpectrum(n, (i) => sign(i) * 2 ** (-52 * i / n), 3),
  "spectrum one large": (n) => withSpectrum(n, (i) => (i === 0 ? 1 : 2 ** -52), 4),
  "spectrum one small": (n) => withSpectrum(n, (i) => (i === 0 ? 2 ** -52 : 1), 5),
  "spectrum arithmetic near overflow": (n) => withSpectrum(n, (i) => sign(i) * 1e300 * (1 - i / n), 6),
  "spectrum arithmetic near underflow": (n) => withSpectrum(n, (i) => sign(i) * 1e-306 * (1 - i / n), 7),
  "all ones": (n) => byIndex(n, () => 1),
  "rank one plus identity": (n) => byIndex(n, (i, j) => 1e-8 + (i === j ? 1 : 0)),
  "Wilkinson": (n) => tridiagonal(n, (i) => Math.abs(i - (n - 1) / 2), () => 1),
  "glued Wilkinson": (n) => tridiagonal(n, (i) => Math.abs((i % 21) - 10), (i) => (i % 21 === 0 ? 1e-9 : 1)),
  "glued Wilkinson, tighter": (n) => tridiagonal(n, (i) => Math.abs((i % 21) - 10), (i) => (i % 21 === 0 ? 1e-14 : 1)),
  "Laplacian": (n) => tridiagonal(n, () => 2, () => -1),
  "Clement": (n) => tridiagonal(n, () => 0, (i) => Math.sqrt(i * (n - i))),
  "negative couplings": (n) => tridiagonal(n, (i) => i % 3, (i) => -sign(i)),
  "three repeated values": (n) => withSpectrum(n, (i) => [1, 2, 2][i % 3], 8),
  "graded over 16 orders": (n) => withSpectrum(n, (i) => 10 ** (-16 * i / n), 9),
  "graded over 300 orders": (n) => byIndex(n, (i, j) => 10 ** (-150 * (i + j) / n) / (1 + Math.abs(i - j))),
  "all near 1e-300": (n) => { const next = uniform(10); return withSpectrum(n, () => 1e-300 * (1 + next() / 2), 11); },
  "subnormal": (n) => byIndex(n, (i, j) => 5e-324 * ((i * j) % 7)),
  "large": (n) => withSpectrum(n, (i) => 1e150 * (i + 1), 12),
  "rank ten": (n) => withSpectrum(n, (i) => (i < 10 ? i + 1 : 0), 13),
  "cluster of 1e-14": (n) => { const next = uniform(14); return withSpectrum(n, () => 1 + 1e-14 * next(), 15); },
  "Hilbert": (n) => byIndex(n, (i, j) => 1 / (i + j + 1)),
  "zeros and ones": (n) => { const next = uniform(16); return byIndex(n, () => (next() > 0.8 ? 1 : 0)); },
  "two blocks": (n) => { const next = uniform(17); return byIndex(n, (i, j) => ((i < n / 2) === (j < n / 2) ? next() : 0)); },
  "arrow": (n) => byIndex(n, (i, j) => (i === j ? i : j === 0 ? 1 : 0)),
  "Gram of few samples": (n) => { const next = uniform(18); const x = Float64Array.from({ length: 5 * n }, next);
    return byIndex(n, (i, j) => { let sum = 0; for (let r = 0; r < 5; r++) sum += x[r * n + i] * x[r * n + j]; return sum; }); },
};
