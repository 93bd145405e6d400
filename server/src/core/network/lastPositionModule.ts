/** @file Keeps the last position only (method section 1.3): a network that answers at its last token needs no others after it. */

import type { Engine, Tensor } from "../../engine/engine";
import type { Module } from "./module";

/** Positions that were dropped get a zero cotangent. */
export function lastPositionModule(engine: Engine, id: string, widths: readonly number[]): Module {
  const lastOf = (x: Tensor): Tensor => {
    const [samples, positions, width] = x.shape as [number, number, number];
    return engine.slice(x, [0, positions - 1, 0], [samples, 1, width]);
  };
  const behindZeros = (cotangent: Tensor, positions: number): Tensor => {
    if (positions === 1) return cotangent;
    const [samples, sources, , width] = cotangent.shape as [number, number, number, number];
    const nothing = new Float64Array(samples * sources * (positions - 1) * width);
    return engine.concat([engine.tensor(nothing, [samples, sources, positions - 1, width]), cotangent], 2);
  };
  return {
    id,
    inputWidths: widths,
    outputWidths: widths,
    structure: { kind: "last-position" },
    forward: (inputs) => ({ outputs: inputs.map(lastOf), saved: [inputs[0]] }),
    vjp: ([x], cotangents) => cotangents.map((cotangent) => behindZeros(cotangent, x.shape[1])),
  };
}
