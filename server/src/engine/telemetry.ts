/**
 * @file No native package may report to anybody. From version 1.29 on onnxruntime sends events to its makers and keeps an identifier
 * of the machine in the user's cache folder, unless this variable stands in the environment of the process before it is loaded.
 */

import { isMainThread } from "node:worker_threads";

const variable = "ORT_DISABLE_TELEMETRY";

/**
 * Before a thread or process that may load onnxruntime starts. Call it on a main thread: that of a worker has a copy of the
 * environment, which native code does not see.
 */
export function switchTelemetryOff(): void {
  process.env[variable] = "1";
}

/** Whether the process that this runs in sends nothing; the main thread sees to it, a worker's was to be started so. */
export function telemetryIsOff(): boolean {
  if (isMainThread) switchTelemetryOff();
  return process.env[variable] === "1";
}
