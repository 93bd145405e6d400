/** @file A network as a strict sequence of modules, each of which receives exactly the outputs of the one before (method section 1.4). */

import type { Engine, Tensor } from "../../engine/engine";
import type { Family } from "../../protocol/spec";
import type { Module } from "./module";

/** Vectors of bytes; `meaning` [256] is the number that each byte stands for. */
export interface ByteVectors { readonly kind: "bytes"; readonly values: Uint8Array; readonly meaning: Float32Array; readonly count: number; readonly width: number }

/** Samples in memory. Structurally what the data readers give. */
export type NetworkInputs =
  | { readonly kind: "vectors"; readonly values: Float32Array; readonly count: number; readonly width: number }
  | ByteVectors
  | { readonly kind: "tokens"; readonly values: Int32Array; readonly count: number; readonly positions: number; readonly vocabulary: number };

type InputKind =
  /** They enter with the constant 1 behind them. */
  | { readonly kind: "vectors"; readonly width: number }
  | { readonly kind: "tokens"; readonly vocabulary: number; readonly maxPositions: number };

export interface Network {
  readonly family: Family;
  readonly engine: Engine;
  readonly input: InputKind;
  readonly modules: readonly Module[];
  /** Every node layer that may be asked for, in order; the last is `output`. */
  readonly nodeLayerNames: readonly string[];
  /** Number of parameters before folding. */
  readonly parameterCount: number;
  /**
   * Samples `start` to `start + count` as the tensors [count, S, d] that enter the first module.
   * @throws NetworkError when the samples do not fit the network.
   */
  encode(inputs: NetworkInputs, start: number, count: number): Tensor[];
}

/** Runs modules in sequence and returns the outputs of the last; with no module the tensors as they are. */
export function runModules(modules: readonly Module[], tensors: readonly Tensor[]): readonly Tensor[] {
  return modules.reduce((current, module) => module.forward(current).outputs, tensors);
}

/** Output of the network, [B, T, n]; T = 1 without positions. */
export function evaluateNetwork(network: Network, tensors: readonly Tensor[]): Tensor {
  return runModules(network.modules, tensors)[0];
}
