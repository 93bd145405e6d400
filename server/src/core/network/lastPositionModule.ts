/** @file Keeps the last position only (method section 1.3): a network that answers at its last token needs no others after it. */

import type { Engine } from "../../engine/engine";
import type { Module } from "./module";

export function lastPositionModule(engine: Engine, id: string, width: number): Module {
  return {
    id,
    inputWidths: [width],
    outputWidths: [width],
    structure: { kind: "last-position" },
    forward: ([x]) => {
      const [samples, positions] = x.shape as [number, number, number];
      return { outputs: [engine.slice(x, [0, positions - 1, 0], [samples, 1, width])], saved: [x] };
    },
    vjp: ([x], [cotangent]) => {
      const positions = x.shape[1];
      if (positions === 1) return [cotangent];
      const [samples, sources] = cotangent.shape as [number, number, number, number];
      const nothing = new Float64Array(samples * sources * (positions - 1) * width);
      return [engine.concat([engine.tensor(nothing, [samples, sources, positions - 1, width]), cotangent], 2)];
    },
  };
}
