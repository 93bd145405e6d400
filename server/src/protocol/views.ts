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
  | { kind: "cancel" };
