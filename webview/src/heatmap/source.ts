/** @file Which matrices a section has, and what their sides are called. */

import { resultTensorName, type BasisName } from "../../../server/src/protocol/result";
import type { ViewMatrix } from "../../../server/src/protocol/views";
import type { LayerSlot, LensData } from "../shared/data";
import type { Matrices } from "../shared/matrices";
import type { HeatmapState } from "../shared/savedState";

export const basisTitles: Record<BasisName, string> = { neuron: "Neurons", pca: "PCA", lib: "LIB" };

export interface SectionMatrix {
  basis: BasisName;
  matrix: ViewMatrix;
  rowName(index: number): string;
  colName(index: number): string;
}

/** The Jacobian of a section in one basis, without the constant; null when the result does not store it. */
export async function sectionMatrix(matrices: Matrices, data: LensData, section: number, basis: BasisName, statistic: HeatmapState["statistic"]): Promise<SectionMatrix | null> {
  const name = statistic === "mean" ? resultTensorName.jacobian(basis, section) : resultTensorName.jacobianRms(basis, section);
  const stored = await matrices.get(name);
  if (stored === null) return null;
  const centred = data.metadata?.spec?.basis?.center !== false;
  const rows = side(data.layers[section + 1]!, basis, centred);
  const cols = side(data.layers[section]!, basis, centred);
  return {
    basis,
    matrix: part(stored, rows, cols),
    rowName: (index) => `${rows.letter}${index + rows.first}`,
    colName: (index) => `${cols.letter}${index + cols.first}`,
  };
}

/** Indices of a side that are shown: from `first`, and `last` ones less. */
interface Side { first: number; last: number; letter: string }

/**
 * The constant carries biases, not a dependence on the input, and is left out of the picture:
 * it is the first feature of a basis and the last component of a layer's own activations.
 */
function side(layer: LayerSlot, basis: BasisName, centred: boolean): Side {
  const rotated = (layer.summary?.kept ?? 0) > 0;
  const constant = rotated && centred ? 1 : 0;
  return basis === "neuron" || !rotated ? { first: 0, last: constant, letter: "n" } : { first: constant, last: 0, letter: "f" };
}

function part({ rows, cols, values }: ViewMatrix, row: Side, col: Side): ViewMatrix {
  const height = rows - row.first - row.last;
  const width = cols - col.first - col.last;
  if (height === rows && width === cols) return { rows, cols, values };
  const result = new Float32Array(height * width);
  for (let at = 0; at < height; at++) {
    const start = (at + row.first) * cols + col.first;
    result.set(values.subarray(start, start + width), at * width);
  }
  return { rows: height, cols: width, values: result };
}
