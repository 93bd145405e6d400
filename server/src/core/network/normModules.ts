/**
 * @file Layer norm and RMS norm in two halves, so that a node layer can hold the variance beside the residual stream (method section 1.5).
 * The norms have no parameters (they are folded into the weights that follow), and leave out the last component, the constant 1, which
 * passes through. Means run over the d = width - 1 other components.
 */

import type { Engine, Tensor } from "../../engine/engine";
import type { Module, NormShape } from "./module";
import { withSourceAxis } from "./shapes";

interface NormTensors {
  /** Column [width, 1] that takes the mean over the d components. */
  readonly mean: Tensor;
  /** Rows [width]: 1 at the d components and 0 at the constant, and the other way round. */
  readonly components: Tensor;
  readonly constant: Tensor;
}

function normTensors(engine: Engine, width: number): NormTensors {
  const entries = (component: number, constant: number): number[] => Array.from({ length: width }, (_, index) => (index < width - 1 ? component : constant));
  return {
    mean: engine.tensor(entries(1 / (width - 1), 0), [width, 1]),
    components: engine.tensor(entries(1, 0), [width]),
    constant: engine.tensor(entries(0, 1), [width]),
  };
}

/** x - mean for layer norm, x for RMS norm; 0 at the constant: [.., width] */
function centred(engine: Engine, { kind }: NormShape, { mean, components }: NormTensors, x: Tensor): Tensor {
  return engine.mul(kind === "layer-norm" ? engine.sub(x, engine.matMul(x, mean)) : x, components);
}

/**
 * First half: variance (RMS norm: mean square) [.., 1] of input `source`, that input, then the other inputs. Parallel blocks give it
 * (attention + residual, residual) and `source` 1, which swaps the two.
 */
export function normVarianceModule(engine: Engine, id: string, norm: NormShape, widths: readonly number[], source = 0): Module {
  const width = widths[source];
  const tensors = normTensors(engine, width);
  const others = widths.map((_, index) => index).filter((index) => index !== source);
  return {
    id,
    inputWidths: widths,
    outputWidths: [1, width, ...others.map((index) => widths[index])],
    structure: { kind: "norm-variance", norm, source },
    forward: (inputs) => {
      const offsets = centred(engine, norm, tensors, inputs[source]);
      const variance = engine.matMul(engine.square(offsets), tensors.mean);
      return { outputs: [variance, inputs[source], ...others.map((index) => inputs[index])], saved: [offsets] };
    },
    vjp: ([offsets], [variance, x, ...rest]) => {
      // d variance / dx = 2 (x - mean) / d
      const slope = engine.affine(withSourceAxis(engine, offsets), 2 / (width - 1));
      const pulled = engine.add(x, engine.mul(variance, slope));
      return widths.map((_, index) => (index === source ? pulled : rest[others.indexOf(index)]));
    },
  };
}

/**
 * Second half: variance v [.., 1], x, others -> y = (x - mean) / sqrt(max(v, 0) + epsilon), then x if `keepsInput`, then the others.
 * An ablated variance may be negative: it counts as 0 (bad loss is the intended consequence).
 */
export function normDivideModule(engine: Engine, id: string, norm: NormShape, widths: readonly number[], keepsInput: boolean): Module {
  const [, width, ...others] = widths as [number, number, ...number[]];
  const tensors = normTensors(engine, width);
  return {
    id,
    inputWidths: widths,
    outputWidths: keepsInput ? [width, width, ...others] : [width, ...others],
    structure: { kind: "norm-divide", norm, keepsInput },
    forward: ([variance, x, ...rest]) => {
      const deviation = engine.sqrt(engine.affine(engine.maximum(variance, 0), 1, norm.epsilon));
      const divided = engine.div(centred(engine, norm, tensors, x), deviation);
      const y = engine.add(divided, engine.mul(x, tensors.constant));
      return { outputs: keepsInput ? [y, x, ...rest] : [y, ...rest], saved: [variance, deviation, divided] };
    },
    vjp: ([variance, deviation, divided], [y, ...carried]) => {
      // dy/dx = H / deviation with the centring projector H (identity for RMS norm); the constant passes.
      const rate = withSourceAxis(engine, engine.div(tensors.components, deviation));
      const scaled = engine.mul(y, engine.add(rate, tensors.constant));
      const toX = norm.kind === "layer-norm" ? engine.sub(scaled, engine.mul(engine.matMul(y, tensors.mean), rate)) : scaled;
      // dy/dv = -y / (2 deviation^2) without the constant, 0 where v was raised to 0
      const fall = engine.affine(engine.div(engine.activationDerivative("relu", variance), engine.square(deviation)), -0.5);
      const toVariance = engine.mul(engine.sum(engine.mul(y, withSourceAxis(engine, divided)), [3], true), withSourceAxis(engine, fall));
      const [x, ...rest] = keepsInput ? carried : [null, ...carried];
      return [toVariance, x ? engine.add(toX, x) : toX, ...(rest as Tensor[])];
    },
  };
}
