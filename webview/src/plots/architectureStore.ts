/** @file The modules of the model: asked for by a button, or at once where features of the input are drawn as pictures. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import type { ViewContext } from "../shared/context";

export interface ArchitectureStore {
  /** Names in order; null while unknown. */
  modules: ReadonlySignal<readonly string[] | null>;
  /** Opens the model, which takes long for a large one. */
  ask(): void;
}

/** Networks of images are small. */
const small = new Set(["idx", "cifar10-binary", "images"]);

/** @param shown something shows what depends on it. */
export function architectureStore(context: ViewContext, shown: ReadonlySignal<boolean>): ArchitectureStore {
  const modules = signal<readonly string[] | null>(null);
  const metadata = computed(() => context.data.value.metadata);
  let of: unknown = null;

  const read = async (silently: boolean): Promise<void> => {
    const result = metadata.peek();
    try {
      const found = await context.endpoint.architecture();
      if (metadata.peek() === result) modules.value = found;
    } catch (error) {
      if (!silently) context.fail(error instanceof Error ? error.message : String(error));
    }
  };
  effect(() => {
    const result = metadata.value;
    if (result === null || !shown.value || of === result) return;
    of = result;
    modules.value = null;
    // Nobody has asked: a model that has changed or is gone only means that there is nothing to draw.
    if (small.has(result.spec.data.kind)) void read(true);
  });
  return { modules, ask: () => void read(false) };
}
