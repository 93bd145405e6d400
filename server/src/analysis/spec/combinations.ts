/** @file Rules between the fields of a spec that a schema cannot say (method sections 1.2, 2.4, 2.7, 3.3). */

import { usualIntegration } from "../../core/lib/sources/integration";
import { fieldsOfKind, foreignFields } from "../../formats/data/fields";
import type { AnalysisSpec, DataSpec } from "../../protocol/spec";

export interface CombinationProblem { pointer: string; message: string }

/** @param spec must satisfy the schema already. */
export function checkCombinations(spec: AnalysisSpec): CombinationProblem[] {
  const problems: CombinationProblem[] = [];
  const refuse = (pointer: string, message: string): void => void problems.push({ pointer, message });
  const basis = spec.basis ?? {};
  const formula = basis.formula ?? "jacobian";
  const integration = basis.integration ?? usualIntegration(formula);
  const rules = typeof integration === "string" ? [integration] : Object.values(integration);
  if (rules.every((rule) => rule === "gradient") && (basis.intervals ?? 0) !== 0) {
    refuse("/basis/intervals", "\"basis.intervals\" must be 0 with \"gradient\" integration: it evaluates at the activation only. Choose \"gauss-legendre\" or \"trapezoidal\" to integrate.");
  }
  if (formula === "neuron" && basis.center === true) {
    refuse("/basis/center", "\"basis.center\" cannot be true with the \"neuron\" formula: the neurons are taken as they are. Remove it or choose \"svd\" for centred principal components.");
  }
  if (formula === "neuron" && basis.rotateOutput === true) {
    refuse("/basis/rotateOutput", "\"basis.rotateOutput\" cannot be true with the \"neuron\" formula: the neurons are taken as they are. Remove it or choose \"svd\".");
  }
  if ((formula === "neuron" || formula === "svd") && basis.global === true) {
    refuse("/basis/global", `"basis.global" has no meaning with the "${formula}" formula, which looks at no later layer: remove it or choose "jacobian".`);
  }
  if (formula !== "jacobian" && (isGiven(basis.sources?.position) || isGiven(basis.sources?.hidden))) {
    refuse("/basis/sources", `"basis.sources" are for the "jacobian" formula only, not for "${formula}": remove them or change the formula.`);
  }
  if (formula === "(1-alpha)^2" && rules.includes("gradient")) {
    refuse("/basis/integration", "The \"(1-alpha)^2\" formula is zero everywhere with \"gradient\" integration: choose \"gauss-legendre\", or remove \"integration\".");
  }
  if (spec.edges?.formula === "functional" && rules.includes("gradient")) {
    refuse("/edges/formula", "\"functional\" edges are zero everywhere with \"gradient\" integration: choose \"squared\", or integrate with \"gauss-legendre\".");
  }
  if (spec.edges?.formula === "functional" && isGiven(spec.edges.sources)) {
    refuse("/edges/sources", "\"edges.sources\" are for \"squared\" edges only: functional edges cannot be split over positions. Remove them or choose \"squared\".");
  }
  if (spec.architecture?.family === "layers" && !spec.architecture.layers) {
    refuse("/architecture/family", "Family \"layers\" needs \"architecture.layers\": list the names of the affine layers in order.");
  }
  const { activation, activations, negativeSlope } = spec.architecture ?? {};
  if (activation && activations) refuse("/architecture/activations", "\"activation\" and \"activations\" say the same thing twice: keep one of them.");
  if (negativeSlope !== undefined && activation !== "leaky_relu" && !activations?.includes("leaky_relu")) {
    refuse("/architecture/negativeSlope", "\"architecture.negativeSlope\" belongs to the activation \"leaky_relu\": set that activation or remove the slope.");
  }
  problems.push(...dataProblems(spec.data, "/data"));
  if (spec.evaluation?.data) problems.push(...dataProblems(spec.evaluation.data, "/evaluation/data"));
  return problems;
}

function dataProblems(data: DataSpec, pointer: string): CombinationProblem[] {
  const problems = foreignFields(data).map((field) => ({
    pointer: `${pointer}/${field}`, message: `"${field}" means nothing for data of kind "${data.kind}": remove it. Known are ${fieldsOfKind(data.kind).join(", ")}.`,
  }));
  if (data.kind === "text" && data.tokenizer === undefined) {
    problems.push({ pointer: `${pointer}/kind`, message: "Data of kind \"text\" need a \"tokenizer\": name a tokenizer.json, a vocab.json with merges.txt beside it, or a tokenizer.bin of llama2.c." });
  }
  return problems;
}

const isGiven = (count: number | null | undefined): boolean => count !== null && count !== undefined;
