/**
 * @file Host side of the worker thread: starts it, sends one request at a time, and turns a crash, running out of
 * memory or a silent worker into an ordinary error. The host lives on in every case.
 */

import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { switchTelemetryOff } from "../../engine/telemetry";
import { quietTensorflow } from "../../engine/tensorflow/binding";
import { CancelledError, InputError, messageOf } from "../errors";
import type { RunEvent } from "../../protocol/events";
import type { WorkerCall, WorkerCalls, WorkerMessage, WorkerRequest, WorkerStart } from "./messages";

/** The caller of a cancel is answered after this long (milliseconds), whether or not the worker has come to a halt. */
const patience = 150;

/**
 * A worker that was told to stop ends itself at its next check, between two products. It is never terminated before: inside a native
 * product that would take the whole process down (onnxruntime throws into C++ when its thread's engine goes away). One that is still not
 * back after this long (milliseconds) is not waited for any longer; it ends when its product does, and holds no process open.
 */
const graceful = 20_000;

/**
 * Room in MiB for new objects of a thread from its start. It would grow to that by itself, but after many collections that each copy what is in
 * use: small networks took a tenth longer (docs/performance.md).
 */
const youngGeneration = "--min-semi-space-size=16";

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  onEvent(event: RunEvent): void;
}

export interface WorkerClientOptions {
  workerFile: string;
  /** Limit of the worker's JavaScript heap in MiB; typed arrays live outside it. */
  heapMegabytes?: number;
  /** How long a stopped worker is waited for, in milliseconds; 20 seconds when absent. */
  gracefulMilliseconds?: number;
}

export class WorkerClient {
  private worker: Worker | null = null;
  private flag = new Int32Array(new SharedArrayBuffer(4));
  private pending: Pending | null = null;
  /** Resolves when the last thread that was let go has ended. */
  private leaving: Promise<void> = Promise.resolve();

  constructor(private readonly options: WorkerClientOptions) {}

  get busy(): boolean {
    return this.pending !== null;
  }

  /**
   * Sends a request to the worker, which is started when there is none.
   * @throws InputError, CancelledError, or Error with one sentence for a person.
   */
  call<K extends WorkerCall>(
    request: WorkerCalls[K]["request"] & { kind: K },
    onEvent: (event: RunEvent) => void = () => undefined,
  ): Promise<WorkerCalls[K]["answer"]> {
    if (this.pending) return Promise.reject(new Error("The worker is busy with another request."));
    const worker = this.worker ?? this.start();
    Atomics.store(this.flag, 0, 0);
    return new Promise((resolve, reject) => {
      this.pending = { resolve: (answer) => resolve(answer as WorkerCalls[K]["answer"]), reject, onEvent };
      worker.ref();
      worker.postMessage(request satisfies WorkerRequest);
    });
  }

  /** Asks the request under way to stop; the call then rejects with CancelledError, within 250 ms. */
  async cancel(): Promise<void> {
    const pending = this.pending;
    if (!pending) return;
    Atomics.store(this.flag, 0, 1);
    await new Promise((done) => setTimeout(done, patience));
    if (this.pending === pending) this.abandon();
  }

  /** Ends the thread: at once when it is idle, else as soon as it has heard of it. */
  async dispose(): Promise<void> {
    if (this.pending) {
      Atomics.store(this.flag, 0, 1);
      this.abandon();
    }
    const worker = this.worker;
    this.worker = null;
    await Promise.all([worker?.terminate(), this.leaving]);
  }

  /** Answers the caller and lets go of the thread, which ends by itself. */
  private abandon(): void {
    const worker = this.worker;
    this.settle()?.reject(new CancelledError());
    this.worker = null;
    if (!worker) return;
    this.leaving = new Promise((left) => {
      const end = (): void => {
        clearTimeout(timer);
        void worker.terminate().then(() => left());
      };
      const timer = setTimeout(left, this.options.gracefulMilliseconds ?? graceful);
      timer.unref();
      worker.on("message", (message: WorkerMessage) => {
        if (message.kind !== "event") end();
      });
      worker.on("exit", end);
    });
  }

  private settle(): Pending | null {
    const pending = this.pending;
    this.pending = null;
    // An idle worker does not keep the process alive.
    this.worker?.unref();
    return pending;
  }

  private start(): Worker {
    this.flag = new Int32Array(new SharedArrayBuffer(4));
    const start: WorkerStart = { cancelFlag: this.flag.buffer as SharedArrayBuffer };
    switchTelemetryOff();
    quietTensorflow();
    setFlagsFromString(youngGeneration);
    const worker = new Worker(this.options.workerFile, {
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: this.options.heapMegabytes ?? 4096 },
      stdout: true,
    });
    // What a dependency prints in the worker goes to the log: standard output belongs to the protocol or to JSON.
    worker.stdout.on("data", (chunk: Buffer) => process.stderr.write(chunk));
    worker.on("message", (message: WorkerMessage) => {
      if (worker === this.worker) this.receive(message);
    });
    worker.on("error", (error: NodeJS.ErrnoException) => this.lost(worker, describeCrash(error)));
    worker.on("exit", (code) => this.lost(worker, `The analysis worker stopped unexpectedly (exit code ${code}). Start the analysis again: it continues from the last finished layer.`));
    this.worker = worker;
    return worker;
  }

  private receive(message: WorkerMessage): void {
    if (message.kind === "event") {
      this.pending?.onEvent(message.event);
      return;
    }
    const pending = this.settle();
    if (!pending) return;
    if (message.kind === "result") pending.resolve(message.answer);
    else if (message.cancelled) pending.reject(new CancelledError());
    else pending.reject(message.badInput ? new InputError(message.message) : new Error(message.message));
  }

  private lost(worker: Worker, message: string): void {
    if (worker !== this.worker) return;
    this.worker = null;
    this.settle()?.reject(new Error(message));
  }
}

function describeCrash(error: NodeJS.ErrnoException): string {
  if (error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return "The analysis ran out of memory. Lower \"batchSize\" or \"maxMemory\" in the spec or the settings, or give \"data.limit\"; the run continues from the last finished layer.";
  }
  return `The analysis worker failed: ${messageOf(error)}`;
}
