/** @file The second thread of large eigenproblems: same bits with and without it, whatever becomes of it. */

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import * as esbuild from "esbuild";
import { describe, expect, it } from "vitest";
import { symmetricEigen } from "../../../server/src/core/linalg/symmetricEigen";
import { GemmKernels, type KernelFunctions } from "../../../server/src/engine/kernels/gemmKernels";
import { HelperLost, HelperThread, offerHelperThread, type HelperStart } from "../../../server/src/engine/kernels/helperThread";
import { bufferForCalls, SharedCalls, type KernelCall } from "../../../server/src/engine/kernels/sharedCalls";
import { nativeProducts } from "../../../server/src/engine/products/hostProducts";
import { dying, helperThreads } from "../../engine/helperThreads";
import { randomSymmetric } from "./random";

const { entry, script, kinds } = await helperThreads();

/** out (2 x 2) = a a^T as a call, and the kernels in a shared memory that it works on. */
function smallProduct(): { kernels: GemmKernels; call: (work: number) => KernelCall<KernelFunctions>; out: () => Float64Array } {
  const kernels = new GemmKernels(true);
  const [a, out] = kernels.reserve(32, 32);
  kernels.float64(a, 4).set([1, 2, 3, 4]);
  return {
    kernels,
    call: (work) => ({ kernel: "dgemm", values: [2, 2, 2, 1, a, 2, 1, a, 1, 2, 0, out, 2, work] }),
    out: () => kernels.float64(out, 4),
  };
}

describe("the second thread", () => {
  it("computes on the memory of the first", async () => {
    const { kernels, call, out } = smallProduct();
    const calls = new SharedCalls(bufferForCalls(), kernels.functions);
    const start: HelperStart = { module: kernels.module, memory: kernels.memory, calls: calls.buffer };
    const worker = new Worker(entry, { workerData: start });
    const ended = new Promise((done) => worker.once("exit", done));
    calls.post([call(kernels.work)]);
    const word = new Int32Array(calls.buffer);
    while (Atomics.load(word, 0) !== 0) await new Promise((done) => setTimeout(done, 5));
    expect(Array.from(out())).toEqual([5, 11, 11, 25]);
    calls.close();
    expect(await ended).toBe(0);
  });

  it("ends when it is told to, even before it has started", async () => {
    offerHelperThread({ file: entry });
    const helper = HelperThread.start(smallProduct().kernels)!;
    helper.end();
    await helper.ended;
  });

  it("that ends in the middle of its work is lost, which is an error of its own", async () => {
    offerHelperThread({ file: script("dying", dying), patience: 1 });
    const { kernels, call } = smallProduct();
    const helper = HelperThread.start(kernels)!;
    const lose = async (): Promise<void> => {
      for (;;) {
        helper.together([() => call(kernels.work)]);
        await new Promise((done) => setTimeout(done, 5));
      }
    };
    await expect(lose()).rejects.toThrow(HelperLost);
  });
});

describe.each([["own kernels", null], ["the native library", nativeProducts()]])("eigenproblems with %s", (_name, native) => {
  const a = randomSymmetric(600, 11);
  const alone = symmetricEigen(a, { native, twoThreads: false });

  it.each(kinds)("have the same bits with a thread %s", (_what, file) => {
    offerHelperThread({ file: file(), patience: 1 });
    for (let solve = 0; solve < 3; solve++) {
      const together = symmetricEigen(a, { native, twoThreads: true });
      expect(together.values).toEqual(alone.values);
      expect(Buffer.compare(Buffer.from(together.vectors.data.buffer), Buffer.from(alone.vectors.data.buffer))).toBe(0);
    }
  });
});

it("leaves nothing that holds a process open, after a solve and after a cancelled one", async () => {
  const program = join(dirname(entry), "solve.cjs");
  await esbuild.build({
    stdin: {
      contents: `
        import { symmetricEigen } from "./server/src/core/linalg/symmetricEigen";
        import { matrix } from "./server/src/core/linalg/matrix";
        import { offerHelperThread } from "./server/src/engine/kernels/helperThread";
        offerHelperThread({ file: ${JSON.stringify(entry)} });
        const n = 500;
        const a = matrix(n, n, Float64Array.from({ length: n * n }, (_, at) => 1 / (1 + Math.floor(at / n) + at % n)));
        symmetricEigen(a, { native: null, twoThreads: true });
        let asked = 0;
        try {
          symmetricEigen(a, { native: null, twoThreads: true, checkCancelled: () => { if (++asked === 200) throw new Error("cancelled"); } });
        } catch (error) {
          console.log(error.message);
        }
      `,
      resolveDir: process.cwd(),
    },
    outfile: program, bundle: true, platform: "node", format: "cjs", target: "node20", loader: { ".wasm": "binary" },
    external: ["onnxruntime-node"], logLevel: "error",
  });
  const { status, stdout } = spawnSync(process.execPath, [program], { encoding: "utf8", timeout: 100_000 });
  expect(stdout).toBe("cancelled\n");
  expect(status).toBe(0);
});
