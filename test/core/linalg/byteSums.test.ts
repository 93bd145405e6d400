/** @file Exact sums and products of bytes, on one thread and on two, and the statistics of a layer of bytes against those of its numbers. */

import { describe, expect, it } from "vitest";
import { ByteSums } from "../../../server/src/core/linalg/byteSums";
import { byteStatistics, scaledBytes } from "../../../server/src/core/lib/statistics/byteStatistics";
import { GramAccumulator } from "../../../server/src/core/lib/statistics/gram";
import type { ByteVectors } from "../../../server/src/core/network/network";
import { seededRandom } from "../../../server/src/core/random";
import { HostEngine } from "../../../server/src/engine/host/hostEngine";
import { offerHelperThread } from "../../../server/src/engine/kernels/helperThread";
import { plainProducts } from "../../../server/src/engine/products/plainProducts";
import { helperThreads } from "../../engine/helperThreads";

const { kinds } = await helperThreads();

/** Random bytes, whose first and last tenth of components is zero in most samples, as the margins of images are. */
function images(samples: number, width: number, seed: number): Uint8Array {
  const next = seededRandom(seed);
  return Uint8Array.from({ length: samples * width }, (_, at) => {
    const place = (at % width) / width;
    const margin = (place < 0.1 || place > 0.9) && at < (samples * width) / 2;
    return margin ? 0 : Math.floor(256 * next());
  });
}

function exactly(bytes: Uint8Array, width: number): { sums: number[]; products: number[] } {
  const sums = Array.from({ length: width }, () => 0);
  const products = Array.from({ length: width * width }, () => 0);
  for (let row = 0; row < bytes.length; row += width) {
    for (let i = 0; i < width; i += 1) {
      sums[i] += bytes[row + i];
      for (let j = 0; j < width; j += 1) products[i * width + j] += bytes[row + i] * bytes[row + j];
    }
  }
  return { sums, products };
}

describe.each([["that is not offered", null], ...kinds] as const)("sums of bytes with a second thread %s", (_name, file) => {
  // Around the 8 components of a panel, the 128 samples of a block and the pairs of samples in it; several steps.
  it.each([[1, 1], [3, 7], [127, 16], [128, 8], [129, 15], [513, 9], [1000, 31], [1023, 64], [2100, 40]])("%i vectors of %i are exact", (samples, width) => {
    offerHelperThread(file === null ? null : { file: file(), patience: 1 });
    const bytes = images(samples, width, samples);
    const sums = new ByteSums(width);
    const [first, second] = [bytes.subarray(0, width * Math.ceil(samples / 3)), bytes.subarray(width * Math.ceil(samples / 3))];
    sums.add(first);
    if (second.length > 0) sums.add(second);
    const { count, ...found } = sums.total();
    const wanted = exactly(bytes, width);
    expect(count).toBe(samples);
    expect([...found.sums]).toEqual(wanted.sums);
    expect([...found.products.data]).toEqual(wanted.products);
  });

  it("the whitest vectors of the longest step do not overflow", () => {
    offerHelperThread(file === null ? null : { file: file(), patience: 1 });
    const sums = new ByteSums(2);
    const samples = sums.samplesPerStep;
    expect(samples).toBe(256 * 128);
    sums.add(new Uint8Array(2 * samples).fill(255));
    expect([...sums.total().products.data]).toEqual(Array.from({ length: 4 }, () => 255 * 255 * samples));
  });
});

describe("statistics of a layer of bytes", () => {
  const [samples, width] = [700, 30];
  const vectors = (step: number, offset: number): ByteVectors => ({
    kind: "bytes", values: images(samples, width, 5), count: samples, width, meaning: Float32Array.from({ length: 256 }, (_, byte) => offset + step * byte),
  });

  it.each([[1 / 255, 0, true], [1 / 255, 0, false], [2 / 255, -1, true], [2 / 255, -1, false]])("with step %f and offset %f (centred: %s) are those of its numbers", async (step, offset, center) => {
    const bytes = vectors(step, offset);
    const scaled = scaledBytes(bytes)!;
    const found = byteStatistics(scaled, center, () => undefined);
    const engine = new HostEngine("cpu", "float64", plainProducts);
    const numbers = Float64Array.from({ length: samples * (width + 1) }, (_, at) => {
      const [row, col] = [Math.floor(at / (width + 1)), at % (width + 1)];
      return col === width ? 1 : scaled.offset + scaled.step * bytes.values[row * width + col];
    });
    const mean = Float64Array.from({ length: width + 1 }, (_, col) => {
      let sum = 0;
      for (let row = 0; row < samples; row += 1) sum += numbers[row * (width + 1) + col];
      return sum / samples;
    });
    const gram = new GramAccumulator(engine, width + 1, center ? mean : null);
    await gram.add(engine.tensor(numbers, [samples, 1, width + 1]));
    const wanted = gram.statistics(mean);
    expect(found.centered).toBe(center);
    found.mean.forEach((value, i) => expect(value).toBeCloseTo(wanted.mean[i], 13));
    found.gram.data.forEach((value, at) => expect(Math.abs(value - wanted.gram.data[at])).toBeLessThan(1e-13));
  });

  it("a component that never changes has variance 0, exactly", () => {
    const bytes = { ...vectors(1 / 255, 0), values: images(samples, width, 6) };
    for (let row = 0; row < samples; row += 1) bytes.values[row * width + 3] = 77;
    const { gram } = byteStatistics(scaledBytes(bytes)!, true, () => undefined);
    for (let col = 0; col <= width; col += 1) expect(gram.data[3 * (width + 1) + col]).toBe(0);
  });

  it("are left to the numbers where the bytes stand for something else", () => {
    expect(scaledBytes({ ...vectors(1, 0), meaning: Float32Array.from({ length: 256 }, (_, byte) => Math.sqrt(byte)) })).toBeNull();
    expect(scaledBytes(null)).toBeNull();
  });

  it("stop where the caller says", () => {
    let visits = 0;
    expect(() => byteStatistics(scaledBytes(vectors(1, 0))!, true, () => { visits += 1; throw new Error("stop"); })).toThrow("stop");
    expect(visits).toBe(1);
  });
});
