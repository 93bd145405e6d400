/** @file Part of a data set, taken evenly: data sets are often sorted by class. */

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
  return { inputs: samplesAt(inputs, chosen), labels: rowsAt(labels, inputs.count, chosen) };
}

/** Every `stride`-th sample, the first one included. */
export function everyNth(inputs: NetworkInputs, stride: number): NetworkInputs {
  return stride === 1 ? inputs : samplesAt(inputs, Array.from({ length: Math.ceil(inputs.count / stride) }, (_, place) => place * stride));
}

/** The first `positions` of the first `samples` samples; what has no positions stays as it is. */
export function firstPositions(inputs: NetworkInputs, samples: number, positions: number): NetworkInputs {
  if (inputs.kind !== "tokens" || positions >= inputs.positions) return inputs;
  const count = Math.min(samples, inputs.count);
  const values = new Int32Array(count * positions);
  for (let sample = 0; sample < count; sample += 1) values.set(inputs.values.subarray(sample * inputs.positions, sample * inputs.positions + positions), sample * positions);
  return { ...inputs, values, count, positions };
}

function samplesAt(inputs: NetworkInputs, chosen: readonly number[]): NetworkInputs {
  const count = chosen.length;
  switch (inputs.kind) {
    case "vectors": return { ...inputs, values: rowsAt(inputs.values, inputs.count, chosen), count };
    case "bytes": return { ...inputs, values: rowsAt(inputs.values, inputs.count, chosen), count };
    case "tokens": return { ...inputs, values: rowsAt(inputs.values, inputs.count, chosen), count };
  }
}

/** The chosen of all rows, copied. */
function rowsAt<Values extends Float32Array | Uint8Array | Int32Array>(from: Values, rows: number, chosen: readonly number[]): Values {
  const width = from.length / rows;
  const to = new (from.constructor as new (length: number) => Values)(chosen.length * width);
  for (const [place, row] of chosen.entries()) to.set(from.subarray(row * width, (row + 1) * width), place * width);
  return to;
}
