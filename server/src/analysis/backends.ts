/** @file Which backends there are on this machine, for people and for the choice of one. */

import type { BackendStatus } from "../protocol/requests";
import type { ComputeOptions } from "./worker/messages";

/** Status of every backend, best first. */
export async function backendStatus(_options: ComputeOptions): Promise<BackendStatus[]> {
  return [{ name: "cpu", available: true, reason: "plain loops in JavaScript", gflops: null }];
}
