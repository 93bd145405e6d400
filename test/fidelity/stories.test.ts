import { describe, expect, it } from "vitest";
import { buildNetwork, loadModel } from "../../server/src/analysis/runner/loadModel";
import { evaluateNetwork } from "../../server/src/core/network/network";
import { referenceEngine } from "../core/support/networks";
import { sharedData } from "../formats/sharedData";
import { plainDecode, plainLlama } from "./plainLlama2c";

const model = sharedData("stories260K/stories260K.bin");
const tokenizer = sharedData("stories260K/tok512.bin");
const beginning = 1;
const length = 120;

const argmax = (values: ArrayLike<number>): number => {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) if (values[index]! > values[best]!) best = index;
  return best;
};

describe.skipIf(model === null || tokenizer === null)("stories260K, a language model that others trained (skipped without ../shared/data)", () => {
  it.each(["float64", "float32"] as const)("continues the story as a plain forward pass does: the same %s argmax at every position, logits equal", async (precision) => {
    const plain = plainLlama(model!);
    const tokens = [beginning];
    const wanted: Float64Array[] = [];
    while (tokens.length <= length) {
      wanted.push(plain.next(tokens.at(-1)!));
      tokens.push(argmax(wanted.at(-1)!));
    }
    const text = plainDecode(tokenizer!, plain.vocabulary, tokens.slice(1));
    expect(text).toMatch(/^Once upon a time, there was a little girl named Lily\. She loved to play outside in the park\./);

    // Where every argmax along the greedy story is the next token of it, decoding greedily through the network gives that story.
    const network = buildNetwork(await loadModel(model!, { data: { kind: "npy" } }, Infinity, () => undefined), await referenceEngine(precision));
    const inputs = { kind: "tokens", values: Int32Array.from(tokens.slice(0, length)), count: 1, positions: length, vocabulary: plain.vocabulary } as const;
    const logits = await network.engine.read(evaluateNetwork(network, network.encode(inputs, 0, 1)));
    let worst = 0;
    for (let position = 0; position < length; position += 1) {
      const found = logits.subarray(position * plain.vocabulary, (position + 1) * plain.vocabulary);
      expect(argmax(found), `after token ${position}`).toBe(tokens[position + 1]);
      worst = Math.max(worst, ...wanted[position]!.map((logit, index) => Math.abs(found[index]! - logit)));
    }
    expect(worst).toBeLessThan(precision === "float64" ? 1e-10 : 1e-3);
  });
});
