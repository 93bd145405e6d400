/** @file The modules of the model, asked for once per result: opening a large model takes long. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import type { ViewContext } from "./context";

export interface ArchitectureStore {
  /** Names in order; null while unknown. */
  modules: ReadonlySignal<readonly string[] | null>;
  /** @param silently nobody has asked: a failure is not told. */
  ask(silently: boolean): void;
}

export function architectureStore(context: ViewContext): ArchitectureStore {
  const modules = signal<readonly string[] | null>(null);
  const metadata = computed(() => context.data.value.metadata);
  let asked: unknown = null;

  const read = async (silently: boolean): Promise<void> => {
    const result = metadata.peek();
    if (result === null || (asked === result && (silently || modules.peek() !== null))) return;
    asked = result;
    try {
      const found = await context.endpoint.architecture();
      if (metadata.peek() === result) modules.value = found;
    } catch (error) {
      if (!silently) context.fail(error instanceof Error ? error.message : String(error));
    }
  };
  effect(() => {
    void metadata.value;
    modules.value = null;
  });
  return { modules, ask: (silently) => void read(silently) };
}
