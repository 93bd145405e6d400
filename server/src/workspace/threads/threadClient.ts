/**
 * @file The host's side of a thread. A request that takes too long, or that brings the thread down, fails alone: the
 * thread is replaced and the server lives on.
 */

import { Worker } from "node:worker_threads";
import type { ThreadData, ThreadMethods, ThreadReply, ThreadRequest } from "./messages";

export interface ThreadOptions {
  /** The bundled `workspaceWorker.js`. */
  file: string;
  data: ThreadData;
  heapMegabytes: number;
  /** After this the thread is ended and the oldest request fails. */
  timeoutMilliseconds: number;
  /** The thread was replaced: what it kept is lost. */
  onRestart?: () => void;
}

interface Pending {
  method: keyof ThreadMethods;
  resolve: (answer: never) => void;
  reject: (error: Error) => void;
}

export class ThreadClient {
  readonly #options: ThreadOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  #nextId = 1;
  #disposed = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  call<Method extends keyof ThreadMethods>(method: Method, params: ThreadMethods[Method]["params"]): Promise<ThreadMethods[Method]["answer"]> {
    if (this.#disposed) return Promise.reject(new Error("The server is shutting down."));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { method, resolve, reject });
      this.#start().postMessage({ id, method, params } as ThreadRequest);
      this.#watch();
    });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#end("The server is shutting down.");
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#options.file, {
      workerData: this.#options.data,
      resourceLimits: { maxOldGenerationSizeMb: this.#options.heapMegabytes },
      // Nothing may ever write to the standard output: it carries the protocol.
      stdout: true, stderr: true,
    });
    worker.stderr.pipe(process.stderr, { end: false });
    worker.on("message", (reply: ThreadReply) => this.#settle(reply));
    worker.on("error", (error) => this.#lost(worker, `The thread failed: ${error.message}`));
    worker.on("exit", () => this.#lost(worker, "The thread ended."));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #settle(reply: ThreadReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply.answer as never);
    else pending?.reject(new Error(reply.message));
    this.#unwatch();
    if (this.#pending.size > 0) this.#watch();
  }

  #watch(): void {
    this.#timer ??= setTimeout(() => {
      const method = this.#pending.values().next().value?.method ?? "request";
      void this.#end(`The ${method} request took longer than ${this.#options.timeoutMilliseconds / 1000} s and was stopped.`);
      this.#options.onRestart?.();
    }, this.#options.timeoutMilliseconds);
  }

  #unwatch(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #lost(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    void this.#end(reason);
    if (!this.#disposed) this.#options.onRestart?.();
  }

  async #end(reason: string): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    this.#unwatch();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of pending) one.reject(new Error(reason));
    await worker?.terminate();
  }
}
