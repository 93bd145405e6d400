/** @file What both PyTorch containers share: a checkpoint's contents and a way to fetch bytes of its storages become a ModelFile. */

import { FormatError, type ModelFile, type TensorValues } from "../modelFile";
import { elementSize } from "../tensors/elements";
import { readDense } from "../tensors/tensorView";
import type { CheckpointContents } from "./stateDictRoot";
import type { TorchStorage, TorchTensor } from "./torchTensors";

export interface StorageReader {
  /** Bytes the file holds of a storage. */
  sizeOf(storage: TorchStorage): number;
  /** Bytes [offset, offset + length) of the storage that `storage.key` names. */
  read(storage: TorchStorage, offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @throws FormatError when a storage is absent or shorter than its tensors need. */
export function torchModel(format: string, name: string, contents: CheckpointContents, storages: StorageReader): ModelFile {
  const { tensors, metadata, notes } = contents;
  for (const [tensorName, { storage }] of tensors) {
    const needed = storage.start * elementSize(storage.dtype) + storage.bytes;
    const present = storages.sizeOf(storage);
    if (present < needed) throw new FormatError(`${name}: tensor "${tensorName}" needs a storage of ${needed} bytes, the file holds ${present}; it is truncated or damaged, copy it again.`);
  }
  const quantized = [...tensors].filter(([, tensor]) => tensor.quantization !== null).map(([tensorName]) => tensorName);
  return {
    format,
    tensors: [...tensors].map(([tensorName, tensor]) => ({ name: tensorName, dtype: tensor.quantization === null ? tensor.dtype : "float32", shape: tensor.shape })),
    metadata,
    notes: quantized.length === 0 ? notes : [...notes, `Quantised tensors are read as the real numbers they stand for: ${quantized.slice(0, 5).join(", ")}.`],
    async read(tensorName): Promise<TensorValues> {
      const tensor = tensors.get(tensorName);
      if (tensor === undefined) throw new FormatError(`${name} holds no tensor named "${tensorName}".`);
      const start = tensor.storage.start * elementSize(tensor.storage.dtype);
      const values = await readDense(tensor, `${name}: tensor "${tensorName}"`, (offset, length) => storages.read(tensor.storage, start + offset, length));
      return dequantize(tensor, values);
    },
    close: () => storages.close(),
  };
}

function dequantize({ quantization }: TorchTensor, values: TensorValues): TensorValues {
  return quantization === null ? values : Float32Array.from(values, (integer) => (integer - quantization.zeroPoint) * quantization.scale);
}
