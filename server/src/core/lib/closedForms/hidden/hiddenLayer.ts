/** @file A layer of elementwise activations between two sets of features. */

import type { Matrix } from "../../../linalg/matrix";
import type { ActivationFunction } from "../../../network/activationFunction";

export interface HiddenLayer {
  /** L [r, h]: features to pre-activations. */
  readonly into: Matrix;
  readonly activation: ActivationFunction;
  /** R [h, r']: activations to features of the next layer. */
  readonly outOf: Matrix;
  /** [r, r']: what by-passes the layer; null for nothing. */
  readonly constant: Matrix | null;
}
