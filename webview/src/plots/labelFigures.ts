/** @file The figures of labels: what one label explains, features of the input as pictures, features by position. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { directionsFigure } from "../../../server/src/figures/directions";
import type { Drawing } from "../../../server/src/figures/drawing";
import { explainedFigure } from "../../../server/src/figures/explained";
import { positionsFigure } from "../../../server/src/figures/positions";
import type { ViewContext } from "../shared/context";
import { dropdown } from "../shared/controls";
import type { InputPictures } from "../shared/inputPictures";

/** Features drawn; the constant is none. */
const drawnFeatures = 12;

export interface LabelFigures {
  explained(width: number): Drawing | null;
  directions(width: number): Drawing | null;
  positions(width: number): Drawing | null;
  /** Which layer the positions are of. */
  layerChoice: HTMLElement;
}

export function labelFigures(context: ViewContext, pictures: ReadonlySignal<InputPictures | null>): LabelFigures {
  const metadata = computed(() => context.data.value.metadata);
  const chosen = signal<string | null>(null);
  const lib = computed(() => context.labels.value.get("lib") ?? null);
  const positions = computed(() => (lib.value?.kind === "position" ? lib.value : null));
  const layerChoice = dropdown<string>("Layer", [], "", (name) => { chosen.value = name; });
  effect(() => {
    const names = positions.value?.layers.map(({ name }) => name) ?? [];
    layerChoice.setChoices(names.map((name) => ({ value: name, label: name })), names.find((name) => name === chosen.peek()) ?? names[0] ?? "");
    layerChoice.node.hidden = names.length < 2;
  });

  return {
    layerChoice: layerChoice.node,
    explained(width) {
      const answers = [...context.labels.value];
      const needed = new Map(metadata.value?.layers.map(({ name, needed: least, kept }) => [name, least ?? kept]));
      return answers.length === 0 ? null : explainedFigure([{ name: "", answers }], (_, layer) => needed.get(layer) ?? 0, width);
    },
    directions(width) {
      if (pictures.value === null) return null;
      const { layer: { name, kept, labels }, shape, directions } = pictures.value;
      const found = lib.value?.kind === "class" ? lib.value.layers.find((layer) => layer.name === name) : undefined;
      const plain = { name, labels: Array.from({ length: kept }, (_, feature) => labels?.[feature] ?? ""), explained: [] };
      return directionsFigure(found ?? plain, directions, shape, Array.from({ length: Math.min(drawnFeatures, kept - 1) }, (_, k) => k + 1), width);
    },
    positions(width) {
      const layer = positions.value?.layers.find(({ name }) => name === chosen.value) ?? positions.value?.layers[0];
      return layer === undefined ? null : positionsFigure(layer, width);
    },
  };
}
