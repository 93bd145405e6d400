/**
 * @file A network from the description and the weights of a transformer: embedding, blocks, final norm, unembedding. Biases and norm
 * parameters are folded into the weights (method section 1.2); module order and node-layer widths: method section 1.4.
 */

import type { Engine } from "../../../engine/engine";
import type { Matrix } from "../../linalg/matrix";
import { foldBias, withZeroColumn } from "../folding";
import { linearModule } from "../linearModule";
import type { Module } from "../module";
import type { Network } from "../network";
import { NetworkError } from "../networkError";
import { normDivideModule, normVarianceModule } from "../normModules";
import { tokenEmbedding } from "../tokenEmbedding";
import { blockModules, sumOf } from "./blockModules";
import { checkBlock, checkDescription, checkEnds } from "./checkTransformer";
import type { TransformerDescription, TransformerWeights } from "./description";
import { afterNorm } from "./foldNorm";

/** @throws NetworkError when the weights do not fit the description or each other, or the description contradicts itself. */
export function buildTransformer(weights: TransformerWeights, description: TransformerDescription, engine: Engine): Network {
  const { tokens, positions, blocks } = weights;
  checkDescription(description, blocks);
  checkEnds(weights, description);
  const width = tokens.cols + 1;
  const lastPosition = lastPositionBlock(description.lastPositionOnly, blocks);

  const embedded = positions ? [width, width] : [width];
  const modules: Module[] = [linearModule(engine, "add_embed", embedded, [width], sumOf(embedded.length))];
  for (let index = 0; index < blocks; index += 1) {
    const block = weights.block(index);
    checkBlock(block, description, index, tokens.cols);
    modules.push(...blockModules(engine, block, description, { index, width, endsPositions: index === lastPosition }));
  }
  modules.push(...endModules(weights, description, engine, width));

  const context = description.positions.kind === "learned" ? positions!.rows : description.positions.context;
  return {
    family: description.family,
    engine,
    input: { kind: "tokens", vocabulary: tokens.rows, maxPositions: context },
    modules,
    nodeLayerNames: [...modules.map(({ id }) => id).filter((id) => !id.startsWith("last_position")), "output"],
    parameterCount: weights.parameterCount,
    encode: positions
      ? tokenEmbedding(engine, withZeroColumn(tokens), withOnes(positions), context)
      : tokenEmbedding(engine, withOnes(tokens), null, context),
  };
}

/** ln_final, ln_final_out and unembed. */
function endModules(weights: TransformerWeights, { normalization, finalNorm }: TransformerDescription, engine: Engine, width: number): Module[] {
  const { weight, bias } = afterNorm(weights.finalNorm, weights.unembed);
  const norms = normalization && finalNorm
    ? [normVarianceModule(engine, "ln_final", normalization, [width]), normDivideModule(engine, "ln_final_out", normalization, [1, width], false)]
    : ["ln_final", "ln_final_out"].map((id) => linearModule(engine, id, [width], [width], sumOf(1)));
  return [...norms, linearModule(engine, "unembed", [width], [weight.cols], [{ from: 0, to: 0, weight: foldBias(weight, bias) }])];
}

/** W [rows, cols] with a column of ones appended. */
function withOnes(table: Matrix): Matrix {
  const folded = withZeroColumn(table);
  for (let row = 1; row <= folded.rows; row += 1) folded.data[row * folded.cols - 1] = 1;
  return folded;
}

function lastPositionBlock(name: string | null, blocks: number): number | null {
  if (name === null) return null;
  const match = /^add_resid1(?:\.(\d+))?$/.exec(name);
  const block = match?.[1] === undefined ? blocks - 1 : Number(match[1]);
  if (!match || block >= blocks) {
    throw new NetworkError(`lastPositionOnly "${name}" is not supported. Use "add_resid1" (last block) or "add_resid1.0" to "add_resid1.${blocks - 1}".`);
  }
  return block;
}
