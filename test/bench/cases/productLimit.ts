/** @file How long matrix products take on their own: the limit that a phase is held against. */

import type { Engine, Tensor } from "../../../server/src/engine/engine";
import { uniform } from "../../core/linalg/random";
import { now } from "./clock";
import type { ProductShape, Work } from "./countedEngine";

/** Kinds of products are timed, the largest share of the work first, until these make up so much of it. */
const covered = 0.98;

/** Repetitions of one product, and milliseconds after which no more are begun. */
const mostRepeats = 12;
const enough = 150;

/** Milliseconds that all products of `work` take with nothing between them; the few that are not timed count as fast as the rest. */
export async function limitOf(engine: Engine, { products }: Work): Promise<number> {
  const total = operationsOf({ products });
  if (total === 0) return 0;
  let [done, milliseconds] = [0, 0];
  const shares = products.map(({ shape, count }) => ({ shape, count, operations: shape.operations * count })).sort((p, q) => q.operations - p.operations);
  for (const { shape, count, operations } of shares) {
    if (done >= covered * total) break;
    milliseconds += count * await bestTime(engine, shape);
    done += operations;
  }
  return (milliseconds * total) / done;
}

export const operationsOf = ({ products }: Pick<Work, "products">): number => products.reduce((sum, { shape, count }) => sum + shape.operations * count, 0);

/** Best of several runs in milliseconds; one entry is read so that a backend that answers later has finished. */
async function bestTime(engine: Engine, { a, b, options }: ProductShape): Promise<number> {
  const [left, right] = [random(engine, a), random(engine, b)];
  let best = Infinity;
  const begin = performance.now();
  for (let repeat = 0; repeat < 2 || (repeat < mostRepeats && performance.now() - begin < enough); repeat += 1) {
    const start = now();
    const corner = engine.tidy(() => {
      const out = engine.matMul(left, right, options);
      return engine.slice(out, out.shape.map(() => 0), out.shape.map(() => 1));
    });
    await engine.read(corner);
    best = Math.min(best, now() - start);
    engine.dispose(corner);
  }
  engine.dispose(left, right);
  return best;
}

function random(engine: Engine, shape: readonly number[]): Tensor {
  const next = uniform(1);
  return engine.tensor(Float32Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, next), shape);
}

/** Operations per second of a square product of this size: what people know a machine by. */
export async function squareRate(engine: Engine, size = 2048): Promise<number> {
  const operations = 2 * size ** 3;
  return (operations / (await bestTime(engine, { a: [size, size], b: [size, size], options: {}, operations }))) * 1000;
}
