/** @file Kernels in a shared memory that a second thread helps to run where one is offered. */

import { HelperLost, helperOffered, HelperThread } from "./helperThread";
import { KernelMemory } from "./kernelMemory";
import { callsAtOnce, runCall, type ThreadCall } from "./sharedCalls";

export class TwoThreads<Functions extends object> {
  /** undefined until it is first needed; null where there is none, or none any more. */
  #helper: HelperThread<Functions> | null | undefined;

  readonly memory = new KernelMemory(true);
  readonly functions: Functions;

  /** @throws Error when shared memory, or what the module needs, is not available. */
  constructor(private readonly module: WebAssembly.Module) {
    this.functions = this.memory.instantiate(module);
  }

  /** Whether another thread will take some of the calls of `run`. */
  get two(): boolean {
    if (this.#helper === undefined) this.#helper = helperOffered() ? HelperThread.start({ module: this.module, memory: this.memory.memory, functions: this.functions }) : null;
    return this.#helper !== null;
  }

  /**
   * Runs all calls. They depend on none of the others; all that a thread ran that is lost in the end run once more here, so what a call writes is
   * written anew or lies in the thread's own area.
   * @param alone whether this thread runs all of them
   * @returns whether the areas of the other thread hold results
   */
  run(calls: readonly ThreadCall<Functions>[], alone = false): boolean {
    const here = (some: readonly ThreadCall<Functions>[]): void => some.forEach((call) => runCall(this.functions, call(0)));
    const elsewhere: ThreadCall<Functions>[] = [];
    for (let first = 0; first < calls.length; first += callsAtOnce) {
      const some = calls.slice(first, first + callsAtOnce);
      if (alone || some.length < 2 || !this.two) {
        here(some);
        continue;
      }
      try {
        elsewhere.push(...this.#helper!.together(some).map((index) => some[index]));
      } catch (error) {
        if (!(error instanceof HelperLost)) throw error;
        this.#helper = null;
        here([...elsewhere.splice(0), ...error.calls.map((index) => some[index])]);
      }
    }
    return elsewhere.length > 0;
  }

  /** The other thread ends; a later `run` has none. */
  end(): void {
    this.#helper?.end();
    this.#helper = null;
  }
}
