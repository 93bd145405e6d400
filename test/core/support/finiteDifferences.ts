/** @file Vector-Jacobian products against central differences. */

import type { Engine, Tensor } from "../../../server/src/engine/engine";
import { gaussian } from "./networks";

interface Differentiable {
  forward(inputs: readonly Tensor[]): { readonly outputs: readonly Tensor[]; readonly saved: readonly Tensor[] };
  vjp(saved: readonly Tensor[], cotangents: readonly Tensor[]): readonly Tensor[];
}

const sources = 3;
const step = 1e-5;

/**
 * Largest relative deviation, over sources and samples, between <cotangent, (F(x + hd) - F(x - hd)) / 2h> and <vjp(cotangent), d> for
 * random cotangents and a random direction d. A right product in float64 stays near 1e-9.
 */
export async function vjpDeviation(engine: Engine, module: Differentiable, inputs: readonly Tensor[], seed: number): Promise<number> {
  const next = gaussian(seed);
  const random = (shape: readonly number[]): Tensor => engine.tensor(Float64Array.from({ length: size(shape) }, next), shape);
  const run = module.forward(inputs);
  const samples = inputs[0].shape[0];
  const directions = inputs.map(({ shape }) => random(shape));
  const moved = (sign: number): readonly Tensor[] =>
    module.forward(inputs.map((input, index) => engine.add(input, engine.affine(directions[index], sign * step)))).outputs;
  const up = moved(1);
  const down = moved(-1);
  const cotangents = run.outputs.map(({ shape }) => random([samples, sources, ...shape.slice(1)]));
  const pulled = module.vjp(run.saved, cotangents);

  const deviations = new Float64Array(samples * sources);
  let scale = 0;
  const add = async (left: Tensor, right: Tensor, sign: number): Promise<void> => {
    const widened = engine.reshape(right, [samples, 1, ...right.shape.slice(1)]);
    const products = await engine.read(engine.sum(engine.mul(left, widened), [2, 3]));
    products.forEach((value, index) => {
      deviations[index] += sign * value;
      scale = Math.max(scale, Math.abs(value));
    });
  };
  for (const [index, cotangent] of cotangents.entries()) {
    await add(cotangent, engine.affine(engine.sub(up[index], down[index]), 1 / (2 * step)), 1);
  }
  for (const [index, gradient] of pulled.entries()) await add(gradient, directions[index], -1);
  return Math.max(...deviations.map(Math.abs)) / scale;
}

const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
