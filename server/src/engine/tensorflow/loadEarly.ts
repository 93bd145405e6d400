/** @file Loading TensorFlow's libraries ahead of time: some tenths of a second of the system's loader, in which another thread can read files. */

import { Worker } from "node:worker_threads";

/** Starts it and returns; whoever loads the addon meanwhile waits in the loader until it is done. @param file the built entry of the thread (`dist/libraryThread.js`) */
export function loadEarly(file: string): void {
  try {
    const worker = new Worker(file, { execArgv: [] });
    // Without the thread they are loaded later.
    worker.on("error", () => undefined);
    worker.unref();
  } catch {
    // The same.
  }
}
