/** @file Options that exclude each other (method sections 2.4, 2.7, 2.8, 3.2, 3.3, 8.3). */

import { NetworkError } from "../network/networkError";
import type { LibOptions, Threshold } from "./options";
import { integrationPoints, integrationRule } from "./sources/integration";

/** @param layers names of the node layers, first to last @throws NetworkError in one sentence. */
export function checkLibOptions(options: LibOptions, layers: readonly string[]): void {
  checkIntegration(options, layers);
  const unknown = [...options.imported.keys()].find((layer) => !layers.includes(layer));
  if (unknown !== undefined) refuse(`"bases" names "${unknown}", which is no node layer of this analysis. The node layers are ${layers.join(", ")}.`);
  const { formula, sources } = options;
  if (formula === "neuron" && options.center) refuse('The basis formula "neuron" does not work with centring. Set "center" to false in the spec.');
  const usesJacobian = formula !== "svd" && formula !== "neuron";
  if (options.global && !usesJacobian) refuse(`"global" has no meaning for the basis formula "${formula}", which looks at no later layer. Remove it or choose "jacobian".`);
  if (formula !== "jacobian" && (sources.position !== null || sources.hidden !== null)) {
    refuse(`Random sources are for the basis formula "jacobian" only, not for "${formula}". Remove "sources" or change the formula.`);
  }
  if (options.edgeFormula === "functional" && options.edgeSources !== null) {
    refuse('Random sources are for squared edges only: functional edges cannot be split over positions. Remove "sources" of the edges or choose "squared".');
  }
  for (const draws of [sources.position, sources.hidden, options.edgeSources]) {
    if (draws !== null && !(Number.isInteger(draws) && draws >= 1)) refuse(`The number of random sources is ${draws}, but needs a whole number of 1 or more.`);
  }
  for (const threshold of [options.threshold, options.pcaThreshold]) checkThreshold(threshold);
}

function checkIntegration(options: LibOptions, layers: readonly string[]): void {
  const { integration, intervals } = options;
  if (typeof integration !== "string") {
    const unused = Object.keys(integration).find((key) => !layers.some((layer) => layer.startsWith(key)));
    if (unused !== undefined) refuse(`"integration" names "${unused}", but no node layer begins with it. The node layers are ${layers.join(", ")}.`);
  }
  const rules = layers.slice(0, -1).map((layer) => ({ layer, ...integrationRule(options, layer) }));
  for (const rule of rules) integrationPoints(rule.integration, rule.intervals);
  const gradient = rules.find((rule) => rule.integration === "gradient");
  if (intervals !== 0 && rules.every((rule) => rule.integration === "gradient")) {
    refuse(`Integration "gradient" takes no intervals, but "intervals" is ${intervals}. Set it to 0 or choose "gauss-legendre".`);
  }
  if (!gradient) return;
  if (options.formula === "(1-alpha)^2") {
    refuse(`The basis formula "(1-alpha)^2" is zero everywhere with "gradient" integration (node layer "${gradient.layer}"). Choose "gauss-legendre".`);
  }
  if (options.edgeFormula === "functional") {
    refuse(`Functional edges are zero everywhere with "gradient" integration (node layer "${gradient.layer}"). Choose "gauss-legendre", or squared edges.`);
  }
}

function checkThreshold(threshold: Threshold): void {
  if (typeof threshold === "number") {
    if (!(threshold >= 0 && threshold < 1)) {
      refuse(`The basis threshold ${threshold} is not between 0 and 1. It is relative to the largest eigenvalue; 1e-6 is usual.`);
    }
  } else if (!(threshold.absolute >= 0 && Number.isFinite(threshold.absolute))) {
    refuse(`The absolute basis threshold ${threshold.absolute} is negative or not a number. 1e-15 is what the method's authors used.`);
  }
}

function refuse(sentence: string): never {
  throw new NetworkError(sentence);
}
