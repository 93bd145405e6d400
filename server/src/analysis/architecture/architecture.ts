/** @file What is known about the architecture of a model before its weights are read. */

import type { TensorInfo } from "../../formats/modelFile";
import type { MlpDescription } from "../../core/network/mlp";
import type { TransformerDescription } from "../../core/network/transformer/description";
import type { TransformerLensDescription } from "../../core/network/transformer/transformerLens";
import type { ArchitectureSpec, DataSpec } from "../../protocol/spec";
import type { Sidecar } from "./sidecar";
import type { TransformerSources } from "./transformer/sources";

/** Everything an inference may look at. Nothing here is executed and no weight is read. */
export interface ModelFacts {
  /** For messages. */
  readonly model: string;
  readonly tensors: readonly TensorInfo[];
  /** Facts that the file carries beside its tensors. */
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly sidecar: Sidecar | null;
  readonly spec: ArchitectureSpec;
  /** `lastPositionOnly` of the spec, and the data, which decides its default. */
  readonly lastPositionOnly: string | null;
  readonly data: DataSpec | null;
}

interface Common {
  /** How this was found out, in one sentence. */
  readonly how: string;
  /** Names of the tensors that the network uses. */
  readonly tensors: readonly string[];
  readonly nodeLayers: readonly string[];
  /** What was guessed or ignored, in sentences. */
  readonly notes: readonly string[];
}

export interface MlpArchitecture extends Common {
  readonly kind: "mlp";
  readonly description: MlpDescription;
  /** Inputs, hidden layers, outputs; without the folded constant. */
  readonly widths: readonly number[];
}

export interface TransformerSizes {
  readonly layers: number; readonly heads: number; readonly keyValueHeads: number; readonly modelWidth: number; readonly headWidth: number;
  readonly hiddenWidth: number; readonly vocabulary: number; readonly outputs: number; readonly positions: number;
}

export interface TransformerLensArchitecture extends Common {
  readonly kind: "transformer-lens";
  readonly description: TransformerLensDescription;
  readonly sizes: TransformerSizes;
}

/** A transformer whose checkpoint follows the names of its library. */
export interface TransformerArchitecture extends Common {
  readonly kind: "transformer";
  readonly description: TransformerDescription;
  readonly sources: TransformerSources;
  readonly sizes: TransformerSizes;
  /** Numbers in the tensors that are used. */
  readonly parameters: number;
}

export type Architecture = MlpArchitecture | TransformerLensArchitecture | TransformerArchitecture;
