/**
 * @file A norm in front of attention. With the notation of tokenForm.ts the norm's Jacobian at input position s is
 *
 *   N_s = A + rho_s E + (M l_s) g_s,    A = skip, E = L R, g_s = r_s R,
 *
 * and at alpha x it gives alpha (x A + rho_s x E).
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import type { Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { Norm } from "../../../network/normStructure";
import type { IntegrationPoint } from "../../sources/integration";
import { asRows } from "../chunks";
import { toTensor } from "../matrices";
import { normForm } from "../tokens/normForm";

/** The norm at one point of the integration. */
export interface NormedPoint {
  /** What the attention reads [B, S, d'] */
  readonly output: Tensor;
  /** rho [B, S, 1] */
  readonly rate: Tensor;
  /** g [B, S, d'] */
  readonly fall: Tensor;
}

export class NormedInput {
  /** A and E [d, d'] */
  readonly parts: readonly [Matrix, Matrix];
  /** M [d, m] */
  readonly leftMap: Matrix;
  /** Numbers that `at` makes per sample and position. */
  readonly valuesPerPosition: number;
  readonly #evaluator: ReturnType<ReturnType<typeof normForm>["prepare"]>;
  readonly #weights: readonly Tensor[];
  readonly #outOf: Tensor;

  constructor(private readonly engine: Engine, norm: Norm) {
    const form = normForm(norm);
    this.parts = [form.skip, multiply(form.into[0], form.outOf)];
    [this.leftMap] = form.leftMaps;
    this.valuesPerPosition = form.valuesPerRow + 5 * form.skip.cols;
    this.#evaluator = form.prepare(engine);
    this.#weights = this.parts.map((part) => toTensor(engine, part));
    this.#outOf = toTensor(engine, form.outOf);
  }

  /** @param x [B, S, d] @returns the norm at every point, and l [B, S, m], which is the same at all of them; call inside `tidy` */
  at(x: Tensor, points: readonly IntegrationPoint[]): { points: NormedPoint[]; left: Tensor } {
    const { engine } = this;
    const [samples, positions] = x.shape as [number, number, number];
    const perPosition = (rows: Tensor): Tensor => engine.reshape(rows, [samples, positions, rows.shape[1]]);
    const rows = asRows(engine, x);
    const [past, normed] = this.#weights.map((weight) => engine.matMul(rows, weight));
    const evaluated = points.map(({ alpha }) => ({ alpha, ...this.#evaluator.evaluate(rows, [{ alpha, weight: 1 }]) }));
    return {
      left: perPosition(evaluated[0].terms[0].left),
      points: evaluated.map(({ alpha, slopes: [rate], terms: [{ right }] }) => ({
        output: perPosition(engine.affine(engine.add(past, engine.mul(normed, rate)), alpha)),
        rate: perPosition(rate),
        fall: perPosition(engine.matMul(right, this.#outOf)),
      })),
    };
  }

  dispose(): void {
    this.#evaluator.dispose();
    this.engine.dispose(...this.#weights, this.#outOf);
  }
}
