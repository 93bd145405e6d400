/** @file How the bases look in every figure. */

import type { BasisName } from "../protocol/result";
import type { SeriesLook } from "./sheet";

export const basisOrder: readonly BasisName[] = ["lib", "pca", "neuron"];

export const basisLooks: Readonly<Record<BasisName, SeriesLook>> = {
  lib: { name: "LIB", colour: 0, dash: "", mark: "dot" },
  pca: { name: "PCA", colour: 1, dash: "6 3", mark: "ring" },
  neuron: { name: "Neurons", colour: 6, dash: "2 3", mark: "square" },
};
