/** @file The tensors of a result file under their fixed names: float64 for bases, float32 for edges and Jacobians. */

import type { LayerResult } from "../../core/lib/basis/layerBasis";
import type { EdgeBasis } from "../../core/lib/options";
import type { Shelf } from "../../core/lib/shelf";
import type { Matrix } from "../../core/linalg/matrix";
import type { WritableTensor } from "../../formats/safetensors/writeSafetensors";
import { resultTensorName } from "../../protocol/result";

export interface ResultTensors {
  addLayer(layer: LayerResult): void;
  /** What comes again under a name replaces what was there. */
  add(...tensors: WritableTensor[]): void;
  list(): readonly WritableTensor[];
}

export function layerTensors(): ResultTensors {
  const tensors = new Map<string, WritableTensor>();
  const add = (...added: WritableTensor[]): void => {
    for (const tensor of added) tensors.set(tensor.name, tensor);
  };
  return {
    addLayer({ index, basis }) {
      if (!basis) return;
      add(
        { name: resultTensorName.mean(index), dtype: "F64", shape: [basis.mean.length], data: basis.mean },
        { name: resultTensorName.lambda(index), dtype: "F64", shape: [basis.lambda.length], data: basis.lambda },
        ...(["gram", "C", "CPinv", "W", "WPinv"] as const).map((matrix): WritableTensor => {
          const { rows, cols } = basis[matrix];
          return { name: resultTensorName[matrix](index), dtype: "F64", shape: [rows, cols], data: () => basis[matrix].data };
        }),
      );
    },
    add,
    list: () => [...tensors.values()],
  };
}

export function edgeTensor(basis: EdgeBasis, section: number, edges: Matrix, shelf: Shelf): WritableTensor {
  return float32(basis === "pca" ? resultTensorName.edgesPca(section) : resultTensorName.edges(section), edges, shelf);
}

/** Rounded at once, and kept on the shelf until the result is written. */
export function float32(name: string, { rows, cols, data }: Matrix, shelf: Shelf): WritableTensor {
  return { name, dtype: "F32", shape: [rows, cols], data: shelf.put(Float32Array.from(data)) };
}
