/**
 * @file A basis that comes from outside, such as the decoder of a sparse autoencoder or the components of an ICA, under the same protocol as
 * LIB: C and C_pinv with C_pinv C = 1, features in the order of their mean square, the constant apart where the layer is centred.
 */

import { place, selectColumns, selectRows, slice, transpose } from "../../linalg/arrange";
import { diagonal } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { pseudoInverse, rank } from "../../linalg/svd";
import { NetworkError } from "../../network/networkError";
import { centeredFrom, restoringMean } from "../statistics/centering";
import type { LayerStatistics } from "../statistics/statistics";
import { basisBesidePca, type Thresholds } from "./basis";
import type { LayerBasis } from "./layerBasis";
import type { PrincipalDirections } from "./pca";

export interface ImportedDirections {
  /** [features, components]: of a centred layer without the constant component, of another with every component. */
  readonly directions: Matrix;
  /** A decoder's rows are what a feature writes, C_pinv; an encoder's are what a feature reads, C^T. The other one is the pseudo-inverse. */
  readonly role: "decoder" | "encoder";
  /** File and tensor, for people. */
  readonly source: string;
}

/** Share of the largest singular value that the smallest must exceed: below it lies the rounding of float32 files. */
const smallestSingularValue = 1e-6;

export interface ImportedBasis {
  readonly basis: LayerBasis;
  /** Row in the file of every feature after the constant. */
  readonly order: readonly number[];
}

/** @throws NetworkError when the matrix does not fit the layer, or has no left inverse because its features are linearly dependent. */
export function importedBasis(
  name: string, statistics: LayerStatistics, principal: PrincipalDirections, imported: ImportedDirections, thresholds: Thresholds,
): ImportedBasis {
  const { directions, role, source } = imported;
  const { gram, centered } = statistics;
  const components = gram.rows - (centered ? 1 : 0);
  checkShape(name, imported, components, centered);
  const found = rank(directions, smallestSingularValue);
  if (found < directions.rows) {
    throw new NetworkError(
      `The imported basis of "${name}" (${source}) has ${directions.rows} features but rank ${found}, so that features cannot be told apart. `
      + `Give at most ${components} linearly independent ones.`,
    );
  }
  const inverse = pseudoInverse(directions);
  const [reads, writes] = role === "decoder" ? [inverse, directions] : [transpose(directions), transpose(inverse)];
  const meanSquare = diagonal(multiply(multiply(reads, slice(gram, 0, components, 0, components), { transposeA: true }), reads));
  const order = Array.from(meanSquare.keys()).sort((a, b) => meanSquare[b] - meanSquare[a]);
  const lambda = order.map((feature) => Math.max(0, meanSquare[feature]));
  const [C, CPinv] = [selectColumns(reads, order), selectRows(writes, order)];
  const own = centered
    ? {
      C: () => centeredFrom(statistics.mean, besideConstant(C)),
      CPinv: () => restoringMean(transpose(besideConstant(transpose(CPinv))), statistics.mean),
      lambda: Float64Array.of(1, ...lambda),
      masked: 1,
    }
    : { C: () => C, CPinv: () => CPinv, lambda: Float64Array.from(lambda), masked: 0 };
  return { basis: basisBesidePca(statistics, principal, thresholds, own), order };
}

function checkShape(name: string, { directions, source }: ImportedDirections, components: number, centered: boolean): void {
  const layer = `node layer "${name}" has ${components} components${centered ? " beside the constant" : ""}`;
  if (directions.cols !== components) {
    throw new NetworkError(`The imported basis of "${name}" (${source}) has features of ${directions.cols} components, but ${layer}. Give a matrix of that width.`);
  }
  if (directions.rows > components) {
    throw new NetworkError(
      `The imported basis of "${name}" (${source}) has ${directions.rows} features, but ${layer}: more features than components have no left inverse. `
      + `Choose at most ${components} linearly independent ones.`,
    );
  }
}

/** [w, r] -> [w + 1, r + 1]: column 0 is the constant component, which the others do not contain. */
function besideConstant(a: Matrix): Matrix {
  const result = matrix(a.rows + 1, a.cols + 1);
  place(result, a, 0, 1);
  result.data[a.rows * result.cols] = 1;
  return result;
}
