/**
 * @file The forward pass of llama2.c and the decoding of its tokenizer, written plainly on the bytes of the files: shares nothing with the
 * product. One token at a time with caches of keys and values, double precision.
 */

import { readFileSync } from "node:fs";

interface PlainLlama {
  vocabulary: number;
  /** Logits for the token that follows. Positions count up from call to call. */
  next: (token: number) => Float64Array;
}

export function plainLlama(path: string): PlainLlama {
  const bytes = readFileSync(path);
  const header = Array.from({ length: 7 }, (_, index) => bytes.readInt32LE(4 * index));
  const [dim, hidden, layers, heads, kvHeads, signedVocabulary, context] = header as [number, number, number, number, number, number, number];
  const vocabulary = Math.abs(signedVocabulary);
  const headSize = dim / heads;
  const kvDim = headSize * kvHeads;
  let offset = 28;
  const take = (count: number): Float32Array => {
    const values = Float32Array.from({ length: count }, (_, index) => bytes.readFloatLE(offset + 4 * index));
    offset += 4 * count;
    return values;
  };
  const embedding = take(vocabulary * dim);
  const rmsAttention = take(layers * dim);
  const wq = take(layers * dim * dim);
  const wk = take(layers * dim * kvDim);
  const wv = take(layers * dim * kvDim);
  const wo = take(layers * dim * dim);
  const rmsFeed = take(layers * dim);
  const w1 = take(layers * dim * hidden);
  const w2 = take(layers * hidden * dim);
  const w3 = take(layers * dim * hidden);
  const rmsFinal = take(dim);
  take(context * headSize);
  const classifier = signedVocabulary > 0 ? embedding : take(vocabulary * dim);

  const matmul = (weights: Float32Array, layer: number, x: Float64Array, outputs: number): Float64Array =>
    Float64Array.from({ length: outputs }, (_, row) => {
      let sum = 0;
      for (let column = 0; column < x.length; column += 1) sum += weights[(layer * outputs + row) * x.length + column]! * x[column]!;
      return sum;
    });
  const rmsnorm = (x: Float64Array, gains: Float32Array, layer: number): Float64Array => {
    const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / dim + 1e-5);
    return x.map((value, index) => gains[layer * dim + index]! * value * scale);
  };
  const turn = (x: Float64Array, position: number): Float64Array => {
    const out = x.slice();
    for (let index = 0; index < x.length; index += 2) {
      const angle = position / 10000 ** ((index % headSize) / headSize);
      out[index] = x[index]! * Math.cos(angle) - x[index + 1]! * Math.sin(angle);
      out[index + 1] = x[index]! * Math.sin(angle) + x[index + 1]! * Math.cos(angle);
    }
    return out;
  };

  const keys: Float64Array[][] = Array.from({ length: layers }, () => []);
  const values: Float64Array[][] = Array.from({ length: layers }, () => []);
  let position = 0;
  const next = (token: number): Float64Array => {
    let x = Float64Array.from(embedding.subarray(token * dim, (token + 1) * dim));
    for (let layer = 0; layer < layers; layer += 1) {
      const normed = rmsnorm(x, rmsAttention, layer);
      const query = turn(matmul(wq, layer, normed, dim), position);
      keys[layer]!.push(turn(matmul(wk, layer, normed, kvDim), position));
      values[layer]!.push(matmul(wv, layer, normed, kvDim));
      const mixed = new Float64Array(dim);
      for (let head = 0; head < heads; head += 1) {
        const shared = Math.floor(head / (heads / kvHeads)) * headSize;
        const scores = keys[layer]!.map((key) => {
          let score = 0;
          for (let index = 0; index < headSize; index += 1) score += query[head * headSize + index]! * key[shared + index]!;
          return score / Math.sqrt(headSize);
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        weights.forEach((weight, time) => {
          for (let index = 0; index < headSize; index += 1) mixed[head * headSize + index]! += (weight / total) * values[layer]![time]![shared + index]!;
        });
      }
      const attention = matmul(wo, layer, mixed, dim);
      x = x.map((value, index) => value + attention[index]!);
      const feed = rmsnorm(x, rmsFeed, layer);
      const gate = matmul(w1, layer, feed, hidden);
      const up = matmul(w3, layer, feed, hidden);
      const down = matmul(w2, layer, gate.map((value, index) => (value / (1 + Math.exp(-value))) * up[index]!), dim);
      x = x.map((value, index) => value + down[index]!);
    }
    position += 1;
    return matmul(classifier, 0, rmsnorm(x, rmsFinal, 0), vocabulary);
  };
  return { vocabulary, next };
}

/** Text of token ids that follow a BOS, by a llama2.c tokenizer file. */
export function plainDecode(tokenizer: string, vocabulary: number, ids: readonly number[]): string {
  const bytes = readFileSync(tokenizer);
  const pieces: Buffer[] = [];
  for (let offset = 4, id = 0; id < vocabulary; id += 1) {
    const length = bytes.readInt32LE(offset + 4);
    pieces.push(bytes.subarray(offset + 8, offset + 8 + length));
    offset += 8 + length;
  }
  const parts = ids.map((id, index) => {
    const raw = /^<0x([0-9A-F]{2})>$/.exec(pieces[id]!.toString("latin1"));
    if (raw) return Buffer.from([parseInt(raw[1]!, 16)]);
    return index === 0 && pieces[id]![0] === 0x20 ? pieces[id]!.subarray(1) : pieces[id]!;
  });
  return Buffer.concat(parts).toString("utf8");
}
