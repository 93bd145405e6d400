/** @file The engine of a run: the backend the user asked for, or the best one that works here. */

import type { Engine } from "../../engine/engine";
import { createEngine } from "../../engine/createEngine";
import type { Precision } from "../../protocol/spec";
import { backendFor } from "../backends";
import type { ComputeOptions } from "../worker/messages";

/** @throws Error in one sentence when the backend asked for cannot run here. */
export async function startEngine(compute: ComputeOptions, precision: Precision): Promise<Engine> {
  return createEngine({ backend: await backendFor(compute, precision), precision });
}
