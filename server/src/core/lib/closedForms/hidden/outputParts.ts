/** @file Wide layers of activations in parts of their outputs, so that what one sample takes fits the memory of a chunk. */

import type { Engine } from "../../../../engine/engine";
import { slice } from "../../../linalg/arrange";
import type { Matrix } from "../../../linalg/matrix";
import { samplesThatFit } from "../chunks";
import type { HiddenLayer } from "./hiddenLayer";

/** Numbers that the products of one sample take towards `outputs` of the outputs, temporaries included. */
export const valuesPerRow = ({ into }: HiddenLayer, outputs: number): number => (
  Math.min(into.rows, outputs) * into.cols + 3 * into.rows * outputs + 3 * into.cols + 2 * into.rows
);

export interface OutputPart {
  /** With outputs `first`, `first` + 1 ... only. */
  readonly layer: HiddenLayer;
  readonly first: number;
  /** It is the layer as it was given. */
  readonly isWhole: boolean;
  /** Share of the part's progress in that of the whole, 0 to 1. */
  overall(fraction: number): number;
}

export const wholeLayer = (layer: HiddenLayer): OutputPart => ({ layer, first: 0, isWhole: true, overall: (fraction) => fraction });

/** As few parts of nearly equal size as fit; the whole layer where it does. @param memoryBudget bytes of one chunk */
export function* outputParts(engine: Engine, layer: HiddenLayer, memoryBudget: number): Generator<OutputPart> {
  const outputs = layer.outOf.cols;
  let count = 1;
  while (count < outputs && samplesThatFit(engine, valuesPerRow(layer, Math.ceil(outputs / count)), memoryBudget) < 1) count += 1;
  const size = Math.ceil(outputs / count);
  for (let first = 0; first < outputs; first += size) {
    const end = Math.min(outputs, first + size);
    const isWhole = end - first === outputs;
    const columns = (a: Matrix): Matrix => slice(a, 0, a.rows, first, end);
    const part = isWhole ? layer : { ...layer, outOf: columns(layer.outOf), constant: layer.constant && columns(layer.constant) };
    const before = first;
    yield { layer: part, first, isWhole, overall: (fraction) => (before + fraction * (end - before)) / outputs };
  }
}
