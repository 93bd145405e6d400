import { describe, expect, it } from "vitest";
import { gaussLegendre, trapezoidal, type QuadratureRule } from "../../../server/src/core/linalg/quadrature";

const integrate = ({ nodes, weights }: QuadratureRule, f: (x: number) => number): number =>
  nodes.reduce((sum, x, index) => sum + weights[index] * f(x), 0);

const awkward = (x: number): number => Math.exp(x) + x ** Math.sin(x);
const exact = 2.509686128;

describe("quadrature on [0, 1]", () => {
  it.each([1, 2, 3, 8, 21])("Gauss-Legendre with %i nodes is exact up to degree 2n - 1", (count) => {
    const rule = gaussLegendre(count);
    for (let degree = 0; degree < 2 * count; degree += 1) {
      expect(integrate(rule, (x) => x ** degree)).toBeCloseTo(1 / (degree + 1), 13);
    }
    expect(Math.abs(integrate(rule, (x) => x ** (2 * count)) - 1 / (2 * count + 1))).toBeGreaterThan(0);
  });

  it("meets the method's known answers for exp(x) + x^sin(x)", () => {
    expect(Math.abs(integrate(gaussLegendre(6), awkward) - exact)).toBeLessThan(2e-4);
    expect(Math.abs(integrate(gaussLegendre(51), awkward) - exact)).toBeLessThan(1e-7);
    expect(Math.abs(integrate(trapezoidal(50), awkward) - exact)).toBeLessThan(3e-4);
    expect(Math.abs(integrate(gaussLegendre(51), (x) => 1 / Math.sqrt(x)) / 2 - 1)).toBeLessThan(0.02);
  });

  it("gives weights that sum to 1 and the authors' trapezoidal points", () => {
    for (const rule of [gaussLegendre(7), trapezoidal(1), trapezoidal(10)]) {
      expect(integrate(rule, () => 1)).toBeCloseTo(1, 14);
    }
    const { nodes, weights } = trapezoidal(4);
    expect(nodes[0]).toBeCloseTo(2e-4, 15);
    expect(nodes[4]).toBeCloseTo(1 - 2e-4, 15);
    expect([...weights]).toEqual([0.125, 0.25, 0.25, 0.25, 0.125]);
  });
});
