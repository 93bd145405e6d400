/** @file Starts the engine of a backend. */

import type { BackendName } from "../protocol/result";
import type { Precision } from "../protocol/spec";
import type { Engine } from "./engine";
import { HostEngine } from "./host/hostEngine";
import { plainProducts } from "./products/plainProducts";

export interface EngineOptions {
  backend: BackendName;
  precision: Precision;
}

/** @throws Error in one sentence when the backend cannot run here: why, and what else to choose. */
export function createEngine(options: EngineOptions): Promise<Engine> {
  return Promise.resolve(new HostEngine(options.backend, options.precision, plainProducts));
}
