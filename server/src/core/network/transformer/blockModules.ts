/**
 * @file The modules of one transformer block, with the names and tensors of method section 1.4. In parallel blocks the residual that
 * entered the block travels on beside attention + residual until ln2 has read it.
 */

import type { Engine } from "../../../engine/engine";
import { slice } from "../../linalg/arrange";
import { activationFunction } from "../activationFunction";
import { activationModule } from "../activationModule";
import { attentionModule } from "../attentionModule";
import { foldAffine, foldBias, stacked, besides, withZeroColumn } from "../folding";
import { gatedActivationModule } from "../gatedActivationModule";
import { lastPositionModule } from "../lastPositionModule";
import { linearModule } from "../linearModule";
import type { AttentionShape, LinearTerm, Module, NormShape } from "../module";
import { normDivideModule, normVarianceModule } from "../normModules";
import type { TransformerBlockWeights, TransformerDescription } from "./description";
import { afterNorm } from "./foldNorm";

export interface BlockPlace {
  readonly index: number;
  /** d + 1 */
  readonly width: number;
  /** Only the last position is kept after attention. */
  readonly endsPositions: boolean;
}

/** ln1 to add_resid2 of one block: [.., d + 1] -> [.., d + 1]. */
export function blockModules(engine: Engine, weights: TransformerBlockWeights, description: TransformerDescription, place: BlockPlace): Module[] {
  const { index, width, endsPositions } = place;
  const parallel = description.blockOrder === "parallel";
  const streams = parallel ? [width, width] : [width];
  return [
    ...normModules(engine, description.normalization, `ln1`, index, [width]),
    ...attentionModules(engine, weights, description, place),
    linearModule(engine, `add_resid1.${index}`, [width, width], streams, [...sumOf(2), ...(parallel ? [{ from: 1, to: 1, weight: null }] : [])]),
    ...(endsPositions ? [lastPositionModule(engine, `last_position.${index}`, streams)] : []),
    ...normModules(engine, description.normalization, `ln2`, index, streams),
    ...mlpModules(engine, weights, description, place),
    linearModule(engine, `add_resid2.${index}`, [width, width], [width], sumOf(2)),
  ];
}

/**
 * `name.b` and `name_out.b`. Streams are [residual], or [attention + residual, residual] in parallel blocks, whose ln2 swaps them; after
 * name_out they are (normed residual, stream to add to). Without normalisation both are linear and the residual is doubled.
 */
function normModules(engine: Engine, norm: NormShape | null, name: string, block: number, streams: readonly number[]): Module[] {
  const [width] = streams;
  const source = streams.length - 1;
  const [first, second] = [`${name}.${block}`, `${name}_out.${block}`];
  if (norm) {
    const variance = normVarianceModule(engine, first, norm, streams, source);
    return [variance, normDivideModule(engine, second, norm, variance.outputWidths, source === 0)];
  }
  const swapped: LinearTerm[] = streams.map((_, from) => ({ from, to: source - from, weight: null }));
  const pair = [width, width];
  return [
    linearModule(engine, first, streams, streams, swapped),
    linearModule(engine, second, streams, pair, pair.map((_, to) => ({ from: Math.min(to, source), to, weight: null }))),
  ];
}

/** attn_in and attn_out. */
function attentionModules(engine: Engine, weights: TransformerBlockWeights, description: TransformerDescription, { index, width }: BlockPlace): Module[] {
  const { heads, keyValueHeads, headWidth, scaled, causal, windows } = description.attention;
  const [query, key, value] = [weights.query, weights.key, weights.value].map((affine) => afterNorm(weights.attentionNorm, affine));
  const valueOfGroup = (group: number): [number, number] => [group * headWidth, (group + 1) * headWidth];
  const q = foldBias(query.weight, query.bias);
  const k = foldBias(key.weight, key.bias);
  // Each group's value carries a constant of its own.
  const v = besides(Array.from({ length: keyValueHeads }, (_, group) => {
    const [from, to] = valueOfGroup(group);
    return foldAffine(slice(value.weight, 0, value.weight.rows, from, to), value.bias && Array.from(value.bias).slice(from, to), 1);
  }));
  // The output bias is spread evenly over the heads: each head's value carries a 1 that meets its share (method section 1.2).
  const share = weights.output.bias && Array.from(weights.output.bias, (entry) => entry / heads);
  const attention: AttentionShape = {
    heads,
    keyValueHeads,
    queryWidth: headWidth,
    valueWidth: headWidth + 1,
    scale: scaled ? 1 / Math.sqrt(headWidth) : 1,
    causal,
    window: windows[index] ?? null,
    rotary: description.positions.kind === "rotary" ? description.positions.rotary : null,
    output: stacked(Array.from({ length: heads }, (_, head) => (
      withZeroColumn(foldBias(slice(weights.output.weight, head * headWidth, (head + 1) * headWidth), share))
    ))),
  };
  return [
    linearModule(engine, `attn_in.${index}`, [width, width], [q.cols, k.cols, v.cols, width], [
      ...[q, k, v].map((weight, to) => ({ from: 0, to, weight })),
      { from: 1, to: 3, weight: null },
    ]),
    attentionModule(engine, `attn_out.${index}`, attention, [width]),
  ];
}

/** mlp_in, mlp_act and mlp_out. The residual stream carries the constant, so that of the MLP's output is 0. */
function mlpModules(engine: Engine, weights: TransformerBlockWeights, description: TransformerDescription, { index, width }: BlockPlace): Module[] {
  const activation = activationFunction(description.mlp.activation, description.mlp.negativeSlope);
  const [up, gate] = [weights.up, weights.gate].map((affine) => affine && afterNorm(weights.mlpNorm, affine));
  const into = [
    ...(gate ? [foldAffine(gate.weight, gate.bias, activation.constantRoot)] : []),
    foldAffine(up!.weight, up!.bias, gate ? 1 : activation.constantRoot),
  ];
  const hidden = into[0].cols;
  const out = withZeroColumn(foldBias(weights.down.weight, weights.down.bias));
  return [
    linearModule(engine, `mlp_in.${index}`, [width, width], [...into.map(({ cols }) => cols), width], [
      ...into.map((weight, to) => ({ from: 0, to, weight })),
      { from: 1, to: into.length, weight: null },
    ]),
    gate
      ? gatedActivationModule(engine, `mlp_act.${index}`, hidden, [width], activation)
      : activationModule(engine, `mlp_act.${index}`, [hidden, width], activation),
    linearModule(engine, `mlp_out.${index}`, [hidden, width], [width, width], [
      { from: 0, to: 0, weight: out },
      { from: 1, to: 1, weight: null },
    ]),
  ];
}

/** Identity terms from every input to output 0. */
export const sumOf = (inputs: number): LinearTerm[] => Array.from({ length: inputs }, (_, from) => ({ from, to: 0, weight: null }));
