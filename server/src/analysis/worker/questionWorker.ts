/** @file A worker thread that answers questions one after the other; it is started by the first one and stays. */

import { WorkerClient, type WorkerClientOptions } from "./workerClient";

export class QuestionWorker {
  private readonly client: WorkerClient;
  private last: Promise<unknown> = Promise.resolve();

  constructor(options: WorkerClientOptions) {
    this.client = new WorkerClient(options);
  }

  ask<T>(question: (client: WorkerClient) => Promise<T>): Promise<T> {
    const answer = this.last.then(() => question(this.client));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  dispose(): Promise<void> {
    return this.client.dispose();
  }
}
