/** @file Kernels in a shared memory that a second thread helps to run where one is offered. */

import { HelperLost, helperOffered, HelperThread } from "./helperThread";
import { KernelMemory } from "./kernelMemory";
import { callsAtOnce, runCall, type KernelCall } from "./sharedCalls";

export class TwoThreads<Functions extends object> {
  /** undefined until it is first needed; null where there is none, or none any more. */
  #helper: HelperThread<Functions> | null | undefined;

  readonly memory = new KernelMemory(true);
  readonly functions: Functions;

  /** @throws Error when shared memory, or what the module needs, is not available. */
  constructor(private readonly module: WebAssembly.Module) {
    this.functions = this.memory.instantiate(module);
  }

  /** Whether the second list of `run` will be another thread's. */
  get two(): boolean {
    if (this.#helper === undefined) this.#helper = helperOffered() ? HelperThread.start({ module: this.module, memory: this.memory.memory, functions: this.functions }) : null;
    return this.#helper !== null;
  }

  /** Runs all calls. They depend on none of the others and write their results anew: those of a thread that is lost run once more here. */
  run(first: readonly KernelCall<Functions>[], second: readonly KernelCall<Functions>[]): void {
    const rounds = Math.max(1, Math.ceil(second.length / callsAtOnce));
    for (let round = 0; round < rounds; round++) {
      const [from, to] = [round / rounds, (round + 1) / rounds];
      const part = <T>(calls: readonly T[]): T[] => calls.slice(Math.ceil(from * calls.length), Math.ceil(to * calls.length));
      this.#round(part(first), part(second));
    }
  }

  #round(first: readonly KernelCall<Functions>[], second: readonly KernelCall<Functions>[]): void {
    const here = (calls: readonly KernelCall<Functions>[]): void => calls.forEach((call) => runCall(this.functions, call));
    if (second.length === 0 || !this.two) {
      here([...first, ...second]);
      return;
    }
    try {
      this.#helper!.together(first, second);
    } catch (error) {
      if (!(error instanceof HelperLost)) throw error;
      this.#helper = null;
      here(second);
    }
  }

  /** The other thread ends; a later `run` has none. */
  end(): void {
    this.#helper?.end();
    this.#helper = null;
  }
}
