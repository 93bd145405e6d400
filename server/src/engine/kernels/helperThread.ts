/** @file A second thread that runs kernels on the memory of the first, for as long as one large computation takes. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { bufferForCalls, runCall, SharedCalls, type ThreadCall } from "./sharedCalls";

/** What the thread gets. */
export interface HelperStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  calls: SharedArrayBuffer;
}

/** An instance of a compiled module in a shared memory. */
export interface SharedKernels<Functions> {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** All that the module exports. */
  readonly functions: Functions;
}

export interface HelperOffer {
  /** The built entry of the thread (`dist/kernelThread.js`). */
  file: string;
  /** Seconds without an answer after which a thread that has begun counts as lost. */
  patience?: number;
}

const usualPatience = 30;

let offer: HelperOffer | null = null;

/** Says where the thread's entry is; without one, or with null, everything runs on one thread. */
export function offerHelperThread(given: HelperOffer | null): void {
  offer = given;
}

/** Whether this process may start one: it has an entry and a processor for it. */
export function helperOffered(): boolean {
  return offer !== null && availableParallelism() > 1;
}

/** The thread stopped in the middle of its work; the results of the calls that it took are lost. */
export class HelperLost extends Error {
  constructor(readonly calls: readonly number[]) {
    super("The second thread of a computation does not answer.");
  }
}

export class HelperThread<Functions extends object> {
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;

  private constructor(worker: Worker, private readonly functions: Functions, private readonly calls: SharedCalls<Functions>, private readonly patience: number) {
    this.ended = new Promise((done) => worker.once("exit", () => done()));
  }

  /** @returns null where no thread was offered or none can be started */
  static start<Functions extends object>({ module, memory, functions }: SharedKernels<Functions>): HelperThread<Functions> | null {
    if (offer === null) return null;
    try {
      const { file, patience = usualPatience } = offer;
      const calls = new SharedCalls(bufferForCalls(), functions);
      const start: HelperStart = { module, memory, calls: calls.buffer };
      const worker = new Worker(file, { workerData: start, execArgv: [] });
      // A thread that fails or never starts posts no answer: its work is done here.
      worker.on("error", () => undefined);
      worker.unref();
      return new HelperThread(worker, functions, calls, patience);
    } catch {
      return null;
    }
  }

  /**
   * Runs all calls, which depend on none of the others, at most `callsAtOnce`; each thread takes the next when it is free.
   * @returns indices of those that the other thread ran
   * @throws HelperLost
   */
  together(calls: readonly ThreadCall<Functions>[]): readonly number[] {
    this.calls.post(calls.map((call) => call(1)));
    const elsewhere = new Set(calls.keys());
    for (let i = this.calls.take(); i !== null; i = this.calls.take()) {
      runCall(this.functions, calls[i](0));
      elsewhere.delete(i);
    }
    if (!this.calls.takeBack() && !this.calls.awaitEnd(this.patience)) throw new HelperLost([...elsewhere]);
    return [...elsewhere];
  }

  /** The thread ends by itself; nothing waits for it. */
  end(): void {
    this.calls.close();
  }
}
