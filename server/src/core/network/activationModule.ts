/** @file Elementwise activation of the first tensor; the others (residual stream) are handed on. */

import type { Engine } from "../../engine/engine";
import { activationSlope, applyActivation, type ActivationFunction } from "./activationFunction";
import type { Module } from "./module";
import { withSourceAxis } from "./shapes";

/** @param widths of the first tensor [B, S, d] and of those handed on */
export function activationModule(engine: Engine, id: string, widths: readonly number[], activation: ActivationFunction): Module {
  return {
    id,
    inputWidths: widths,
    outputWidths: widths,
    structure: { kind: "activation", activation },
    forward: ([x, ...others]) => ({
      outputs: [applyActivation(engine, activation, x), ...others],
      saved: [x],
    }),
    vjp: ([x], [cotangent, ...others]) => [
      engine.mul(cotangent, withSourceAxis(engine, activationSlope(engine, activation, x))),
      ...others,
    ],
  };
}
