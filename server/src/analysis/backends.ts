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
 * The backend asked for; with "auto", or when the one asked for has failed, the first other one that passes its probe at this
 * precision. A named backend is not probed: starting it says by itself why it cannot run.
 * @throws Error in one sentence when none is left
 */
export async function backendFor(options: ComputeOptions, precision: Precision): Promise<BackendName> {
  const { backend, failed = [] } = options;
  if (backend !== "auto" && !failed.includes(backend)) return backend;
  const statuses = await backendStatus(options);
  return chooseBackend(statuses.map((status) => (failed.includes(status.name) ? { ...status, available: false, reason: "It failed during this run." } : status)), "auto", precision).name;
}
