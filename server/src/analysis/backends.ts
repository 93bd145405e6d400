/** @file Which backends there are on this machine, and the one for a run. */

import { chooseBackend, probeBackends } from "../engine/selectBackend";
import type { BackendStatus } from "../protocol/requests";
import type { BackendName } from "../protocol/result";
import type { Precision } from "../protocol/spec";
import type { ComputeOptions } from "./worker/messages";

/** Status of every backend, best first. Probes run in child processes; their answers are kept per machine. */
export function backendStatus(options: ComputeOptions, refresh = false): Promise<BackendStatus[]> {
  return probeBackends({ probeFile: options.probeFile, cacheFile: options.backendCacheFile, refresh });
}

/**
 * The backend asked for; with "auto" the first one that passes its probe at this precision. A named backend is not probed: starting
 * it says by itself why it cannot run.
 */
export async function backendFor(options: ComputeOptions, precision: Precision): Promise<BackendName> {
  if (options.backend !== "auto") return options.backend;
  return chooseBackend(await backendStatus(options), "auto", precision).name;
}
