/** @file Kernels of the host engine on two threads: the same bits as on one, whatever becomes of the second. */

import { describe, expect, it } from "vitest";
import { WasmGatedSquares } from "../../../server/src/engine/host/wasmGatedSquares";
import { WasmJointSums } from "../../../server/src/engine/host/wasmJointSums";
import { WasmSparseBytes } from "../../../server/src/engine/host/wasmSparseBytes";
import { offerHelperThread } from "../../../server/src/engine/kernels/helperThread";
import { pairCount } from "../../../server/src/engine/shapes";
import { gaussian } from "../../core/support/networks";
import { helperThreads } from "../helperThreads";

const { kinds } = await helperThreads();

/** The bits of three results in one memory, the last of which counts. */
function bits(length: number, run: (out: Float32Array) => void): Buffer {
  const out = new Float32Array(length);
  for (let again = 0; again < 3; again += 1) run(out.fill(NaN));
  return Buffer.from(out.buffer);
}

const next = gaussian(3);
const random = (length: number): Float32Array => Float32Array.from({ length }, next);

describe.each(kinds)("with a second thread %s", (_what, file) => {
  it("joint sums have the same bits", () => {
    // Enough additions for two threads, and more pairs than one pass takes.
    const [samples, width, conditions] = [600, 37, 140];
    const [values, signs] = [random(samples * width), random(samples * conditions)];
    const sums = (): Buffer => {
      const joint = new WasmJointSums();
      return bits(pairCount(conditions) * width, (out) => joint.run(values, width, signs, conditions, out));
    };
    const alone = sums();
    offerHelperThread({ file: file(), patience: 1 });
    expect(sums().equals(alone)).toBe(true);
  });

  it("joint counts are the same", () => {
    const [samples, conditions] = [9000, 180];
    const signs = random(samples * conditions);
    const counts = (): Buffer => {
      const joint = new WasmJointSums();
      return bits(pairCount(conditions), (out) => joint.count(signs, conditions, out));
    };
    const alone = counts();
    offerHelperThread({ file: file(), patience: 1 });
    expect(counts().equals(alone)).toBe(true);
  });

  it("gated squares have the same bits", () => {
    // More calls than a thread is offered at once.
    const sizes = { samples: 900, terms: 300, inputs: 70, outputs: 100 };
    const { samples, terms, inputs, outputs } = sizes;
    const [conditions, weights, into, outOf, constant] = [samples * terms, samples * inputs, inputs * terms, terms * outputs, outputs * inputs].map(random);
    const squares = (): Buffer => {
      const gated = new WasmGatedSquares();
      return bits(outputs * inputs, (out) => gated.run({ conditions, weights, into, outOf, constant }, sizes, out));
    };
    const alone = squares();
    offerHelperThread({ file: file(), patience: 1 });
    expect(squares().equals(alone)).toBe(true);
  });

  it("products of bytes have the same bits", () => {
    const [count, width, columns] = [900, 130, 90];
    const bytes = Uint8Array.from({ length: count * width }, () => Math.max(0, 200 * next()));
    const [meaning, b] = [random(256), random((width + 1) * columns)];
    const product = (): Buffer => {
      const sparse = new WasmSparseBytes();
      return bits(count * columns, (out) => sparse.run({ bytes, width, meaning }, b, columns, 1, out));
    };
    const alone = product();
    offerHelperThread({ file: file(), patience: 1 });
    expect(product().equals(alone)).toBe(true);
  });
});
