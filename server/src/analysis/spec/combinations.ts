/** @file Rules between the fields of a spec that a schema cannot say (method sections 1.2, 2.4, 2.7, 3.3). */

import type { AnalysisSpec } from "../../protocol/spec";

export interface CombinationProblem { pointer: string; message: string }

/** @param spec must satisfy the schema already. */
export function checkCombinations(spec: AnalysisSpec): CombinationProblem[] {
  const problems: CombinationProblem[] = [];
  const basis = spec.basis ?? {};
  const integration = basis.integration ?? "gradient";
  if (integration === "gradient" && (basis.intervals ?? 0) !== 0) {
    problems.push({ pointer: "/basis/intervals", message: "\"basis.intervals\" must be 0 with \"gradient\" integration: it evaluates at the activation only. Choose \"gauss-legendre\" or \"trapezoidal\" to integrate." });
  }
  if (basis.formula === "neuron" && basis.center === true) {
    problems.push({ pointer: "/basis/center", message: "\"basis.center\" cannot be true with the \"neuron\" formula: the neurons are taken as they are. Remove it or choose \"svd\" for centred principal components." });
  }
  if (spec.edges?.formula === "functional" && integration === "gradient") {
    problems.push({ pointer: "/edges/formula", message: "\"functional\" edges are zero everywhere with \"gradient\" integration: choose \"squared\", or integrate with \"gauss-legendre\"." });
  }
  if (spec.architecture?.family === "layers" && !spec.architecture.layers) {
    problems.push({ pointer: "/architecture/family", message: "Family \"layers\" needs \"architecture.layers\": list the names of the affine layers in order." });
  }
  if (spec.architecture?.negativeSlope !== undefined && spec.architecture.activation !== "leaky_relu") {
    problems.push({ pointer: "/architecture/negativeSlope", message: "\"architecture.negativeSlope\" belongs to the activation \"leaky_relu\": set that activation or remove the slope." });
  }
  return problems;
}
