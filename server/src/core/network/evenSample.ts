/** @file Part of a labelled data set, taken evenly: data sets are often sorted by class. */

import type { NetworkInputs } from "./network";

export interface LabelledInputs {
  readonly inputs: NetworkInputs;
  /** One class per sample, or per sample and output position. */
  readonly labels: Int32Array;
}

/** At most `most` samples, the first one included; the data set itself when it is not larger. */
export function evenSample({ inputs, labels }: LabelledInputs, most: number): LabelledInputs {
  if (inputs.count <= most) return { inputs, labels };
  const chosen = Array.from({ length: most }, (_, place) => Math.floor((place * inputs.count) / most));
  const chosenLabels = new Int32Array(most * (labels.length / inputs.count));
  copyRows(labels, inputs.count, chosen, chosenLabels);
  if (inputs.kind === "vectors") {
    const values = new Float32Array(most * inputs.width);
    copyRows(inputs.values, inputs.count, chosen, values);
    return { inputs: { ...inputs, values, count: most }, labels: chosenLabels };
  }
  if (inputs.kind === "bytes") {
    const values = new Uint8Array(most * inputs.width);
    copyRows(inputs.values, inputs.count, chosen, values);
    return { inputs: { ...inputs, values, count: most }, labels: chosenLabels };
  }
  const values = new Int32Array(most * inputs.positions);
  copyRows(inputs.values, inputs.count, chosen, values);
  return { inputs: { ...inputs, values, count: most }, labels: chosenLabels };
}

function copyRows<Values extends Float32Array | Uint8Array | Int32Array>(from: Values, rows: number, chosen: readonly number[], to: Values): void {
  const width = from.length / rows;
  for (const [place, row] of chosen.entries()) to.set(from.subarray(row * width, (row + 1) * width), place * width);
}
