/** @file The bases that the graph and its tables can be drawn in. */

import type { BasisName } from "../../../server/src/protocol/result";

export const basisChoices: readonly { value: BasisName; label: string }[] = [
  { value: "lib", label: "LIB" }, { value: "pca", label: "PCA" }, { value: "neuron", label: "Neurons" },
];
