/** @file An engine that does what another does and notes which matrix products it is asked for, and when. */

import type { Engine, Tensor } from "../../../server/src/engine/engine";
import { planMatMul, type MatMulOptions } from "../../../server/src/engine/shapes";
import { now } from "./clock";

/** One kind of product. */
export interface ProductShape {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly options: MatMulOptions;
  /** 2 m n k of all products of the batch. */
  readonly operations: number;
}

/** What was done between two calls of `take`. */
export interface Work {
  readonly products: readonly { readonly shape: ProductShape; readonly count: number }[];
  /** From the first operation on the engine to the last number read from it, by clock.ts. */
  readonly milliseconds: number;
}

export interface CountedEngine {
  readonly engine: Engine;
  /** What was done since the last call. */
  take(): Work;
}

export function countedEngine(plain: Engine): CountedEngine {
  let products = new Map<string, { shape: ProductShape; count: number }>();
  let [first, last] = [Infinity, -Infinity];
  const note = (a: readonly number[], b: readonly number[], options: MatMulOptions): void => {
    const key = JSON.stringify([a, b, options]);
    const known = products.get(key);
    if (known) known.count += 1;
    else {
      const { batch, m, n, k } = planMatMul(a, b, options).plan;
      products.set(key, { shape: { a, b, options, operations: 2 * batch * m * n * k }, count: 1 });
    }
  };
  const engine = new Proxy(plain, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        if (first === Infinity) first = now();
        if (name === "matMul") {
          const [a, b, options] = args as [Tensor, Tensor, MatMulOptions | undefined];
          note(a.shape, b.shape, options ?? {});
        }
        const result: unknown = member.apply(target, args);
        // What is computed is read in the end, here as everywhere; looking at the clock more often would cost too much.
        if (result instanceof Promise) void result.then(() => { last = now(); });
        return result;
      };
    },
  });
  return {
    engine,
    take() {
      const work = { products: [...products.values()], milliseconds: Math.max(0, last - first) };
      products = new Map();
      [first, last] = [Infinity, -Infinity];
      return work;
    },
  };
}
