/** @file What every tab is given. */

import type { ReadonlySignal, Signal } from "@preact/signals-core";
import type { AblationCurve, AblationTarget } from "../../../server/src/protocol/ablation";
import type { LabelsAnswer } from "../../../server/src/protocol/labels";
import type { BasisName } from "../../../server/src/protocol/result";
import type { LensData } from "./data";
import type { Endpoint } from "./endpoint";
import type { Matrices } from "./matrices";
import type { GraphState, HeatmapState, SavedState } from "./savedState";
import type { Theme } from "./theme";

/** Curves of an ablation, or labels. */
export type News = AblationTarget | "labels";

export interface ViewContext {
  endpoint: Endpoint;
  data: ReadonlySignal<LensData>;
  state: Signal<SavedState>;
  theme: ReadonlySignal<Theme>;
  /** What ablations of this result have found. */
  curves: ReadonlySignal<readonly AblationCurve[]>;
  /** What features respond to, as far as somebody has asked; by basis. */
  labels: ReadonlySignal<ReadonlyMap<BasisName, LabelsAnswer>>;
  /** What has come because somebody asked for it just now. */
  news: ReadonlySignal<News | null>;
  matrices: Matrices;
  /** One sentence for screen readers. */
  say(sentence: string): void;
  /** A problem that the user must see. */
  fail(message: string): void;
}

export const setGraph = (context: ViewContext, change: Partial<GraphState>): void => {
  context.state.value = { ...context.state.value, graph: { ...context.state.value.graph, ...change } };
};

export const setHeatmap = (context: ViewContext, change: Partial<HeatmapState>): void => {
  context.state.value = { ...context.state.value, heatmap: { ...context.state.value.heatmap, ...change } };
};
