/** @file Quadrature rules on the unit interval. */

export interface QuadratureRule {
  /** Points in (0, 1), ascending. */
  readonly nodes: Float64Array;
  /** Sum 1. */
  readonly weights: Float64Array;
}

/**
 * Gauss-Legendre rule with `count` nodes: exact for polynomials of degree 2 count - 1. Nodes by Newton's method on the Legendre
 * polynomial from the asymptotic guess of each root.
 */
export function gaussLegendre(count: number): QuadratureRule {
  const nodes = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    let x = -Math.cos((Math.PI * (index + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let step = 0; step < 20; step += 1) {
      const { value, derivative } = legendre(count, x);
      slope = derivative;
      const change = value / derivative;
      x -= change;
      if (Math.abs(change) < 1e-16) break;
    }
    nodes[index] = (x + 1) / 2;
    // The usual weight 2 / ((1 - x^2) P'(x)^2), halved for an interval of length 1.
    weights[index] = 1 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}

/**
 * Trapezoidal rule with n >= 1 intervals as the method's authors use it: n + 1 equally spaced points on [e, 1 - e] with
 * e = 1e-3 / (n + 1), weights 1/n, half at both ends. The margin keeps the points off the singularities that 0 and 1 may be.
 */
export function trapezoidal(intervals: number): QuadratureRule {
  const margin = 1e-3 / (intervals + 1);
  const step = (1 - 2 * margin) / intervals;
  return {
    nodes: Float64Array.from({ length: intervals + 1 }, (_, index) => margin + index * step),
    weights: Float64Array.from({ length: intervals + 1 }, (_, index) => (index === 0 || index === intervals ? 0.5 : 1) / intervals),
  };
}

/** Legendre polynomial of the given degree at x, by its three-term recurrence. */
function legendre(degree: number, x: number): { value: number; derivative: number } {
  let before = 1;
  let value = x;
  for (let k = 2; k <= degree; k += 1) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  return { value, derivative: (degree * (x * value - before)) / (x * x - 1) };
}
