/** @file The weights of a transformer from the tensors of its checkpoint: turned to [in, out], and fused ones taken apart. */

import type { AffineWeights, NormWeights, TransformerWeights } from "../../../core/network/transformer/description";
import { matrix } from "../../../core/linalg/matrix";
import { parameter, toMatrix, type Weights } from "../../../core/network/weights";
import type { AffineSource, NormSource, TransformerSources } from "./sources";

/** @param parameterCount numbers in all tensors that are used, each once @throws NetworkError when a tensor is missing */
export function transformerWeights(sources: TransformerSources, weights: Weights, parameterCount: number): TransformerWeights {
  const affine = (source: AffineSource): AffineWeights => affineWeights(source, weights);
  const norm = (source: NormSource): NormWeights => ({ gain: vector(source.gain, weights), bias: source.bias === null ? null : vector(source.bias, weights) });
  return {
    tokens: toMatrix(parameter(weights, sources.tokens, [null, null])),
    positions: sources.positions === null ? null : toMatrix(parameter(weights, sources.positions, [null, null])),
    blocks: sources.blocks.length,
    block: (index) => {
      const block = sources.blocks[index]!;
      return {
        attentionNorm: norm(block.attentionNorm),
        query: affine(block.query),
        key: affine(block.key),
        value: affine(block.value),
        output: affine(block.output),
        mlpNorm: norm(block.mlpNorm),
        gate: block.gate === null ? null : affine(block.gate),
        up: affine(block.up),
        down: affine(block.down),
      };
    },
    finalNorm: norm(sources.finalNorm),
    unembed: affine(sources.unembed),
    parameterCount,
  };
}

function affineWeights({ weight: name, bias, order, units, factor }: AffineSource, weights: Weights): AffineWeights {
  const { shape, values } = parameter(weights, name, [null, null]);
  const [rows, cols] = shape as [number, number];
  const [inputs, outputs] = order === "in,out" ? [rows, cols] : [cols, rows];
  const chosen = (units ?? [[0, outputs] as const]).flatMap(([first, count]) => Array.from({ length: count }, (_, index) => first + index));
  const weight = matrix(inputs, chosen.length);
  const [unitStep, inputStep] = order === "in,out" ? [1, cols] : [cols, 1];
  for (let input = 0; input < inputs; input += 1) {
    for (let column = 0; column < chosen.length; column += 1) {
      weight.data[input * chosen.length + column] = factor * values[chosen[column]! * unitStep + input * inputStep]!;
    }
  }
  const stored = bias === null ? null : vector(bias, weights);
  return { weight, bias: stored && chosen.map((unit) => factor * stored[unit]!) };
}

function vector(name: string, weights: Weights): Float32Array | Float64Array {
  return parameter(weights, name, [null]).values;
}
