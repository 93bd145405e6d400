/** @file What survives a reload of the window: where the user was, not the data. */

import type { BasisName } from "../../../server/src/protocol/result";
import type { VsCodeApi } from "./endpoint";

export type Tab = "graph" | "jacobians" | "plots" | "table";
export type EdgeNorm = "strongest" | "total" | "absolute";
export type EdgeScale = "log" | "sqrt" | "linear";

export interface NodeName { layer: string; feature: number }

export interface GraphState {
  basis: BasisName;
  norm: EdgeNorm;
  scale: EdgeScale;
  showConstant: boolean;
  /** Draw the outputs as one node; null until the user chooses: then their number decides. */
  mergeOutputs: boolean | null;
  /** In units of the norm; null until the user moves it: then the view chooses. */
  threshold: number | null;
  colour: "none" | "modules";
  /** Of the modules: larger gives more and smaller ones. */
  resolution: number;
  selection: NodeName | null;
  pinned: NodeName[];
  hops: number;
}

export interface HeatmapState {
  section: number;
  statistic: "mean" | "rms";
  order: "importance" | "clustered";
  scale: "linear" | "symlog";
  /** Upper end of the colour scale; null: chosen from the data. */
  limit: number | null;
  bases: BasisName[];
}

export interface SavedState {
  v: 1;
  uri: string | null;
  run: string | null;
  tab: Tab;
  graph: GraphState;
  heatmap: HeatmapState;
}

export const initialState: SavedState = {
  v: 1, uri: null, run: null, tab: "graph",
  graph: { basis: "lib", norm: "strongest", scale: "log", showConstant: false, mergeOutputs: null, threshold: null, colour: "none", resolution: 1, selection: null, pinned: [], hops: 1 },
  heatmap: { section: 0, statistic: "mean", order: "importance", scale: "linear", limit: null, bases: ["neuron", "pca", "lib"] },
};

/** State of an older or newer version is not guessed at. */
export function restoreState(saved: unknown): SavedState {
  if (typeof saved !== "object" || saved === null || (saved as { v?: unknown }).v !== 1) return initialState;
  const state = saved as SavedState;
  return { ...initialState, ...state, graph: { ...initialState.graph, ...state.graph }, heatmap: { ...initialState.heatmap, ...state.heatmap } };
}

/** Milliseconds of quiet before the state is written: a slider that is being dragged writes once. */
const quiet = 200;

export function stateWriter(api: VsCodeApi): (state: SavedState) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown: Pick<SavedState, "uri" | "run"> | null = null;
  return (state) => {
    clearTimeout(timer);
    // What a view shows is written at once: a window that is reloaded as a run ends finds its result.
    const isOther = shown?.uri !== state.uri || shown.run !== state.run;
    shown = state;
    if (isOther) api.setState(state);
    else timer = setTimeout(() => api.setState(state), quiet);
  };
}
