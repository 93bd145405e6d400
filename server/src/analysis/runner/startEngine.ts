/** @file The engine of a run: the backend the user asked for, or the best one that works here. */

import { createEngine } from "../../engine/createEngine";
import type { Engine } from "../../engine/engine";
import type { Precision } from "../../protocol/spec";
import { backendFor } from "../backends";
import { messageOf } from "../errors";
import type { ComputeOptions } from "../worker/messages";

/** @throws Error in one line that says why the backend asked for cannot run here, and what else to choose. */
export async function startEngine(compute: ComputeOptions, precision: Precision): Promise<Engine> {
  const backend = await backendFor(compute, precision);
  try {
    return await createEngine({ backend, precision });
  } catch (error) {
    const message = messageOf(error);
    throw new Error(message.includes("--backend") ? message : `${message} Choose --backend wasm, which runs everywhere.`);
  }
}
