/** @file The points alpha and weights of integrated Jacobians (method section 2.4). */

import type { BasisFormula, Integration } from "../../../protocol/spec";
import { gaussLegendre, trapezoidal, type QuadratureRule } from "../../linalg/quadrature";
import { NetworkError } from "../../network/networkError";

export type IntegrationMethod = Integration;

export interface IntegrationRule {
  readonly integration: IntegrationMethod;
  /** 0 for `gradient`. */
  readonly intervals: number;
}

/** The rule of an analysis whose options name none: the two older formulas are integrals by definition. */
export const usualIntegration = (formula: BasisFormula): IntegrationMethod => (formula.startsWith("(1-") ? "gauss-legendre" : "gradient");

/** The rule of the section that starts at a node layer: by the longest key that its name begins with, the usual one when there is none. */
export function integrationRule(
  { formula, integration, intervals }: {
    readonly formula: BasisFormula; readonly integration: IntegrationMethod | Readonly<Record<string, IntegrationMethod>>; readonly intervals: number;
  },
  layer: string,
): IntegrationRule {
  if (typeof integration === "string") return { integration, intervals };
  const [key] = Object.keys(integration).filter((name) => layer.startsWith(name)).sort((a, b) => b.length - a.length);
  const method = key === undefined ? usualIntegration(formula) : integration[key];
  return { integration: method, intervals: method === "gradient" ? 0 : intervals };
}

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
