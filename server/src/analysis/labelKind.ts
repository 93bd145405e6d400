/** @file What labels speak of where nobody says (method sections 4.6, 4.8). */

import type { LabelKind } from "../protocol/labels";
import type { ResultMetadata } from "../protocol/result";

/** Of the families that are read, those whose networks take vectors; the others take tokens. */
const familiesOfVectors: readonly string[] = ["mlp", "keras", "layers"];

export function usualLabelKind({ model, spec }: Pick<ResultMetadata, "model" | "spec">): LabelKind {
  if (spec.data.kind === "modular-addition") return "fourier";
  return familiesOfVectors.includes(model.family) ? "class" : "token";
}
