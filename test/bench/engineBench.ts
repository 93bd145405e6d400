/** @file Measures every engine of this machine and the eigensolver; run by scripts/bench-engine.mjs. Prints tables, changes nothing. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { matrix, type Matrix } from "../../server/src/core/linalg/matrix";
import { symmetricEigen, type EigenOptions } from "../../server/src/core/linalg/symmetricEigen";
import { createEngine, type EngineOptions } from "../../server/src/engine/createEngine";
import type { Engine, Tensor } from "../../server/src/engine/engine";
import { offerHelperThread } from "../../server/src/engine/kernels/helperThread";
import { firstLine } from "../../server/src/engine/nativePackages";
import { uniform } from "../core/linalg/random";
import { byProcessor, now } from "./cases/clock";

const candidates: [string, EngineOptions][] = [
  ["cpu f32", { backend: "cpu", precision: "float32" }],
  ["wasm own f32", { backend: "wasm", precision: "float32", nativeProducts: false }],
  ["wasm own f64", { backend: "wasm", precision: "float64", nativeProducts: false }],
  ["wasm+onnx f32", { backend: "wasm", precision: "float32" }],
  ["wasm+onnx f64", { backend: "wasm", precision: "float64" }],
  ["tensorflow f32", { backend: "tensorflow", precision: "float32" }],
  ["tensorflow f64", { backend: "tensorflow", precision: "float64" }],
  ["webgpu f32", { backend: "webgpu", precision: "float32" }],
];

/** Best time in milliseconds of repeated runs; the result's first entry is read so that asynchronous backends finish. */
async function best(engine: Engine, body: () => Tensor): Promise<number> {
  let shortest = Infinity;
  const begin = performance.now();
  for (let repeat = 0; repeat < 3 || (repeat < 30 && performance.now() - begin < 400); repeat++) {
    const start = now();
    const corner = engine.tidy(() => {
      const out = body();
      return engine.slice(out, out.shape.map(() => 0), out.shape.map(() => 1));
    });
    await engine.read(corner);
    shortest = Math.min(shortest, now() - start);
    engine.dispose(corner);
  }
  return shortest;
}

const random = (engine: Engine, shape: number[]): Tensor => {
  const next = uniform(1);
  return engine.tensor(Float64Array.from({ length: shape.reduce((p, q) => p * q, 1) }, next), shape);
};

async function products(engine: Engine, name: string): Promise<string> {
  const cells: string[] = [];
  const measure = async (flops: number, body: () => Tensor): Promise<void> => {
    cells.push((flops / (await best(engine, body)) / 1e6).toFixed(1).padStart(9));
  };
  for (const n of [128, 512, 1024, 2048]) {
    if (engine.backend === "cpu" && n > 512) {
      cells.push("-".padStart(9));
      continue;
    }
    const a = random(engine, [n, n]);
    await measure(2 * n ** 3, () => engine.matMul(a, a));
    engine.dispose(a);
  }
  const batch = random(engine, [256, 100, 100]);
  await measure(2 * 256 * 100 ** 3, () => engine.matMul(batch, batch, { transposeB: true }));
  const tall = random(engine, [8192, 256]);
  await measure(2 * 8192 * 256 ** 2, () => engine.matMul(tall, tall, { transposeA: true }));
  engine.dispose(batch, tall);
  return `${name.padEnd(16)}${cells.join("")}`;
}

/** Nanoseconds per entry of a [2048, 512] tensor. */
async function elementwise(engine: Engine, name: string): Promise<string> {
  const [rows, cols] = [2048, 512];
  const x = random(engine, [rows, cols]);
  const row = random(engine, [cols]);
  const column = random(engine, [rows, 1]);
  const bodies: (() => Tensor)[] = [
    () => engine.add(x, x), () => engine.add(x, row), () => engine.mul(x, column), () => engine.activation("relu", x), () => engine.activation("gelu", x),
    () => engine.softmax(x), () => engine.sum(x, [0]), () => engine.sum(x, [1]), () => engine.transpose(x, [1, 0]), () => engine.slice(x, [1, 1], [rows - 1, cols - 2]),
  ];
  const cells: string[] = [];
  for (const body of bodies) cells.push(((await best(engine, body)) * 1e6 / (rows * cols)).toFixed(2).padStart(9));
  engine.dispose(x, row, column);
  return `${name.padEnd(16)}${cells.join("")}`;
}

function eigenTable(): void {
  console.log("\nSymmetric eigenproblem in float64, best seconds");
  const ways: [string, EigenOptions][] = [
    ["own, 1 thread", { native: null, twoThreads: false }], ["own, 2 threads", { native: null, twoThreads: true }],
    ["onnx, 1 thread", { twoThreads: false }], ["onnx, 2 threads", { twoThreads: true }],
  ];
  console.log(`${"".padEnd(8)}${[...ways.map(([name]) => name), "numpy, 1 thread", "numpy, 2 threads"].map((name) => name.padStart(18)).join("")}`);
  for (const n of [512, 1024, 2048]) {
    const a = randomSymmetricMatrix(n);
    const seconds = ways.map(([, options]) => {
      let shortest = Infinity;
      for (let repeat = 0; repeat < (n > 600 ? 2 : 5); repeat++) {
        const start = now();
        symmetricEigen(a, options);
        shortest = Math.min(shortest, now() - start);
      }
      return (shortest / 1000).toFixed(3);
    });
    console.log(`n = ${String(n).padStart(4)}${[...seconds, numpySeconds(n, 1), numpySeconds(n, 2)].map((text) => text.padStart(18)).join("")}`);
  }
}

function randomSymmetricMatrix(n: number): Matrix {
  const next = uniform(n);
  const a = matrix(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a.data[i * n + j] = a.data[j * n + i] = next();
  return a;
}

function numpySeconds(n: number, threads: number): string {
  const clock = byProcessor ? "process_time" : "perf_counter";
  const program = `import numpy, time\na = numpy.random.default_rng(0).uniform(-1, 1, (${n}, ${n}))\na = a + a.T\nb = 9e9\n`
    + `for _ in range(3):\n    s = time.${clock}(); numpy.linalg.eigh(a); b = min(b, time.${clock}() - s)\nprint(f"{b:.3f}")`;
  try {
    const env = { ...process.env, OPENBLAS_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
    return execFileSync("python3", ["-c", program], { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "no numpy here";
  }
}

async function main(): Promise<void> {
  offerHelperThread({ file: join(__dirname, "kernelThread.js") });
  if (process.argv.includes("--eigen")) return eigenTable();
  const engines: [string, Engine][] = [];
  for (const [name, options] of candidates) {
    try {
      engines.push([name, await createEngine(options)]);
    } catch (error) {
      console.log(`${name}: not measured. ${firstLine(error)}`);
    }
  }
  console.log(byProcessor ? "Times are processor time over all threads." : "Times are by the clock.");
  console.log("\nMatrix products, GFLOP/s (2 m n k)");
  console.log(`${"".padEnd(16)}${["128", "512", "1024", "2048", "256x100^3", "Gram"].map((title) => title.padStart(9)).join("")}`);
  for (const [name, engine] of engines) console.log(await products(engine, name));
  console.log("\nNanoseconds per entry, [2048, 512]");
  console.log(`${"".padEnd(16)}${["add", "add row", "mul col", "relu", "gelu", "softmax", "sum 0", "sum 1", "transp.", "slice"].map((title) => title.padStart(9)).join("")}`);
  for (const [name, engine] of engines) console.log(await elementwise(engine, name));
  eigenTable();
  process.exit(0);
}

void main();
