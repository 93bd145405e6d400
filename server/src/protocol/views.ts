/** @file Messages between the editor (host) and a view (webview). Typed arrays cross as they are. */

import type { RunEvent } from "./events";
import type { BasisName, ResultMetadata } from "./result";

export interface ViewMatrix { rows: number; cols: number; values: Float32Array }

export type HostMessage =
  | { kind: "result"; uri: string; metadata: ResultMetadata }
  | { kind: "run"; event: RunEvent }
  | { kind: "matrix"; request: number; tensor: string; matrix: ViewMatrix | null }
  | { kind: "ablation"; request: number; metric: string; base: number; score: number }
  | { kind: "show"; tab: "graph" | "jacobians" | "table"; layer?: string; feature?: number; section?: number }
  | { kind: "error"; request: number | null; message: string };

export type ViewMessage =
  | { kind: "ready" }
  | { kind: "matrix"; request: number; tensor: string }
  | { kind: "ablate"; request: number; basis: BasisName; layer: number; remove: number[] }
  | { kind: "openSource"; layer: string }
  | { kind: "export"; name: string; format: "png" | "svg" | "csv" | "json"; bytes: Uint8Array }
  | { kind: "cancel" }
  | { kind: "action"; action: ViewAction };

/** What a view may ask of the editor without giving an argument. */
export const viewActions = ["showLog", "analyzeAgain"] as const;
export type ViewAction = (typeof viewActions)[number];

/** Argument of the commands in `viewCommands`, which hovers, lenses and the tree link to. */
export interface ViewTarget {
  /** URI of the `.libresult`. */
  uri: string;
  /** Name of a node layer, and a feature of it, to select. */
  layer?: string;
  feature?: number;
  /** Index of a section, for the heatmap. */
  section?: number;
}

/** Commands that take one `ViewTarget`; `analyze` takes `{ spec?: string; model?: string }` (URIs) instead. */
export const viewCommands = {
  graph: "libLens.openGraph",
  jacobian: "libLens.openJacobian",
  analyze: "libLens.analyzeModel",
} as const;
