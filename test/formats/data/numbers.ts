/** @file Vector inputs as numbers, whatever they are kept as. */

import type { Inputs } from "../../../server/src/formats/dataSet";

/** [count, width], row-major */
export function numbersOf(inputs: Inputs): number[] {
  if (inputs.kind === "tokens") throw new Error("expected vectors");
  return inputs.kind === "bytes" ? Array.from(inputs.values, (value) => inputs.meaning[value]!) : [...inputs.values];
}
