/** @file The idx format of MNIST and its relatives, plain or gzip. */

import type { DataSpec } from "../../protocol/spec";
import type { ByteSource } from "../bytes/byteSource";
import { withFile } from "../bytes/fileSource";
import { readDeclared } from "../bytes/readWhole";
import { FormatError, type DType, type TensorValues } from "../modelFile";
import { decodeElements, elementSize } from "../tensors/elements";
import { elementCount } from "../tensors/tensorView";
import { inputsPath, labelsPath, namedFiles, sampleCount, type DataKindReader } from "./dataKind";
import { classLabels, scaledVectors } from "./vectors";

const longestIdx = 2 ** 31 - 1;

const elementTypes: ReadonlyMap<number, DType> = new Map([
  [0x08, "uint8"], [0x09, "int8"], [0x0b, "int16"], [0x0c, "int32"], [0x0d, "float32"], [0x0e, "float64"],
]);

export interface IdxArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major; bytes stay bytes. */
  readonly values: TensorValues | Uint8Array;
}

/** @throws FormatError when the source is no idx array or shorter than its header says. */
export async function readIdx(source: ByteSource): Promise<IdxArray> {
  const bytes = await readDeclared(source, longestIdx, (head) => {
    const { start, length } = readHeader(head, source);
    return start + length;
  });
  const { dtype, shape, start, length } = readHeader(bytes, source);
  if (start + length > bytes.length) {
    throw new FormatError(`${source.name} holds ${bytes.length - start} bytes of data where its header promises ${length}; it is truncated, download it again.`);
  }
  const data = bytes.subarray(start, start + length);
  return { dtype, shape, values: dtype === "uint8" ? data : decodeElements(data, dtype, false) };
}

/** Type and shape, where the data start and how many bytes they take. */
function readHeader(bytes: Uint8Array, source: ByteSource): { dtype: DType; shape: number[]; start: number; length: number } {
  const dtype = elementTypes.get(bytes[2] ?? 0);
  const axes = bytes[3] ?? 0;
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || dtype === undefined || axes === 0 || bytes.length < 4 + 4 * axes) {
    throw new FormatError(`${source.name} is not an idx file; name files such as train-images-idx3-ubyte.gz.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis, false));
  return { dtype, shape, start: 4 + 4 * axes, length: elementCount(shape, source.name) * elementSize(dtype) };
}

/** Fields: inputs (images), labels (optional). Every image becomes one vector. */
export const idx: DataKindReader = {
  files: namedFiles,
  async read(spec: DataSpec, baseFolder: string) {
    const path = inputsPath(spec, baseFolder);
    const { dtype, shape, values } = await withFile(path, readIdx);
    const samples = shape[0]!;
    const count = sampleCount(spec, samples);
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    const inputs = scaledVectors(values, count, width, dtype === "uint8", spec, path);
    const labelFile = labelsPath(spec, baseFolder);
    const labels = labelFile === null ? null : await readLabels(labelFile, count, samples);
    return { inputs, labels, description: `${count} samples of ${shape.slice(1).join(" x ")} from ${path}` };
  },
};

async function readLabels(path: string, count: number, samples: number): Promise<Int32Array> {
  const { shape, values } = await withFile(path, readIdx);
  if (values.length !== shape[0]) throw new FormatError(`${path} has the shape ${shape.join(" x ")}; labels have one axis, name a file such as train-labels-idx1-ubyte.gz.`);
  return classLabels(values, values.length, count, samples, path);
}
