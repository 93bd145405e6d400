/** @file Runs asynchronous tasks one after the other; urgent ones go before those that wait. */

interface Task {
  run: () => Promise<void>;
  done: () => void;
}

export class TaskQueue {
  readonly #urgent: Task[] = [];
  readonly #waiting: Task[] = [];
  #running = false;

  /** Resolves when the task has run. `run` never rejects. */
  add(urgent: boolean, run: () => Promise<void>): Promise<void> {
    return new Promise((done) => {
      (urgent ? this.#urgent : this.#waiting).push({ run, done });
      if (!this.#running) void this.#pump();
    });
  }

  /** Drops what has not begun. */
  clear(): void {
    for (const task of [...this.#urgent.splice(0), ...this.#waiting.splice(0)]) task.done();
  }

  async #pump(): Promise<void> {
    this.#running = true;
    for (let task = this.#next(); task; task = this.#next()) {
      await task.run();
      task.done();
    }
    this.#running = false;
  }

  #next(): Task | undefined {
    return this.#urgent.shift() ?? this.#waiting.shift();
  }
}
