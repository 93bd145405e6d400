/** @file A backend that dies while a run is on is replaced by the next one that works here. */

import { BackendFailure } from "../../engine/backendFailure";
import type { Engine } from "../../engine/engine";
import type { BackendName, ResultMetadata } from "../../protocol/result";
import type { Precision } from "../../protocol/spec";
import type { ComputeOptions } from "../worker/messages";
import { messageOf } from "../errors";
import { startEngine } from "./startEngine";

export type StartEngine = (compute: ComputeOptions, precision: Precision) => Promise<Engine>;
export type BackendFacts = ResultMetadata["backend"];

export interface FallbackSignals {
  /** A backend has failed; the next one takes over. One sentence for people. */
  replaced(message: string, next: BackendFacts): void;
  /** The real engines unless a test brings its own. */
  startEngine?: StartEngine | undefined;
}

/**
 * Calls `work` with an engine, and again with the engine of the next backend whenever one fails. `work` keeps what it has finished.
 * @returns what `work` returned, and the backends that worked on it, the last one last
 * @throws what `work` throws; Error in one line when no backend is left
 */
export async function onLivingBackend<T>(
  compute: ComputeOptions, precision: Precision, signals: FallbackSignals, work: (engine: Engine) => Promise<T>,
): Promise<{ value: T; backends: BackendFacts[] }> {
  const start = signals.startEngine ?? startEngine;
  const backends: BackendFacts[] = [];
  const failed: BackendName[] = [...compute.failed ?? []];
  let lastFailure: BackendFailure | null = null;
  for (;;) {
    const engine = await start({ ...compute, failed }, precision).catch((error: unknown) => {
      throw lastFailure ? new Error(`The backend ${lastFailure.backend} failed (${messageOf(lastFailure)}), and no other one takes over: ${messageOf(error)}`) : error;
    });
    const facts = { name: engine.backend, description: engine.description };
    if (lastFailure) signals.replaced(`The backend ${lastFailure.backend} failed (${messageOf(lastFailure)}); the analysis goes on with ${facts.name} from what is finished.`, facts);
    backends.push(facts);
    try {
      return { value: await work(engine), backends };
    } catch (error) {
      // A backend that is said to have failed again has not been replaced: that would go on for ever.
      if (!(error instanceof BackendFailure) || failed.includes(engine.backend)) throw error;
      lastFailure = error;
      failed.push(engine.backend);
    }
  }
}
