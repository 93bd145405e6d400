/** @file The points alpha and weights of integrated Jacobians (method section 2.4). */

import { gaussLegendre, trapezoidal, type QuadratureRule } from "../linalg/quadrature";
import { NetworkError } from "../network/networkError";

export type IntegrationMethod = "gradient" | "gauss-legendre" | "trapezoidal";

/** alpha scales the whole homogeneous activation vector, constant included. */
export interface IntegrationPoint {
  readonly alpha: number;
  readonly weight: number;
}

/**
 * @param intervals 0 for `gradient` (the Jacobian at the data point itself)
 * @throws NetworkError when the method does not take that number of intervals.
 */
export function integrationPoints(method: IntegrationMethod, intervals: number): IntegrationPoint[] {
  if (!Number.isInteger(intervals) || intervals < 0) throw new NetworkError(`"intervals" is ${intervals}, but needs a whole number of 0 or more.`);
  if (method === "gradient") {
    if (intervals !== 0) throw new NetworkError(`Integration "gradient" takes no intervals, but "intervals" is ${intervals}. Set it to 0 or choose "gauss-legendre".`);
    return [{ alpha: 1, weight: 1 }];
  }
  if (intervals === 0) return [{ alpha: 0.5, weight: 1 }];
  return pointsOf(method === "gauss-legendre" ? gaussLegendre(intervals + 1) : trapezoidal(intervals));
}

const pointsOf = ({ nodes, weights }: QuadratureRule): IntegrationPoint[] => Array.from(nodes, (alpha, index) => ({ alpha, weight: weights[index] }));
