/** @file Options that exclude each other. */

import { NetworkError } from "../network/networkError";
import { integrationPoints } from "./integration";
import type { LibOptions } from "./options";

/** @throws NetworkError in one sentence. */
export function checkLibOptions(options: LibOptions): void {
  integrationPoints(options.integration, options.intervals);
  if (options.formula === "neuron" && options.center) {
    throw new NetworkError('The basis formula "neuron" does not work with centring. Set "center" to false in the spec.');
  }
  for (const threshold of [options.threshold, options.pcaThreshold]) {
    if (!(threshold >= 0 && threshold < 1)) {
      throw new NetworkError(`The basis threshold ${threshold} is not between 0 and 1. It is relative to the largest eigenvalue; 1e-6 is usual.`);
    }
  }
}
