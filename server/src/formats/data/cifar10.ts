/** @file The binary version of CIFAR-10: records of one label byte and 3 x 32 x 32 pixel bytes (red, green, blue planes). */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { DataSpec } from "../../protocol/spec";
import { withFile } from "../bytes/fileSource";
import { readWhole } from "../bytes/readWhole";
import { FormatError } from "../modelFile";
import { inputsPath, sampleCount, type DataKindReader } from "./dataKind";
import { scaledVectors } from "./vectors";

const width = 3 * 32 * 32;
const recordSize = 1 + width;
const classNames = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const longestFile = 2 ** 30;

/** Read in place of a file: the folder "cifar-10-batches-bin". */
const batches = {
  train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  test: ["test_batch.bin"],
};

/**
 * Field inputs: a file, or the folder "cifar-10-batches-bin", of which `split` (train when absent) chooses the batches.
 * Vectors [count, 3072] in the order channel, row, column, as a flattened torchvision tensor.
 */
export const cifar10: DataKindReader = {
  files: batchFiles,
  async read(spec, baseFolder, signals) {
    const files = await batchFiles(spec, baseFolder);
    const parts: Uint8Array[] = [];
    for (const file of files) {
      signals.checkCancelled();
      parts.push(await readRecords(file));
    }
    const samples = parts.reduce((sum, part) => sum + part.length / recordSize, 0);
    const count = sampleCount(spec, samples);
    const pixels = new Uint8Array(count * width);
    const labels = new Int32Array(count);
    let sample = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length && sample < count; at += recordSize, sample++) {
        labels[sample] = part[at]!;
        pixels.set(part.subarray(at + 1, at + recordSize), sample * width);
      }
    }
    const where = files.join(", ");
    const inputs = scaledVectors(pixels, count, width, true, spec, where);
    const fromFolder = await isFolder(inputsPath(spec, baseFolder));
    return { inputs, labels, classNames, description: `${count} CIFAR-10 images from ${where}`, ...(fromFolder ? { split: spec.split ?? "train" } : {}) };
  },
};

const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false);

async function batchFiles(spec: DataSpec, baseFolder: string): Promise<string[]> {
  const path = inputsPath(spec, baseFolder);
  if (!await isFolder(path)) return [path];
  const names = spec.split === "all" ? [...batches.train, ...batches.test] : batches[spec.split ?? "train"];
  return names.map((name) => join(path, name));
}

async function readRecords(path: string): Promise<Uint8Array> {
  const bytes = await withFile(path, (source) => readWhole(source, longestFile));
  if (bytes.length === 0 || bytes.length % recordSize !== 0) {
    throw new FormatError(`${path} has ${bytes.length} bytes, no multiple of the ${recordSize} of a CIFAR-10 record; name a file of the binary version.`);
  }
  for (let at = 0; at < bytes.length; at += recordSize) {
    if (bytes[at]! >= classNames.length) throw new FormatError(`${path} has label ${bytes[at]!} at byte ${at}; this is not the binary version of CIFAR-10.`);
  }
  return bytes;
}
