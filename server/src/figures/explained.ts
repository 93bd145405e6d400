/** @file How much of each feature its strongest label explains, as a density over features: LIB against PCA (method section 4.7). */

import type { LabelKind, LabelsAnswer } from "../protocol/labels";
import type { BasisName } from "../protocol/result";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { element, path, tip } from "./mark";
import { basisLooks, basisOrder } from "./series";
import { sheet, type Panel } from "./sheet";
import { percent } from "./words";

/** The labels of one model by basis. */
export interface ModelLabels { readonly name: string; readonly answers: readonly (readonly [basis: BasisName, answer: LabelsAnswer])[] }

const steps = 120;
/** Narrower kernels show single features, not a density. */
const narrowest = 0.03;
const nouns: Record<LabelKind, string> = { fourier: "its strongest Fourier term", class: "the class", position: "the position", token: "the token" };

/**
 * @param leading how many leading features of a layer count, the constant among them; the same for every basis
 * @param width pixels that there are
 */
export function explainedFigure(models: readonly ModelLabels[], leading: (model: string, layer: string) => number, width: number): Drawing {
  const layers = [...new Set(models.flatMap(({ answers }) => answers.flatMap(([, { layers: all }]) => all.map(({ name }) => name))))];
  const bases = basisOrder.filter((basis) => models.some(({ answers }) => answers.some(([one]) => one === basis)));
  const kind = models[0]?.answers[0]?.[1].kind ?? "class";
  const several = models.length > 1;
  const rows: Value[][] = [];
  const panels = layers.map((layer): Panel => {
    const features = bases.map((basis) => models.flatMap(({ name, answers }) => answers
      .filter(([one]) => one === basis)
      .flatMap(([, answer]) => (answer.layers.find((one) => one.name === layer)?.explained ?? []).map((share, feature) => ({ model: name, feature, share })).slice(1, leading(name, layer)))));
    bases.forEach((basis, k) => features[k]!.forEach(({ model, feature, share }) => rows.push([...(several ? [model] : []), layer, basisLooks[basis].name, feature, share])));
    const densities = features.map((one) => density(one.map(({ share }) => share)));
    const highest = Math.max(1e-9, ...densities.flatMap((one) => one.map(([, value]) => value)));
    return {
      title: `${layer} (${features.map((one) => one.length).join(" and ")} features)`,
      x: { label: `share that ${nouns[kind]} explains`, kind: "linear", domain: [0, 1], text: percent },
      y: { label: "density", kind: "linear", domain: [0, highest * 1.08] },
      draw: (x, y) => bases.flatMap((basis, k) => {
        const { colour, dash, name } = basisLooks[basis];
        return [
          element("path", { class: `line s${colour}`, "stroke-width": 1.8, ...(dash === "" ? {} : { "stroke-dasharray": dash }), d: path(densities[k]!.map(([at, value]) => [x.at(at), y.at(value)])) }),
          ...features[k]!.map(({ feature, share }) => element("line", {
            class: `s${colour}`, "stroke-opacity": 0.7, x1: x.at(share), x2: x.at(share), y1: y.at(0) - 2 - 7 * k, y2: y.at(0) - 8 - 7 * k,
          }, [tip(`${name} feature ${feature}: ${percent(share)}`)])),
        ];
      }),
    };
  });
  return {
    id: "explained", title: "What one label explains",
    hint: `Density over the features needed of the share that ${nouns[kind]} explains; a stroke per feature.`,
    table: { columns: [...(several ? [textColumn("Model")] : []), textColumn("Layer"), textColumn("Basis"), numberColumn("Feature"), numberColumn("Share")], rows },
    ...sheet({ legend: bases.map((basis) => ({ ...basisLooks[basis], mark: "none" as const })), panels }, width),
  };
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
