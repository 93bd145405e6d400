/**
 * @file The language server's own methods (documented in docs/protocol.md). Every other message is plain LSP.
 * Matrices cross as base64 of little-endian float32, because JSON-RPC carries no binary.
 */

import type { AblationCurve, AblationTarget, ModuleBasis, ModuleNumbers } from "./ablation";
import type { RunEvent } from "./events";
import type { FoundLabels, KeptLabelsAnswer, LabelKind } from "./labels";
import type { BackendName, BasisName, ResultHeading, ResultOutline } from "./result";

/**
 * What a client may say in `initializationOptions`; every field is optional, and a client that sends nothing
 * (Neovim, Emacs) gets everything that plain LSP carries.
 */
export interface InitializationOptions {
  /** false: the folder is not trusted, so only static facts and cached results are given and no run starts. */
  trusted?: boolean;
  /** The client runs `command:` links of `viewCommands` (protocol/views.ts) in hovers and lenses. */
  commandLinks?: boolean;
  /** The client draws data-URI SVG pictures in hovers; text is used otherwise. */
  hoverImages?: boolean;
  /** Where the parser's `.wasm` files are; beside the server bundle when absent. */
  wasmFolder?: string;
}

/** A matrix, or some of its rows: base64 of little-endian float32, row-major. `rows` and `cols` are those of the whole. */
export interface MatrixMessage { rows: number; cols: number; float32: string }

/** A list of edges (`EdgeList`): base64 of little-endian uint32 (source, target) and float64 (weight). */
export interface EdgesMessage { source: string; target: string; weight: string }

/** One model file found in, or referred to by, the workspace. */
export interface ModelReference {
  /** File URI of the model; null when nothing on disk matches. */
  model: string | null;
  /** What the code says, for example `runs/mlp_epoch*.pt`. */
  text: string;
  /** Where it is said. */
  source: { uri: string; line: number; character: number } | null;
  /** Spec file that names this model, if any. */
  spec: string | null;
}

export interface BackendStatus {
  name: BackendName;
  available: boolean;
  /** Why it is (not) available, in one sentence. */
  reason: string;
  gflops: number | null;
}

/** client -> server requests: parameters and results by method name. */
export interface Requests {
  "lib/models": { params: Record<string, never>; result: ModelReference[] };
  /** Starts a run and answers at once with its id; progress follows as `lib/run` notifications. Give `spec` or `model` (URI). */
  "lib/analyze": { params: { spec?: string; model?: string; force?: boolean }; result: { run: string } };
  "lib/cancel": { params: { run: string }; result: { cancelled: boolean } };
  "lib/runs": { params: Record<string, never>; result: { run: string; events: RunEvent[] }[] };
  "lib/results": { params: Record<string, never>; result: { uri: string; metadata: ResultHeading }[] };
  "lib/result": { params: { uri: string }; result: ResultOutline };
  /** The listed edges of one section (its index); null when the result has no such section. */
  "lib/edges": { params: { uri: string; section: number }; result: EdgesMessage | null };
  /** The whole tensor; with `firstRow` as many rows from there on as fit into one message: a client asks again for the rest. */
  "lib/matrix": { params: { uri: string; tensor: string; firstRow?: number }; result: MatrixMessage | null };
  "lib/ablate": {
    params: { uri: string; basis: BasisName; layer: number; remove: number[] };
    result: { metric: string; base: number; score: number };
  };
  /** Starts a run that ablates every layer or section in these bases; each finished curve is a `lib/run` event and is stored beside the result. */
  "lib/ablateCurves": { params: { uri: string; what: AblationTarget; bases: BasisName[] }; result: { run: string } };
  /** Stored curves of a result. */
  "lib/curves": { params: { uri: string }; result: AblationCurve[] };
  /** Modules of the interaction graph of LIB (when absent) or PCA features; a larger resolution gives more and smaller ones. */
  "lib/modules": { params: { uri: string; resolution: number; basis?: ModuleBasis }; result: ModuleNumbers };
  /** What the features respond to in the data; "auto" (when absent) takes what suits the data. Takes a pass over the data; the request can be cancelled. */
  "lib/labels": { params: { uri: string; kind?: LabelKind | "auto"; basis: BasisName }; result: KeptLabelsAnswer };
  "lib/foundLabels": { params: { uri: string }; result: FoundLabels[] };
  /** The modules of the model in order: every place where it could be cut, named after the module that it enters. */
  "lib/architecture": { params: { uri: string }; result: { modules: string[] } };
  /** Where the code defines the module whose input is node layer `layer`; null when no open or scanned file binds it. */
  "lib/layerSource": { params: { uri: string; layer: string }; result: { uri: string; line: number; character: number } | null };
  "lib/createSpec": { params: { model: string }; result: { uri: string; text: string } };
  "lib/backends": { params: { refresh?: boolean }; result: BackendStatus[] };
}

/** server -> client notifications. */
export interface Notifications {
  "lib/run": RunEvent;
  "lib/resultsChanged": Record<string, never>;
  /** What `lib/models` answers is another list. */
  "lib/modelsChanged": Record<string, never>;
}
