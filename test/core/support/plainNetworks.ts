/** @file The same networks written plainly, with biases and without constants: what folding must not change. */

import type { HostTensor, Weights } from "../../../server/src/core/network/weights";
import type { TransformerSizes } from "./networks";

export type Row = readonly number[];

/** x W + b */
export function affine(x: Row, weight: HostTensor, bias: HostTensor | undefined): number[] {
  const [rows, cols] = weight.shape;
  return Array.from({ length: cols }, (_, col) => {
    let sum = bias ? bias.values[col] : 0;
    for (let row = 0; row < rows; row += 1) sum += x[row] * weight.values[row * cols + col];
    return sum;
  });
}

export function plainMlp(weights: Weights, x: Row, activation: (value: number) => number): number[] {
  const depth = [...weights.keys()].filter((name) => name.startsWith("w")).length;
  let current: number[] = [...x];
  for (let layer = 0; layer < depth; layer += 1) {
    current = affine(current, weights.get(`w${layer}`)!, weights.get(`b${layer}`));
    if (layer < depth - 1) current = current.map(activation);
  }
  return current;
}

/** Head `index` of a [heads, a, b] (or [heads, b]) parameter. */
function head(tensor: HostTensor, index: number): HostTensor {
  const shape = tensor.shape.slice(1);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { shape, values: tensor.values.slice(index * size, (index + 1) * size) };
}

const plus = (a: Row, b: Row): number[] => a.map((value, index) => value + b[index]);
const dot = (a: Row, b: Row): number => a.reduce((sum, value, index) => sum + value * b[index], 0);

/** Logits at every position of one sample; causal attention scaled by 1/sqrt(headWidth), relu. */
export function plainTransformer(weights: Weights, sizes: TransformerSizes, ids: Row): number[][] {
  const row = (name: string, index: number): number[] => {
    const { shape, values } = weights.get(name)!;
    return [...values.slice(index * shape[1], (index + 1) * shape[1])];
  };
  let stream = ids.map((id, position) => plus(row("embed.W_E", id), row("pos_embed.W_pos", position)));
  for (let block = 0; block < sizes.blocks; block += 1) {
    stream = plainAttention(weights, `blocks.${block}.attn`, sizes, stream).map((added, position) => plus(stream[position], added));
    const part = (name: string): HostTensor => weights.get(`blocks.${block}.mlp.${name}`)!;
    stream = stream.map((x) => plus(x, affine(affine(x, part("W_in"), part("b_in")).map((v) => Math.max(0, v)), part("W_out"), part("b_out"))));
  }
  return stream.map((x) => affine(x, weights.get("unembed.W_U")!, weights.get("unembed.b_U")));
}

function plainAttention(weights: Weights, prefix: string, sizes: TransformerSizes, stream: readonly Row[]): number[][] {
  const part = (name: string, index: number): HostTensor => head(weights.get(`${prefix}.${name}`)!, index);
  return stream.map((x, time) => {
    let result = [...weights.get(`${prefix}.b_O`)!.values];
    for (let index = 0; index < sizes.heads; index += 1) {
      const query = affine(x, part("W_Q", index), part("b_Q", index));
      const scores = stream.slice(0, time + 1).map((source) => Math.exp(dot(query, affine(source, part("W_K", index), part("b_K", index))) / Math.sqrt(sizes.headWidth)));
      const total = scores.reduce((sum, score) => sum + score, 0);
      let mixed: number[] = new Array<number>(sizes.headWidth).fill(0);
      scores.forEach((score, source) => {
        mixed = plus(mixed, affine(stream[source], part("W_V", index), part("b_V", index)).map((value) => (value * score) / total));
      });
      result = plus(result, affine(mixed, part("W_O", index), undefined));
    }
    return result;
  });
}
