/** @file First and second moments of a node layer. */

import type { Matrix } from "../../linalg/matrix";

export interface LayerStatistics {
  /** mu [d]; the constant component's is exactly 1. */
  readonly mean: Float64Array;
  /** Gram of the (centred) activations [d, d]. */
  readonly gram: Matrix;
  /** The mean was subtracted before the Gram was formed. */
  readonly centered: boolean;
}
