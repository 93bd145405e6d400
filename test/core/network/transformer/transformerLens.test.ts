import { beforeAll, describe, expect, it } from "vitest";
import type { Matrix } from "../../../../server/src/core/linalg/matrix";
import { evaluateNetwork } from "../../../../server/src/core/network/network";
import type { AffineWeights, TransformerDescription, TransformerWeights } from "../../../../server/src/core/network/transformer/description";
import { buildTransformerLens, type TransformerLensDescription } from "../../../../server/src/core/network/transformer/transformerLens";
import type { HostTensor } from "../../../../server/src/core/network/weights";
import type { Engine } from "../../../../server/src/engine/engine";
import { referenceEngine, tokens } from "../../support/networks";
import { plainForward } from "../../support/plainTransformer";
import { context, descriptions, randomWeights, vocabulary } from "../../support/transformers";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

/** The state dict that TransformerLens would write for the same network. */
function stateDict(weights: TransformerWeights, { attention, normalization }: TransformerDescription): Map<string, HostTensor> {
  const state = new Map<string, HostTensor>();
  const set = (name: string, values: ArrayLike<number> | null, ...shape: number[]): void => {
    if (values) state.set(name, { shape, values: Float64Array.from(values) });
  };
  const whole = (name: string, { rows, cols, data }: Matrix): void => set(name, data, rows, cols);
  const { headWidth, heads, keyValueHeads } = attention;
  /** Columns of head h: [heads, d, headWidth]. */
  const perHead = (name: string, bias: string, count: number, { weight, bias: values }: AffineWeights): void => {
    const slices = Array.from({ length: count * weight.rows * headWidth }, (_, index) => {
      const [head, row, col] = [Math.floor(index / (weight.rows * headWidth)), Math.floor(index / headWidth) % weight.rows, index % headWidth];
      return weight.data[row * weight.cols + head * headWidth + col];
    });
    set(name, slices, count, weight.rows, headWidth);
    set(bias, values, count, headWidth);
  };
  const grouped = heads === keyValueHeads ? "" : "_";
  whole("embed.W_E", weights.tokens);
  if (weights.positions) whole("pos_embed.W_pos", weights.positions);
  for (let index = 0; index < weights.blocks; index += 1) {
    const block = weights.block(index);
    const at = `blocks.${index}`;
    perHead(`${at}.attn.W_Q`, `${at}.attn.b_Q`, heads, block.query);
    perHead(`${at}.attn.${grouped}W_K`, `${at}.attn.${grouped}b_K`, keyValueHeads, block.key);
    perHead(`${at}.attn.${grouped}W_V`, `${at}.attn.${grouped}b_V`, keyValueHeads, block.value);
    set(`${at}.attn.W_O`, block.output.weight.data, heads, headWidth, block.output.weight.cols);
    set(`${at}.attn.b_O`, block.output.bias, block.output.weight.cols);
    for (const [name, norm] of [["ln1", block.attentionNorm], ["ln2", block.mlpNorm]] as const) {
      set(`${at}.${name}.w`, norm.gain, norm.gain?.length ?? 0);
      set(`${at}.${name}.b`, norm.bias, norm.bias?.length ?? 0);
    }
    if (block.gate) whole(`${at}.mlp.W_gate`, block.gate.weight);
    whole(`${at}.mlp.W_in`, block.up.weight);
    set(`${at}.mlp.b_in`, block.up.bias, block.up.weight.cols);
    whole(`${at}.mlp.W_out`, block.down.weight);
    set(`${at}.mlp.b_out`, block.down.bias, block.down.weight.cols);
  }
  if (normalization) {
    set("ln_final.w", weights.finalNorm.gain, weights.finalNorm.gain?.length ?? 0);
    set("ln_final.b", weights.finalNorm.bias, weights.finalNorm.bias?.length ?? 0);
  }
  whole("unembed.W_U", weights.unembed.weight);
  set("unembed.b_U", weights.unembed.bias, weights.unembed.weight.cols);
  return state;
}

function describedAs({ normalization, positions, blockOrder, attention, mlp }: TransformerDescription, folded: boolean): TransformerLensDescription {
  const name = normalization && (normalization.kind === "layer-norm" ? "LN" : "RMS");
  return {
    activation: mlp.activation, scaleAttention: attention.scaled, causal: attention.causal, lastPositionOnly: null,
    normalization: name && folded ? `${name}Pre` : name, ...(normalization ? { epsilon: normalization.epsilon } : {}),
    positions, parallel: blockOrder === "parallel", windows: attention.windows,
  };
}

const sample = tokens(1, context, vocabulary, 5);
const cases = Object.entries(descriptions).filter(([, { normalization, finalNorm }]) => finalNorm === (normalization !== null));

describe("a state dict of TransformerLens", () => {
  it.each(cases)("gives the same network: %s", async (_name, description) => {
    for (const plain of [false, true]) {
      const drawn = randomWeights(description, 6, { plain });
      // With a gate the library adds b_in after the product; that is tested on its own.
      const weights: TransformerWeights = { ...drawn, block: (index) => {
        const block = drawn.block(index);
        return block.gate ? { ...block, gate: { ...block.gate, bias: null }, up: { ...block.up, bias: null } } : block;
      } };
      const state = stateDict(weights, description);
      const network = buildTransformerLens(state, describedAs(description, plain), engine);
      const actual = await engine.read(evaluateNetwork(network, network.encode(sample, 0, 1)));
      const wanted = plainForward(weights, description, [...sample.values]).flat();
      const scale = Math.max(...wanted.map(Math.abs));
      expect(Math.max(...wanted.map((value, index) => Math.abs(value - actual[index]))) / scale).toBeLessThan(1e-11);
      expect(network.parameterCount).toBe([...state.values()].reduce((sum, { values }) => sum + values.length, 0));
    }
  });

  it("adds the input bias of a gated MLP after the product", async () => {
    const description = descriptions["llama"];
    const drawn = randomWeights(description, 8);
    const without: TransformerWeights = { ...drawn, block: (index) => {
      const block = drawn.block(index);
      return { ...block, gate: { ...block.gate!, bias: null }, up: { ...block.up, bias: null } };
    } };
    const state = stateDict(without, description);
    const shifted: TransformerWeights = { ...drawn, block: (index) => {
      const { weight, bias } = without.block(index).down;
      const added = drawn.block(index).up.bias!;
      state.set(`blocks.${index}.mlp.b_in`, { shape: [weight.rows], values: Float64Array.from(added) });
      const total = Array.from({ length: weight.cols }, (_, col) => Array.from(added).reduce((sum, value, row) => sum + value * weight.data[row * weight.cols + col], bias![col]));
      return { ...without.block(index), down: { weight, bias: total } };
    } };
    const wanted = plainForward(shifted, description, [...sample.values]).flat();
    const network = buildTransformerLens(state, describedAs(description, false), engine);
    const actual = await engine.read(evaluateNetwork(network, network.encode(sample, 0, 1)));
    const scale = Math.max(...wanted.map(Math.abs));
    expect(Math.max(...wanted.map((value, index) => Math.abs(value - actual[index]))) / scale).toBeLessThan(1e-11);
  });

  it("whose norms have parameters that the description does not know, or lacks, is refused", () => {
    const description = descriptions["GPT-2"];
    const state = stateDict(randomWeights(description, 6), description);
    const build = (normalization: string | null) => () => buildTransformerLens(state, { ...describedAs(description, false), normalization }, engine);
    expect(build(null)).toThrow(/final norm has parameters/);
    state.delete("blocks.1.ln2.b");
    expect(build("LN")).toThrow(/no parameter "blocks.1.ln2.b"/);
  });
});
