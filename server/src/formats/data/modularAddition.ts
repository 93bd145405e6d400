/** @file All pairs (x, y) modulo p with the authors' split (method section 1.7). */

import type { DataSpec } from "../../protocol/spec";
import { FormatError } from "../modelFile";
import { integerField, sampleCount, type DataKindReader } from "./dataKind";
import { randomPermutation } from "./mersenneTwister";

const largestModulus = 8192;

/**
 * Tokens (x, y, p) [count, 3] with vocabulary p + 1; label (x + y) mod p. Pair k is (floor(k / p), k mod p). "train" is the first
 * floor(fracTrain * p^2) entries of the seeded permutation, "test" the rest, both in its order; "all" (default) is in natural order.
 */
export const modularAddition: DataKindReader = {
  files: () => Promise.resolve([]),
  read(spec) {
    if (spec.modulus === undefined) throw new FormatError("Data of kind \"modular-addition\" need the field \"modulus\", for example 113.");
    const modulus = integerField(spec, "modulus", 0, 2, largestModulus);
    const pairs = pairIndices(spec, modulus * modulus);
    const count = sampleCount(spec, pairs.length);
    const values = new Int32Array(count * 3);
    const labels = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const x = Math.floor(pairs[i]! / modulus);
      const y = pairs[i]! % modulus;
      values.set([x, y, modulus], 3 * i);
      labels[i] = (x + y) % modulus;
    }
    const description = `addition modulo ${modulus}, ${spec.split ?? "all"}: ${count} of ${modulus * modulus} pairs`;
    return Promise.resolve({ inputs: { kind: "tokens", values, count, positions: 3, vocabulary: modulus + 1 }, labels, description, split: spec.split ?? "all" });
  },
};

function pairIndices(spec: DataSpec, total: number): Int32Array {
  const split = spec.split ?? "all";
  if (split === "all") return Int32Array.from({ length: total }, (_, k) => k);
  const fraction = spec.fracTrain ?? 0.3;
  if (!(fraction >= 0 && fraction <= 1)) throw new FormatError(`The field "fracTrain" is ${String(fraction)}; give a number from 0 to 1.`);
  const order = randomPermutation(total, integerField(spec, "seed", 0, 0, 0xffffffff));
  const train = Math.floor(fraction * total);
  const part = split === "train" ? order.subarray(0, train) : order.subarray(train);
  if (part.length === 0) throw new FormatError(`The ${split} split is empty with "fracTrain" ${fraction}; choose another fraction or split.`);
  return part;
}
