/** @file Features against the position in the input: mean over the data, with the deviation as a band (method section 4.8). */

import type { LabelledLayer } from "../worker/messages";
import { sheet, type Panel } from "./sheet";
import { element, path } from "./svg";

const mostPanels = 12;

/** The features of a layer that the position explains best. */
export function positionsFigure(layer: LabelledLayer): string {
  const order = layer.explained.map((share, feature) => ({ share, feature })).sort((a, b) => b.share - a.share || a.feature - b.feature).slice(0, mostPanels);
  const panels = order.map(({ share, feature }): Panel => {
    const groups = layer.profile?.[feature] ?? [];
    const low = Math.min(0, ...groups.map(({ mean, deviation }) => mean - deviation));
    const high = Math.max(0, ...groups.map(({ mean, deviation }) => mean + deviation));
    const last = Math.max(1, ...groups.map(({ group }) => group));
    return {
      title: `feature ${feature}: ${Math.round(100 * share)} % by position`,
      x: { label: "position", kind: "linear", domain: [0, last], whole: true },
      y: { label: "activation", kind: "linear", domain: low === high ? [-1, 1] : [low, high] },
      draw: (x, y) => [
        element("path", {
          class: "f0", "fill-opacity": 0.2,
          d: `${path([...groups.map(({ group, mean, deviation }) => [x.at(group), y.at(mean + deviation)] as const), ...[...groups].reverse().map(({ group, mean, deviation }) => [x.at(group), y.at(mean - deviation)] as const)])}Z`,
        }),
        element("path", { class: "line s0", "stroke-width": 1.8, d: path(groups.map(({ group, mean }) => [x.at(group), y.at(mean)])) }),
      ],
    };
  });
  return sheet({ title: `Features of ${layer.name} by position`, description: `Mean of features of ${layer.name} at every position`, legend: [], panels });
}
