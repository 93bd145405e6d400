/** @file Modules of the interaction graph, asked for when something shows them: at the resolution of the slider, once per value. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import type { ModuleBasis, ModuleNumbers } from "../../../server/src/protocol/ablation";
import { setGraph, type ViewContext } from "./context";
import { element } from "./dom";
import { count, number, percent, plural } from "./format";
import { logRange } from "./range";

/** Milliseconds of quiet before a new resolution is asked for: a slider that is being dragged asks once. */
const quiet = 250;
/** Resolutions kept, so that going back to one is immediate. */
const kept = 32;

export interface Module { index: number; features: { layer: number; feature: number }[]; layers: number }

export interface ModuleStore {
  /** Null while unknown, and for a run that has not finished. */
  numbers: ReadonlySignal<ModuleNumbers | null>;
  /** Largest first. */
  list: ReadonlySignal<Module[]>;
  busy: ReadonlySignal<boolean>;
  /** Why there are none. */
  problem: ReadonlySignal<string | null>;
}

interface Asked { resolution: number; basis: ModuleBasis }
const keyOf = ({ resolution, basis }: Asked): string => `${basis} ${resolution}`;

const smallestResolution = 0.2;
const largestResolution = 5;

/** @param wanted something shows modules. */
export function moduleStore(context: ViewContext, wanted: ReadonlySignal<boolean>): ModuleStore {
  const numbers = signal<ModuleNumbers | null>(null);
  const busy = signal(false);
  const problem = signal<string | null>(null);
  /** Neurons have no edges of their own: their graph shows Jacobians. */
  const asked = computed((): Asked | null => {
    const { resolution, basis } = context.state.value.graph;
    return basis === "neuron" ? null : { resolution, basis };
  });
  const metadata = computed(() => context.data.value.metadata);
  const known = new Map<string, ModuleNumbers>();
  let of: unknown = null;
  let shown: ModuleBasis | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  effect(() => {
    const result = metadata.value;
    const at = asked.value;
    if (of !== result) {
      of = result;
      known.clear();
      numbers.value = null;
    }
    // The features of another basis are others: what was known says nothing about them.
    if (at?.basis !== shown) {
      shown = at?.basis;
      numbers.value = null;
    }
    if (!wanted.value || result === null || at === null) return;
    clearTimeout(timer);
    const found = known.get(keyOf(at));
    if (found !== undefined) { numbers.value = found; return; }
    timer = setTimeout(() => void ask(result, at), numbers.peek() === null ? 0 : quiet);
  });

  async function ask(result: unknown, at: Asked): Promise<void> {
    busy.value = true;
    try {
      const answer = await context.endpoint.modules(at.resolution, at.basis);
      if (of !== result) return;
      known.set(keyOf(at), answer);
      if (known.size > kept) known.delete(known.keys().next().value!);
      problem.value = null;
      const now = asked.peek();
      if (now !== null && keyOf(now) === keyOf(at)) numbers.value = answer;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      busy.value = false;
    }
  }
  return { numbers, list: computed(() => modulesOf(numbers.value)), busy, problem };
}

export function modulesOf(numbers: ModuleNumbers | null): Module[] {
  const modules: Module[] = [];
  numbers?.layers.forEach((features, layer) => features.forEach((index, feature) => {
    if (index >= 0) (modules[index] ??= { index, features: [], layers: 0 }).features.push({ layer, feature });
  }));
  // A number that no feature has leaves a hole.
  const found = modules.filter((module) => module !== undefined);
  for (const module of found) module.layers = new Set(module.features.map(({ layer }) => layer)).size;
  return found;
}

/** "7 modules, modularity 0.52, 63 % of the edges' size inside". */
export const describeModules = (store: ModuleStore): string =>
  (store.numbers.value === null ? store.problem.value ?? "Looking for modules…" : `${plural(store.list.value.length, "module")}, modularity ${number(store.numbers.value.modularity)}, ${percent(store.numbers.value.edgesInside)} of the edges' size inside`);

/** The slider of the resolution with its number and what it gives. */
export function resolutionSlider(context: ViewContext, store: ModuleStore): HTMLElement {
  const value = element("span", { class: "amount" });
  const slider = logRange("Resolution of the modules", (at) => `${number(at)}, ${count(store.list.peek().length)} modules`, (at) => setGraph(context, { resolution: Number(at.toPrecision(3)) }));
  slider.setEnds(smallestResolution, largestResolution);
  effect(() => {
    const { resolution } = context.state.value.graph;
    slider.set(resolution);
    value.textContent = `${number(resolution)} · ${store.numbers.value === null ? "…" : plural(store.list.value.length, "module")}`;
  });
  return element("span", { class: "field", attributes: { title: "Larger gives more and smaller modules" } },
    element("span", { class: "field-label", attributes: { "aria-hidden": "true" } }, "Resolution"), slider.node, value);
}
