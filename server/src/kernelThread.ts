/** @file Entry of the second thread of large computations: runs kernels on the memory that it is given, until it is told to end. */

import { workerData } from "node:worker_threads";
import type { HelperStart } from "./engine/kernels/helperThread";
import { SharedCalls } from "./engine/kernels/sharedCalls";

const { module, memory, calls } = workerData as HelperStart;
new SharedCalls(calls, new WebAssembly.Instance(module, { env: { memory } }).exports).serve();
