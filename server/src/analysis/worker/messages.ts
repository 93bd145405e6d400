/**
 * @file What crosses between the host (language server or command line) and the worker thread that does the work.
 * One request at a time per worker; the answer is exactly one `result` or `error`, after any number of `event`s.
 */

import type { Metric } from "../../core/lib/ablation/evaluate";
import type { EdgeSparsity } from "../../core/lib/edges/sparsity";
import type { ModuleBasis, ModuleNumbers } from "../../protocol/ablation";
import type { RunEvent } from "../../protocol/events";
import type { FoundLabels, LabelKind, LabelsAnswer } from "../../protocol/labels";
import type { EdgesMessage, MatrixMessage } from "../../protocol/requests";
import type { BackendName, BasisName, ResultOutline } from "../../protocol/result";
import type { AblationScheduleSpec } from "../../protocol/spec";
import type { LabelledResult } from "../store/labelsFile";

/** Where a request may find backends and how much it may use. Plain data: it is copied into the worker. */
export interface ComputeOptions {
  /** A backend by name, or "auto": the first one whose probe passes. */
  backend: BackendName | "auto";
  /** The built probe entry (`dist/probe.js`); without it "auto" takes the wasm backend. */
  probeFile: string | null;
  /** File in which probe results are kept between sessions. */
  backendCacheFile: string | null;
  /** Overrides `maxMemory` of the spec, for example "4GB". */
  maxMemory: string | null;
  /** Backends that died while this request was worked on: not to be chosen again. */
  failed?: readonly BackendName[];
}

/** Where the spec of a request comes from: a spec file, or a model alone (then everything is inferred). */
export interface SpecSource {
  spec: string | null;
  model: string | null;
}

export interface AnalyzeRequest {
  kind: "analyze";
  run: string;
  source: SpecSource;
  storeFolder: string;
  force: boolean;
  compute: ComputeOptions;
}

/** What a host keeps of a stored result, without labels. */
interface OutlineRequest { kind: "outline"; file: string }

/** The listed edges of one section of a stored result. */
interface EdgesRequest { kind: "edges"; file: string; section: number }

/** A tensor of a stored result, narrowed to float32 for a view. */
/** @see ResultReader.matrix */
interface MatrixRequest { kind: "matrix"; file: string; tensor: string; firstRow: number | null }

/** Labels that files in these folders give the features of a result. */
interface ShownLabelsRequest { kind: "shown-labels"; folders: string[]; result: LabelledResult }

/** Score of the network with some features of one node layer removed. */
interface AblateFeaturesRequest {
  kind: "ablate-features";
  file: string;
  basis: BasisName;
  layer: number;
  remove: number[];
  compute: ComputeOptions;
}
export interface AblateFeaturesAnswer { metric: string; base: number; score: number }

/** What an ablation removes and how it is scored. */
export interface AblationOptions {
  basis: BasisName;
  /** Loss of score that still counts as kept; by the metric when absent. */
  tolerance?: number;
  /** Instead of the spec's. */
  metric?: Metric;
  /** Every number of features, or a bisection over edges, when absent. */
  schedule?: AblationScheduleSpec;
}

/** Curves of score against features kept (method section 4.2), for every node layer with a basis. */
export interface AblateNodesRequest extends AblationOptions {
  kind: "ablate-nodes";
  run: string;
  file: string;
  compute: ComputeOptions;
}
export interface AblateNodesAnswer {
  metric: Metric;
  tolerance: number;
  base: number;
  curves: Record<string, [featuresKept: number, score: number][]>;
  needed: Record<string, number>;
}

/** Edges required per section (method section 4.3). */
export interface AblateEdgesRequest extends AblationOptions {
  kind: "ablate-edges";
  run: string;
  file: string;
  compute: ComputeOptions;
}
export interface AblateEdgesAnswer {
  metric: Metric;
  tolerance: number;
  base: number;
  required: Record<string, number>;
  /** Edges that the schedule counted over. */
  total: Record<string, number>;
  /** Strength of the weakest edge among those required: epsilon of the logarithmic edge norm (method section 4.5). */
  weakest: Record<string, number>;
  probes: Record<string, [edgesKept: number, score: number][]>;
}

/** Sparsity of the edges of every section (method section 4.4), beside the edges required where they are known. */
export interface SparsityRequest {
  kind: "sparsity";
  run: string;
  file: string;
  bases: BasisName[];
  required: Partial<Record<BasisName, AblateEdgesAnswer>> | null;
  compute: ComputeOptions;
}
export type SectionSparsity = EdgeSparsity & {
  from: string;
  to: string;
  required: number | null;
  /** Of the edges that the ablation counts over (the product of the widths). */
  requiredFraction: number | null;
};
export interface SparsityAnswer {
  /** Of the edges required. */
  metric?: Metric;
  tolerance?: number;
  base?: number;
  bases: Partial<Record<BasisName, SectionSparsity[]>>;
}

export interface LabelsRequest {
  kind: "labels";
  run: string;
  file: string;
  /** "auto" takes what suits the data. */
  labels: LabelKind | "auto";
  basis: BasisName;
  compute: ComputeOptions;
}

/** Computed labels of a stored result: they are kept beside it, those of LIB features also in the text file beside its spec. */
interface KeepLabelsRequest { kind: "keep-labels"; file: string; found: FoundLabels }

/** The labels kept beside a stored result. */
interface FoundLabelsRequest { kind: "found-labels"; file: string }

/** Modules of the interaction graph of a stored result, for a view. */
interface ModulesRequest { kind: "modules"; file: string; resolution: number; basis: ModuleBasis }

/** Every node layer that could be asked for of a result's network, in order. */
interface NodeLayerNamesRequest { kind: "node-layer-names"; file: string; compute: ComputeOptions }

interface CreateSpecRequest { kind: "create-spec"; model: string }
export interface CreateSpecAnswer { file: string; text: string }

/** Every request with its answer. `analyze` answers through events. */
export interface WorkerCalls {
  "analyze": { request: AnalyzeRequest; answer: null };
  "outline": { request: OutlineRequest; answer: ResultOutline };
  "edges": { request: EdgesRequest; answer: EdgesMessage | null };
  "matrix": { request: MatrixRequest; answer: MatrixMessage | null };
  "shown-labels": { request: ShownLabelsRequest; answer: [layer: string, labels: (string | null)[]][] };
  "ablate-features": { request: AblateFeaturesRequest; answer: AblateFeaturesAnswer };
  "ablate-nodes": { request: AblateNodesRequest; answer: AblateNodesAnswer };
  "ablate-edges": { request: AblateEdgesRequest; answer: AblateEdgesAnswer };
  "labels": { request: LabelsRequest; answer: LabelsAnswer };
  /** Answers with the text file. */
  "keep-labels": { request: KeepLabelsRequest; answer: string | null };
  "found-labels": { request: FoundLabelsRequest; answer: FoundLabels[] };
  "node-layer-names": { request: NodeLayerNamesRequest; answer: string[] };
  "sparsity": { request: SparsityRequest; answer: SparsityAnswer };
  "modules": { request: ModulesRequest; answer: ModuleNumbers };
  "create-spec": { request: CreateSpecRequest; answer: CreateSpecAnswer };
}
export type WorkerCall = keyof WorkerCalls;
export type WorkerRequest = WorkerCalls[WorkerCall]["request"];

/** Handed to the worker thread when it starts: word 0 is set to 1 by the host to ask for a stop. */
export interface WorkerStart { cancelFlag: SharedArrayBuffer }

export type WorkerMessage =
  | { kind: "event"; event: RunEvent }
  | { kind: "result"; answer: unknown }
  | { kind: "error"; message: string; badInput: boolean; cancelled: boolean };
