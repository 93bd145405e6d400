/**
 * @file Elementwise activation functions and how they carry the constant component (method section 1.2).
 *
 * A folded affine layer gives its constant column the value r with act(r) = 1, so that the constant survives the activation.
 * relu, leaky_relu, identity: r = 1; gelu, gelu_new, silu: the positive root. tanh and sigmoid stay below 1 and have no
 * root: there the constant component passes the activation unchanged (value 1, slope 1), which is what the network computes,
 * because the constant is bookkeeping and not a neuron.
 */

import type { ActivationName } from "../../protocol/spec";
import type { Engine, Tensor } from "../../engine/engine";

export interface ActivationFunction {
  readonly name: ActivationName;
  /** leaky_relu only. */
  readonly negativeSlope?: number;
  /** r: value of the folded constant column before the activation. */
  readonly constantRoot: number;
  /** The last component is not activated (tanh, sigmoid). */
  readonly passesConstant: boolean;
}

/** Solutions r of act(r) = 1; null where there is none. */
const roots: Record<ActivationName, number | null> = {
  relu: 1,
  leaky_relu: 1,
  identity: 1,
  gelu: 1.144450718352879,
  gelu_new: 1.1446303090227823,
  silu: 1.2784645427610738,
  tanh: null,
  sigmoid: null,
};

/** @param negativeSlope read for leaky_relu only; its default is PyTorch's */
export function activationFunction(name: ActivationName, negativeSlope = 0.01): ActivationFunction {
  const root = roots[name];
  const base = { name, constantRoot: root ?? 1, passesConstant: root === null };
  return name === "leaky_relu" ? { ...base, negativeSlope } : base;
}

/** The same function for vectors that carry no constant: every component is activated. */
export const withoutConstant = (activation: ActivationFunction): ActivationFunction => ({ ...activation, passesConstant: false });

const optionsOf = ({ negativeSlope }: ActivationFunction): { negativeSlope?: number } => (negativeSlope === undefined ? {} : { negativeSlope });

/** act(x) over [..., d], the constant component (last) included. */
export function applyActivation(engine: Engine, activation: ActivationFunction, x: Tensor): Tensor {
  const value = (part: Tensor): Tensor => engine.activation(activation.name, part, optionsOf(activation));
  if (!activation.passesConstant) return value(x);
  const [neurons, constant] = splitConstant(engine, x);
  return engine.concat([value(neurons), constant], x.shape.length - 1);
}

/** act'(x) over [..., d]; 1 at a constant component that is passed on. */
export function activationSlope(engine: Engine, activation: ActivationFunction, x: Tensor): Tensor {
  const slope = (part: Tensor): Tensor => engine.activationDerivative(activation.name, part, optionsOf(activation));
  if (!activation.passesConstant) return slope(x);
  const [neurons, constant] = splitConstant(engine, x);
  return engine.concat([slope(neurons), engine.affine(constant, 0, 1)], x.shape.length - 1);
}

function splitConstant(engine: Engine, x: Tensor): [Tensor, Tensor] {
  const last = x.shape.length - 1;
  const width = x.shape[last];
  const origin = x.shape.map(() => 0);
  const sized = (size: number): number[] => [...x.shape.slice(0, last), size];
  return [
    engine.slice(x, origin, sized(width - 1)),
    engine.slice(x, [...origin.slice(0, last), width - 1], sized(1)),
  ];
}
