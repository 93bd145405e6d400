/** @file Thread entry (`dist/workspaceWorker.js`): scans documents, binds them, reads headers of model files. */

import { parentPort, workerData } from "node:worker_threads";
import type { ThreadData } from "./workspace/threads/messages";
import { serveThread } from "./workspace/threads/serve";

if (parentPort) serveThread(parentPort, workerData as ThreadData);
