/** @file Tries one backend: does it start, does it compute correctly, how fast does it multiply. */

import type { BackendName } from "../protocol/result";
import type { BackendStatus } from "../protocol/requests";
import { startEngine } from "./createEngine";
import type { Engine } from "./engine";
import { firstLine } from "./nativePackages";
import { plainProducts } from "./products/plainProducts";

const checkSize = 64;
/** Relative to the norm of a row and a column. */
const checkTolerance = 1e-4;
const firstSize = 256;
const largestSize = 2048;
/** A product that takes at least this long (milliseconds) is measured well enough. */
const longEnough = 25;
/** At most this many milliseconds are spent on measuring. */
const budget = 1500;

/** Never throws: what goes wrong becomes the status' reason. */
export async function probeBackend(backend: BackendName): Promise<BackendStatus> {
  try {
    const engine = await startEngine({ backend, precision: "float32" });
    if ("missing" in engine) return { name: backend, available: false, reason: engine.missing, gflops: null };
    const wrong = await checkEngine(engine);
    if (wrong !== null) return { name: backend, available: false, reason: `${engine.description}: ${wrong}`, gflops: null };
    const gflops = await measureProduct(engine);
    return { name: backend, available: true, reason: capitalised(engine.description), gflops };
  } catch (error) {
    return { name: backend, available: false, reason: firstLine(error), gflops: null };
  }
}

/** Compares a product with transposes, a softmax and a sum with plain arithmetic; null when all is well, else what is not. */
async function checkEngine(engine: Engine): Promise<string | null> {
  const n = checkSize;
  const a = Float32Array.from({ length: n * n }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: n * n }, (_, i) => Math.cos(3 * i));
  const expected = new Float32Array(n * n);
  plainProducts.multiply({ batch: 1, m: n, n, k: n, transposeA: false, transposeB: true, sharedA: true, sharedB: true }, a, b, expected);
  const results = engine.tidy(() => {
    const left = engine.tensor(a, [n, n]);
    const right = engine.tensor(b, [n, n]);
    return { product: engine.matMul(left, right, { transposeB: true }), ones: engine.sum(engine.softmax(left), [1]) };
  });
  const product = await engine.read(results.product);
  const ones = await engine.read(results.ones);
  engine.dispose(results.product, results.ones);
  if (!expected.every((value, i) => Math.abs(value - product[i]) <= checkTolerance * n)) return "a matrix product comes out wrong";
  if (!ones.every((value) => Math.abs(value - 1) <= checkTolerance)) return "the rows of a softmax do not sum to 1";
  return null;
}

/** Gigaflops (2 n^3 per product) of a large square product, the time to read one number of the result included. */
async function measureProduct(engine: Engine): Promise<number> {
  const begin = performance.now();
  let best = 0;
  for (let n = firstSize; ; n = Math.min(2 * n, largestSize)) {
    const a = engine.tensor(new Float32Array(n * n).fill(0.5), [n, n]);
    let shortest = Infinity;
    for (let repeat = 0; repeat < 4; repeat++) {
      const start = performance.now();
      const corner = engine.tidy(() => engine.slice(engine.matMul(a, a), [0, 0], [1, 1]));
      await engine.read(corner);
      // The first product of a size also compiles or starts threads.
      if (repeat > 0) shortest = Math.min(shortest, performance.now() - start);
      engine.dispose(corner);
      if (performance.now() - begin > budget && shortest < Infinity) break;
    }
    engine.dispose(a);
    best = Math.max(best, (2 * n ** 3) / shortest / 1e6);
    if (shortest >= longEnough || n === largestSize || performance.now() - begin > budget) return Math.round(best * 10) / 10;
  }
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
