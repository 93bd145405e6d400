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

/** The Jacobian of a section in one basis, without the constant feature; null when the result does not store it. */
export async function sectionMatrix(matrices: Matrices, data: LensData, section: number, basis: BasisName, statistic: HeatmapState["statistic"]): Promise<SectionMatrix | null> {
  const name = statistic === "mean" ? resultTensorName.jacobian(basis, section) : resultTensorName.jacobianRms(basis, section);
  const stored = await matrices.get(name);
  if (stored === null) return null;
  const centred = data.metadata?.spec?.basis?.center !== false;
  const rows = side(data.layers[section + 1]!, basis, centred);
  const cols = side(data.layers[section]!, basis, centred);
  return { basis, matrix: without(stored, rows.first, cols.first), rowName: (index) => `${rows.letter}${index + rows.first}`, colName: (index) => `${cols.letter}${index + cols.first}` };
}

/** The constant feature carries biases, not a dependence on the input: it is left out of the picture. */
function side(layer: LayerSlot, basis: BasisName, centred: boolean): { first: number; letter: string } {
  const rotated = basis !== "neuron" && (layer.summary?.kept ?? 0) > 0;
  return { first: rotated && centred ? 1 : 0, letter: rotated ? "f" : "n" };
}

function without({ rows, cols, values }: ViewMatrix, firstRow: number, firstCol: number): ViewMatrix {
  if (firstRow === 0 && firstCol === 0) return { rows, cols, values };
  const result = new Float32Array((rows - firstRow) * (cols - firstCol));
  for (let row = firstRow; row < rows; row++) result.set(values.subarray(row * cols + firstCol, (row + 1) * cols), (row - firstRow) * (cols - firstCol));
  return { rows: rows - firstRow, cols: cols - firstCol, values: result };
}
