/** @file Features against the position in the input: mean over the data, with the deviation as a band (method section 4.8). */

import type { LabelledLayer } from "../protocol/labels";
import { numberColumn, type Drawing, type Value } from "./drawing";
import { band } from "./profile";
import { sheet, type Panel } from "./sheet";
import { percent } from "./words";

const mostPanels = 12;

/** The features of a layer that the position explains best. @param width pixels that there are */
export function positionsFigure(layer: LabelledLayer, width: number): Drawing {
  const order = layer.explained.map((share, feature) => ({ share, feature })).sort((a, b) => b.share - a.share || a.feature - b.feature).slice(0, mostPanels);
  const panels = order.map(({ share, feature }): Panel => {
    const groups = layer.profile?.[feature] ?? [];
    const low = Math.min(0, ...groups.map(({ mean, deviation }) => mean - deviation));
    const high = Math.max(0, ...groups.map(({ mean, deviation }) => mean + deviation));
    const last = Math.max(1, ...groups.map(({ group }) => group));
    return {
      title: `f${feature}: ${percent(share)} by position`,
      x: { label: "position", kind: "linear", domain: [0, last], whole: true },
      y: { label: "activation", kind: "linear", domain: low === high ? [-1, 1] : [low, high] },
      draw: (x, y) => band(groups, x, y),
    };
  });
  return {
    id: "positions", title: `Features of ${layer.name} by position`, hint: "Mean at every position with its deviation; the features that the position explains best.",
    table: {
      columns: [numberColumn("Feature"), numberColumn("Share"), numberColumn("Position"), numberColumn("Mean"), numberColumn("Deviation")],
      rows: order.flatMap(({ share, feature }) => (layer.profile?.[feature] ?? []).map(({ group, mean, deviation }): Value[] => [feature, share, group, mean, deviation])),
    },
    ...sheet({ legend: [], panels }, width),
  };
}
