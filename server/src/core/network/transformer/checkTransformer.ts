/** @file A transformer's description and weights must agree with themselves and with each other, or say in one sentence where they do not. */

import { NetworkError } from "../networkError";
import type { AffineWeights, NormWeights, TransformerBlockWeights, TransformerDescription, TransformerWeights } from "./description";

const advice = "Check the architecture in the spec and the model's config.";

/** @throws NetworkError */
export function checkDescription({ attention, positions, normalization }: TransformerDescription, blocks: number): void {
  const { heads, keyValueHeads, headWidth, windows } = attention;
  if (blocks < 1) throw new NetworkError(`The transformer has no blocks. ${advice}`);
  if (!isCount(heads) || !isCount(keyValueHeads) || !isCount(headWidth) || heads % keyValueHeads !== 0) {
    throw new NetworkError(`${heads} heads of width ${headWidth} cannot share ${keyValueHeads} keys and values. ${advice}`);
  }
  if (windows.length > 0 && windows.length !== blocks) throw new NetworkError(`Attention windows are given for ${windows.length} blocks, but the model has ${blocks}. ${advice}`);
  const wrong = windows.find((window) => window !== null && !isCount(window));
  if (wrong !== undefined) throw new NetworkError(`An attention window of ${wrong} positions is not possible. ${advice}`);
  if (normalization && !(normalization.epsilon >= 0 && Number.isFinite(normalization.epsilon))) {
    throw new NetworkError(`The norms' epsilon is ${normalization.epsilon}, but it must be 0 or a small positive number. ${advice}`);
  }
  if (positions.kind !== "learned" && !isCount(positions.context)) throw new NetworkError(`A context of ${positions.context} positions is not possible. ${advice}`);
  if (positions.kind !== "rotary") return;
  const { dimensions, base, scaling } = positions.rotary;
  if (!isCount(dimensions) || dimensions % 2 !== 0 || dimensions > headWidth) {
    throw new NetworkError(`Rotary positions turn ${dimensions} components, but they need an even number of at most ${headWidth}, the head width. ${advice}`);
  }
  const numbers = [base, ...(scaling ? Object.values(scaling).filter((value) => typeof value === "number") : [])];
  if (numbers.some((value) => !(value > 0 && Number.isFinite(value))) || (scaling?.kind === "llama3" && scaling.highFrequencyFactor <= scaling.lowFrequencyFactor)) {
    throw new NetworkError(`The base (${base}) and the scaling of the rotary positions must be positive numbers, the high-frequency factor above the low one. ${advice}`);
  }
}

/** Embedding tables, final norm and unembedding. @throws NetworkError */
export function checkEnds({ tokens, positions, finalNorm, unembed }: TransformerWeights, description: TransformerDescription): void {
  const width = tokens.cols;
  if ((positions !== null) !== (description.positions.kind === "learned")) {
    throw new NetworkError(`The model has ${positions ? "a" : "no"} table of positions, but its positions are "${description.positions.kind}". ${advice}`);
  }
  if (positions && positions.cols !== width) throw new NetworkError(`The table of positions is ${positions.cols} wide, but that of the tokens ${width}. ${advice}`);
  checkAffine(unembed, "The unembedding", width, null);
  checkNorm(finalNorm, "The final norm", width, description.normalization !== null && description.finalNorm);
}

/** @param width d, without the constant @throws NetworkError */
export function checkBlock(block: TransformerBlockWeights, { attention, mlp, normalization }: TransformerDescription, index: number, width: number): void {
  const where = (part: string): string => `The ${part} of block ${index}`;
  const joined = attention.heads * attention.headWidth;
  const shared = attention.keyValueHeads * attention.headWidth;
  checkAffine(block.query, where("query"), width, joined);
  checkAffine(block.key, where("key"), width, shared);
  checkAffine(block.value, where("value"), width, shared);
  checkAffine(block.output, where("attention output"), joined, width);
  const hidden = block.up.weight.cols;
  checkAffine(block.up, where("MLP input"), width, hidden);
  checkAffine(block.down, where("MLP output"), hidden, width);
  if ((block.gate !== null) !== mlp.gated) throw new NetworkError(`The MLP of block ${index} has ${block.gate ? "a" : "no"} gate, but its description says otherwise. ${advice}`);
  if (block.gate) checkAffine(block.gate, where("MLP gate"), width, hidden);
  checkNorm(block.attentionNorm, where("first norm"), width, normalization !== null);
  checkNorm(block.mlpNorm, where("second norm"), width, normalization !== null);
}

function checkAffine({ weight, bias }: AffineWeights, what: string, rows: number, cols: number | null): void {
  if (weight.rows !== rows || (cols !== null && weight.cols !== cols)) {
    throw new NetworkError(`${what} has a weight of [${weight.rows}, ${weight.cols}], but [${rows}, ${cols ?? "any"}] is needed. ${advice}`);
  }
  if (bias && bias.length !== weight.cols) throw new NetworkError(`${what} has ${bias.length} biases for ${weight.cols} outputs. ${advice}`);
}

function checkNorm({ gain, bias }: NormWeights, what: string, width: number, exists: boolean): void {
  if (!exists && (gain || bias)) throw new NetworkError(`${what} has parameters, but the model is described as having no such norm. ${advice}`);
  for (const values of [gain, bias]) {
    if (values && values.length !== width) throw new NetworkError(`${what} has ${values.length} values for a width of ${width}. ${advice}`);
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
