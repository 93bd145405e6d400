/** @file Gated activation act(gate) * up of the first two tensors; the others (residual stream) are handed on. */

import type { Engine } from "../../engine/engine";
import { activationSlope, applyActivation, type ActivationFunction } from "./activationFunction";
import type { Module } from "./module";
import { withSourceAxis } from "./shapes";

/** @param width of gate and of up, their constants included (act(r) = 1 in the gate, 1 in up: the product carries the constant) */
export function gatedActivationModule(engine: Engine, id: string, width: number, carried: readonly number[], activation: ActivationFunction): Module {
  return {
    id,
    inputWidths: [width, width, ...carried],
    outputWidths: [width, ...carried],
    structure: { kind: "gated-activation", activation },
    forward: ([gate, up, ...others]) => ({
      outputs: [engine.mul(applyActivation(engine, activation, gate), up), ...others],
      saved: [gate, up],
    }),
    vjp: ([gate, up], [cotangent, ...others]) => [
      engine.mul(cotangent, withSourceAxis(engine, engine.mul(activationSlope(engine, activation, gate), up))),
      engine.mul(cotangent, withSourceAxis(engine, applyActivation(engine, activation, gate))),
      ...others,
    ],
  };
}
