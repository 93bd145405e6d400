/** @file The tensors of a result file under their fixed names: float64 for bases, float32 for edges and Jacobians. */

import type { LayerResult } from "../../core/lib/basis/layerBasis";
import type { EdgeBasis } from "../../core/lib/options";
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
        float64(resultTensorName.gram(index), basis.gram),
        float64(resultTensorName.C(index), basis.C),
        float64(resultTensorName.CPinv(index), basis.CPinv),
        float64(resultTensorName.W(index), basis.W),
        float64(resultTensorName.WPinv(index), basis.WPinv),
      );
    },
    add,
    list: () => [...tensors.values()],
  };
}

export function edgeTensor(basis: EdgeBasis, section: number, edges: Matrix): WritableTensor {
  return float32(basis === "pca" ? resultTensorName.edgesPca(section) : resultTensorName.edges(section), edges);
}

export function float32(name: string, { rows, cols, data }: Matrix): WritableTensor {
  return { name, dtype: "F32", shape: [rows, cols], data: Float32Array.from(data) };
}

function float64(name: string, { rows, cols, data }: Matrix): WritableTensor {
  return { name, dtype: "F64", shape: [rows, cols], data };
}
