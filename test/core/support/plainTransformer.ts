/** @file A transformer of any family computed plainly from its description: loops over numbers, biases and norm parameters where they stand, no constants. */

import type { RotaryShape } from "../../../server/src/core/network/module";
import type {
  AffineWeights, NormWeights, TransformerBlockWeights, TransformerDescription, TransformerWeights,
} from "../../../server/src/core/network/transformer/description";
import type { ActivationName } from "../../../server/src/protocol/spec";

type Row = readonly number[];

const activations: Partial<Record<ActivationName, (x: number) => number>> = {
  relu: (x) => Math.max(0, x),
  gelu: (x) => x * normalCdf(x),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

/** By the series sum of x^(2n+1) / (1 3 5 .. (2n+1)), which converges everywhere. */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n += 1) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

function affine({ weight, bias }: AffineWeights, x: Row): number[] {
  return Array.from({ length: weight.cols }, (_, col) => x.reduce((sum, value, row) => sum + value * weight.data[row * weight.cols + col], bias?.[col] ?? 0));
}

function norm({ gain, bias }: NormWeights, shape: TransformerDescription["normalization"], x: Row): number[] {
  if (!shape) return [...x];
  const mean = shape.kind === "layer-norm" ? x.reduce((sum, value) => sum + value, 0) / x.length : 0;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value, index) => ((value - mean) / Math.sqrt(variance + shape.epsilon)) * (gain?.[index] ?? 1) + (bias?.[index] ?? 0));
}

const plus = (a: Row, b: Row): number[] => a.map((value, index) => value + b[index]);
const dot = (a: Row, b: Row): number => a.reduce((sum, value, index) => sum + value * b[index], 0);

/** Pairs as complex numbers times e^(i angle). */
function turned(x: Row, position: number, { dimensions, base, pairing, scaling }: RotaryShape): number[] {
  const result = [...x];
  for (let pair = 0; pair < dimensions / 2; pair += 1) {
    let frequency = 1 / base ** ((2 * pair) / dimensions);
    if (scaling?.kind === "linear") frequency /= scaling.factor;
    if (scaling?.kind === "llama3") {
      const length = (2 * Math.PI) / frequency;
      if (length > scaling.originalPositions / scaling.lowFrequencyFactor) frequency /= scaling.factor;
      else if (length >= scaling.originalPositions / scaling.highFrequencyFactor) {
        const smooth = (scaling.originalPositions / length - scaling.lowFrequencyFactor) / (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
        frequency = ((1 - smooth) * frequency) / scaling.factor + smooth * frequency;
      }
    }
    const [a, b] = pairing === "adjacent" ? [2 * pair, 2 * pair + 1] : [pair, pair + dimensions / 2];
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
    result[a] = x[a] * cos - x[b] * sin;
    result[b] = x[b] * cos + x[a] * sin;
  }
  return result;
}

function attention(block: TransformerBlockWeights, description: TransformerDescription, index: number, stream: readonly Row[]): number[][] {
  const { heads, keyValueHeads, headWidth, scaled, causal, windows } = description.attention;
  const window = windows[index] ?? null;
  const part = (x: Row, head: number): Row => x.slice(head * headWidth, (head + 1) * headWidth);
  const turn = (x: Row, position: number): Row => (description.positions.kind === "rotary" ? turned(x, position, description.positions.rotary) : x);
  const [queries, keys, values] = [block.query, block.key, block.value].map((weights) => stream.map((x) => affine(weights, x)));
  return stream.map((_, time) => {
    const joined = Array.from({ length: heads }, (__, head) => {
      const group = Math.floor((head * keyValueHeads) / heads);
      const query = turn(part(queries[time], head), time);
      const scores = keys.map((key, source) => {
        if ((causal && source > time) || (window !== null && Math.abs(time - source) >= window)) return 0;
        return Math.exp(dot(query, turn(part(key, group), source)) / (scaled ? Math.sqrt(headWidth) : 1));
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      return scores.reduce<Row>((sum, score, source) => plus(sum, part(values[source], group).map((value) => (value * score) / total)), new Array<number>(headWidth).fill(0));
    }).flat();
    return affine(block.output, joined);
  });
}

/** Logits at every position of one sample. */
export function plainForward(weights: TransformerWeights, description: TransformerDescription, ids: Row): number[][] {
  const { normalization, mlp } = description;
  const act = activations[mlp.activation]!;
  const rowOf = (table: { cols: number; data: Float64Array }, row: number): number[] => [...table.data.slice(row * table.cols, (row + 1) * table.cols)];
  let stream = ids.map((id, position) => (weights.positions ? plus(rowOf(weights.tokens, id), rowOf(weights.positions, position)) : rowOf(weights.tokens, id)));
  for (let index = 0; index < weights.blocks; index += 1) {
    const block = weights.block(index);
    const attended = attention(block, description, index, stream.map((x) => norm(block.attentionNorm, normalization, x)));
    const middle = stream.map((x, position) => plus(x, attended[position]));
    const read = description.blockOrder === "parallel" ? stream : middle;
    stream = middle.map((x, position) => {
      const normed = norm(block.mlpNorm, normalization, read[position]);
      const up = affine(block.up, normed);
      return plus(x, affine(block.down, block.gate ? affine(block.gate, normed).map((value, unit) => act(value) * up[unit]) : up.map(act)));
    });
  }
  return stream.map((x) => affine(weights.unembed, norm(weights.finalNorm, description.finalNorm ? normalization : null, x)));
}
