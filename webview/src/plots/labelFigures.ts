/** @file What the figures of labels need: features as pictures where the data are images, and the layer that is shown. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { directionsFigure, imageShape, type Directions } from "../../../server/src/figures/directions";
import type { Drawing } from "../../../server/src/figures/drawing";
import { explainedFigure } from "../../../server/src/figures/explained";
import { positionsFigure } from "../../../server/src/figures/positions";
import { resultTensorName } from "../../../server/src/protocol/result";
import type { ViewContext } from "../shared/context";
import { dropdown } from "../shared/controls";

/** Kinds of data whose samples are pictures. */
const pictures = new Set(["idx", "cifar10-binary", "images"]);
/** Features drawn; the constant is none. */
const drawnFeatures = 12;

export interface LabelFigures {
  explained(width: number): Drawing | null;
  directions(width: number): Drawing | null;
  positions(width: number): Drawing | null;
  /** Which layer the positions are of. */
  layerChoice: HTMLElement;
}

/** @param modules of the model, where they are known: the first is the one that the input enters. @param shown the figures are on screen. */
export function labelFigures(context: ViewContext, modules: ReadonlySignal<readonly string[] | null>, shown: ReadonlySignal<boolean>): LabelFigures {
  const metadata = computed(() => context.data.value.metadata);
  const directions = signal<Directions | null>(null);
  const chosen = signal<string | null>(null);
  const lib = computed(() => context.labels.value.get("lib") ?? null);
  const positions = computed(() => (lib.value?.kind === "position" ? lib.value : null));
  const layerChoice = dropdown<string>("Layer", [], "", (name) => { chosen.value = name; });
  effect(() => {
    const names = positions.value?.layers.map(({ name }) => name) ?? [];
    layerChoice.setChoices(names.map((name) => ({ value: name, label: name })), names.find((name) => name === chosen.peek()) ?? names[0] ?? "");
    layerChoice.node.hidden = names.length < 2;
  });

  /** The input layer with the shape of its pictures; null where the samples are none. */
  const images = computed(() => {
    const first = metadata.value?.layers[0];
    if (first === undefined || first.kept === 0 || !pictures.has(metadata.value!.spec.data.kind) || modules.value?.[0] !== first.name) return null;
    const shape = imageShape(first.dimension - 1);
    return shape === null ? null : { layer: first, shape };
  });
  effect(() => {
    const input = images.value;
    directions.value = null;
    if (input === null || !shown.value) return;
    context.matrices.get(resultTensorName.CPinv(input.layer.index)).then((matrix) => {
      if (images.peek() === input) directions.value = matrix;
    }, (error: unknown) => context.fail(error instanceof Error ? error.message : String(error)));
  });

  return {
    layerChoice: layerChoice.node,
    explained(width) {
      const answers = [...context.labels.value];
      const needed = new Map(metadata.value?.layers.map(({ name, needed: least, kept }) => [name, least ?? kept]));
      return answers.length === 0 ? null : explainedFigure([{ name: "", answers }], (_, layer) => needed.get(layer) ?? 0, width);
    },
    directions(width) {
      if (images.value === null || directions.value === null) return null;
      const { layer: { name, kept, labels }, shape } = images.value;
      const found = lib.value?.kind === "class" ? lib.value.layers.find((layer) => layer.name === name) : undefined;
      const plain = { name, labels: Array.from({ length: kept }, (_, feature) => labels?.[feature] ?? ""), explained: [] };
      return directionsFigure(found ?? plain, directions.value, shape, Array.from({ length: Math.min(drawnFeatures, kept - 1) }, (_, k) => k + 1), width);
    },
    positions(width) {
      const layer = positions.value?.layers.find(({ name }) => name === chosen.value) ?? positions.value?.layers[0];
      return layer === undefined ? null : positionsFigure(layer, width);
    },
  };
}
