/** @file Messages between the editor (host) and a view (webview). Typed arrays cross as they are. */

import type { AblationCurve, ModuleBasis, ModuleNumbers } from "./ablation";
import type { RunEvent } from "./events";
import type { LabelsAnswer } from "./labels";
import type { BasisName, ResultMetadata } from "./result";

export interface ViewMatrix { rows: number; cols: number; values: Float32Array }

export type HostMessage =
  | { kind: "result"; uri: string; metadata: ResultMetadata }
  | { kind: "run"; event: RunEvent }
  | { kind: "matrix"; request: number; tensor: string; matrix: ViewMatrix | null }
  | { kind: "ablation"; request: number; metric: string; base: number; score: number }
  | { kind: "modules"; request: number; modules: ModuleNumbers }
  | { kind: "architecture"; request: number; modules: string[] }
  /** What the features of the result `uri` respond to. `news`: it has just been found. */
  | { kind: "labels"; uri: string; basis: BasisName; labels: LabelsAnswer; news: boolean }
  /** All stored ablation curves of the result `uri`. */
  | { kind: "curves"; uri: string; curves: AblationCurve[] }
  /** One more, while an ablation goes on. */
  | { kind: "curve"; uri: string; curve: AblationCurve }
  | { kind: "show"; tab: "graph" | "jacobians" | "plots" | "table"; layer?: string; feature?: number; section?: number }
  | { kind: "error"; request: number | null; message: string };

export type ViewMessage =
  | { kind: "ready" }
  | { kind: "matrix"; request: number; tensor: string }
  | { kind: "ablate"; request: number; basis: BasisName; layer: number; remove: number[] }
  | { kind: "modules"; request: number; resolution: number; basis: ModuleBasis }
  | { kind: "architecture"; request: number }
  | { kind: "openSource"; layer: string }
  | { kind: "export"; name: string; format: "png" | "svg" | "csv" | "json"; bytes: Uint8Array }
  | { kind: "cancel" }
  | { kind: "action"; action: ViewAction };

/** What a view may ask of the editor without giving an argument. */
export const viewActions = ["showLog", "analyzeAgain", "ablate", "findLabels"] as const;
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
  ablate: "libLens.ablate",
  findLabels: "libLens.findLabels",
  analyze: "libLens.analyzeModel",
} as const;
