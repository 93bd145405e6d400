/** @file Features of the input as pictures, where the samples are images: what adding a feature adds to the input. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { imageShape, type Directions, type ImageShape } from "../../../server/src/figures/directions";
import { resultTensorName, type LayerSummary } from "../../../server/src/protocol/result";
import type { ArchitectureStore } from "./architectureStore";
import type { ViewContext } from "./context";

/** Kinds of data whose samples are pictures. */
const pictures = new Set(["idx", "cifar10-binary", "images"]);

export interface InputPictures { layer: LayerSummary; shape: ImageShape; directions: Directions }

/** @returns null while unknown, and where the first node layer is not the input or the samples are no pictures. @param shown something shows them. */
export function inputPictures(context: ViewContext, architecture: ArchitectureStore, shown: ReadonlySignal<boolean>): ReadonlySignal<InputPictures | null> {
  const metadata = computed(() => context.data.value.metadata);
  const found = signal<InputPictures | null>(null);
  const input = computed(() => {
    const result = metadata.value;
    const layer = result?.layers[0];
    if (layer === undefined || layer.kept === 0 || !pictures.has(result!.spec.data.kind)) return null;
    const shape = imageShape(layer.dimension - 1);
    return shape === null ? null : { layer, shape };
  });
  effect(() => {
    // Networks of images are small: their modules are asked for without a question. What is gone or has changed leaves nothing to draw.
    if (shown.value && input.value !== null) architecture.ask(true);
  });
  effect(() => {
    const wanted = input.value;
    found.value = null;
    if (wanted === null || !shown.value || architecture.modules.value?.[0] !== wanted.layer.name) return;
    context.matrices.get(resultTensorName.CPinv(wanted.layer.index)).then((directions) => {
      if (input.peek() === wanted && directions !== null) found.value = { ...wanted, directions };
    }, (error: unknown) => context.fail(error instanceof Error ? error.message : String(error)));
  });
  return found;
}
