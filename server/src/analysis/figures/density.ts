/** @file How much of each feature its strongest label explains, as a density over features: LIB against PCA (method section 4.7). */

import type { LabelsAnswer } from "../worker/messages";
import { basisColours, type OfBases } from "./curves";
import { sheet, type Panel } from "./sheet";
import { element, path } from "./svg";

const steps = 120;
/** Narrower kernels show single features, not a density. */
const narrowest = 0.03;

/**
 * @param leading how many leading features of a layer count, the constant among them; the same for every basis
 */
export function explainedFigure(models: OfBases<LabelsAnswer>, leading: (model: string, layer: string) => number): string {
  const layers = [...new Set(models.flatMap(({ answers }) => answers.flatMap(([, { layers: all }]) => all.map(({ name }) => name))))];
  const bases = [...new Set(models.flatMap(({ answers }) => answers.map(([basis]) => basis)))];
  const panels = layers.map((layer): Panel => {
    const shares = bases.map((basis) => models.flatMap(({ name, answers }) => answers
      .filter(([one]) => one === basis)
      .flatMap(([, answer]) => (answer.layers.find((one) => one.name === layer)?.explained ?? []).slice(1, leading(name, layer)))));
    const densities = shares.map(density);
    const highest = Math.max(1e-9, ...densities.flatMap((one) => one.map(([, value]) => value)));
    return {
      title: `${layer} (${shares.map((one) => one.length).join(" and ")} features)`,
      x: { label: "share of the strongest label", kind: "linear", domain: [0, 1] },
      y: { label: "density", kind: "linear", domain: [0, highest * 1.08] },
      draw: (x, y) => bases.flatMap((basis, k) => [
        element("path", { class: `line s${basisColours[basis]}`, "stroke-width": 1.8, d: path(densities[k]!.map(([at, value]) => [x.at(at), y.at(value)])) }),
        ...shares[k]!.map((share) => element("line", { class: `s${basisColours[basis]}`, "stroke-opacity": 0.6, x1: x.at(share), x2: x.at(share), y1: y.at(0) - 2 - 7 * k, y2: y.at(0) - 8 - 7 * k })),
      ]),
    };
  });
  return sheet({
    title: "Share of a feature that its strongest label explains",
    description: `Density over features of the share of the strongest label: ${models.map(({ name }) => name).join(", ")}`,
    legend: bases.map((basis) => ({ text: { lib: "LIB", pca: "PCA", neuron: "neurons" }[basis], colour: basisColours[basis] })),
    panels,
  });
}

/** Gaussian kernels with Silverman's width, reflected at 0 and 1 so that no mass is lost there. */
export function density(values: readonly number[]): [at: number, value: number][] {
  if (values.length === 0) return [];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const width = Math.max(narrowest, 1.06 * deviation * values.length ** -0.2);
  const kernel = (distance: number): number => Math.exp(-0.5 * (distance / width) ** 2) / (width * Math.sqrt(2 * Math.PI));
  return Array.from({ length: steps + 1 }, (_, k) => {
    const at = k / steps;
    const sum = values.reduce((total, value) => total + kernel(at - value) + kernel(at + value) + kernel(at - (2 - value)), 0);
    return [at, sum / values.length];
  });
}
