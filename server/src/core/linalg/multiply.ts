/** @file Product of two float64 matrices. */

import { fastestProducts } from "../../engine/products/hostProducts";
import { planMatMul, type MatMulOptions } from "../../engine/shapes";
import { matrix, type Matrix } from "./matrix";

/**
 * op(a) op(b), where op transposes on request.
 * @param room memory for the result, at least as long: fresh memory costs more than a small product
 * @throws RangeError when the inner dimensions differ.
 */
export function multiply(a: Matrix, b: Matrix, options: MatMulOptions = {}, room?: Float64Array): Matrix {
  const { plan } = planMatMul([a.rows, a.cols], [b.rows, b.cols], options);
  const out = matrix(plan.m, plan.n, room?.subarray(0, plan.m * plan.n));
  if (plan.k === 0) out.data.fill(0);
  else if (out.data.length > 0) fastestProducts().products.multiply(plan, a.data, b.data, out.data);
  return out;
}
