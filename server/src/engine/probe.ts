/**
 * @file Child process that tries one backend: `node dist/probe.js <backend>` prints one line of JSON (a BackendStatus) after the
 * marker. A native library that crashes takes only this process with it.
 */

import type { BackendName } from "../protocol/result";
import { probeBackend } from "./probeBackend";
import { probeMarker } from "./selectBackend";

const backend = process.argv[2] as BackendName;
void probeBackend(backend).then((status) => {
  // The exit waits for the line: native libraries may keep threads that would hold the process.
  process.stdout.write(`\n${probeMarker}${JSON.stringify(status)}\n`, () => process.exit(0));
});
