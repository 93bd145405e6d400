/**
 * @file Writes the bytes of a one-product ONNX model. The few protobuf fields needed are written by hand:
 * field numbers from onnx.proto3 (ONNX IR version 8, operator set 17).
 */

/** Element types of TensorProto.DataType. */
const onnxTypes = { float32: 1, float64: 11 } as const;
export type OnnxFloat = keyof typeof onnxTypes;

const attributeInt = 2;
const attributeInts = 7;

export interface ProductModel {
  type: OnnxFloat;
  rankA: 2 | 3;
  rankB: 2 | 3;
  transposeA: boolean;
  transposeB: boolean;
}

/** Model with inputs `a`, `b` and output `c`: Gemm for plain matrices, (Transpose +) MatMul for batches. */
export function productModel(model: ProductModel): Uint8Array {
  const { rankA, rankB, transposeA, transposeB } = model;
  const nodes: number[][] = [];
  if (rankA === 2 && rankB === 2) {
    nodes.push(node("Gemm", ["a", "b"], "c", [
      ...(transposeA ? [intAttribute("transA", 1)] : []),
      ...(transposeB ? [intAttribute("transB", 1)] : []),
    ]));
  } else {
    if (transposeA) nodes.push(node("Transpose", ["a"], "at", [intsAttribute("perm", swapLast(rankA))]));
    if (transposeB) nodes.push(node("Transpose", ["b"], "bt", [intsAttribute("perm", swapLast(rankB))]));
    nodes.push(node("MatMul", [transposeA ? "at" : "a", transposeB ? "bt" : "b"], "c", []));
  }
  const type = onnxTypes[model.type];
  const graph = [
    ...nodes.flatMap((each) => bytesField(1, each)),
    ...textField(2, "product"),
    ...bytesField(11, valueInfo("a", type, rankA)),
    ...bytesField(11, valueInfo("b", type, rankB)),
    ...bytesField(12, valueInfo("c", type, Math.max(rankA, rankB))),
  ];
  const operatorSet = intField(2, 17);
  return Uint8Array.from([...intField(1, 8), ...bytesField(7, graph), ...bytesField(8, operatorSet)]);
}

function swapLast(rank: number): number[] {
  return rank === 2 ? [1, 0] : [0, 2, 1];
}

function node(operator: string, inputs: string[], output: string, attributes: number[][]): number[] {
  return [
    ...inputs.flatMap((name) => textField(1, name)),
    ...textField(2, output),
    ...textField(4, operator),
    ...attributes.flatMap((each) => bytesField(5, each)),
  ];
}

function intAttribute(name: string, value: number): number[] {
  return [...textField(1, name), ...intField(3, value), ...intField(20, attributeInt)];
}

function intsAttribute(name: string, values: number[]): number[] {
  return [...textField(1, name), ...values.flatMap((value) => intField(8, value)), ...intField(20, attributeInts)];
}

/** ValueInfoProto of a tensor whose extents are all free. */
function valueInfo(name: string, type: number, rank: number): number[] {
  const extents = Array.from({ length: rank }, (_, axis) => bytesField(1, textField(2, `${name}${axis}`))).flat();
  const tensorType = [...intField(1, type), ...bytesField(2, extents)];
  return [...textField(1, name), ...bytesField(2, bytesField(1, tensorType))];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function intField(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function bytesField(field: number, bytes: number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

function textField(field: number, text: string): number[] {
  return bytesField(field, [...Buffer.from(text, "utf8")]);
}
