/** @file Writes models with random weights, and data for them: sizes of real networks without their files. The same seed gives the same bytes. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importTypeScript } from "../shared/typeScript.mjs";

const { seededRandom } = await importTypeScript("server/src/core/random.ts");

/** Standard deviation of GPT-2's weights before training. */
const weightDeviation = 0.02;

/** Float32Array of normal numbers (Box and Muller). */
function normal(random, count, deviation) {
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[at] = radius * Math.cos(angle);
    if (at + 1 < count) values[at + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** @param tensors [name, shape, Float32Array][] */
function writeSafetensors(file, tensors) {
  const header = {};
  let end = 0;
  for (const [name, shape, { byteLength }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + byteLength] };
    end += byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, ...tensors.map(([, , { buffer, byteOffset, byteLength }]) => Buffer.from(buffer, byteOffset, byteLength))]));
}

/** @param values Int32Array or Float32Array */
function writeNpy(file, shape, values) {
  const type = values instanceof Int32Array ? "<i4" : "<f4";
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const start = 10; // magic, version, length
  const padded = `${text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  writeFileSync(file, Buffer.concat([head, Buffer.from(padded), Buffer.from(values.buffer, values.byteOffset, values.byteLength)]));
}

/**
 * A Hugging Face folder of GPT-2 before training, random tokens, and a spec of every section of its blocks.
 * @param {{ width: number, heads: number, layers: number, vocabulary: number, sequences: number, positions: number, seed: number }} size
 * @returns the spec as an object with absolute paths
 */
export function writeGpt2(folder, { width, heads, layers, vocabulary, sequences, positions, seed }) {
  if (width % heads !== 0) throw new Error(`${heads} heads do not divide a width of ${width}: choose --width and --heads that fit.`);
  mkdirSync(folder, { recursive: true });
  const random = seededRandom(seed);
  const tensors = [];
  const add = (name, ...shape) => tensors.push([name, shape, normal(random, shape.reduce((product, extent) => product * extent, 1), weightDeviation)]);
  const fill = (name, size, value) => tensors.push([name, [size], new Float32Array(size).fill(value)]);
  const norm = (name) => {
    fill(`${name}.weight`, width, 1);
    fill(`${name}.bias`, width, 0);
  };
  add("wte.weight", vocabulary, width);
  add("wpe.weight", positions, width);
  for (let block = 0; block < layers; block += 1) {
    const at = `h.${block}`;
    norm(`${at}.ln_1`);
    for (const [name, rows, columns] of [["attn.c_attn", width, 3 * width], ["attn.c_proj", width, width], ["mlp.c_fc", width, 4 * width], ["mlp.c_proj", 4 * width, width]]) {
      add(`${at}.${name}.weight`, rows, columns);
      fill(`${at}.${name}.bias`, columns, 0);
    }
    norm(`${at}.ln_2`);
  }
  norm("ln_f");
  writeSafetensors(join(folder, "model.safetensors"), tensors);
  writeFileSync(join(folder, "config.json"), JSON.stringify({
    model_type: "gpt2", architectures: ["GPT2LMHeadModel"], activation_function: "gelu_new", layer_norm_epsilon: 1e-5,
    n_embd: width, n_head: heads, n_layer: layers, n_positions: positions, n_ctx: positions, vocab_size: vocabulary,
  }));
  const tokens = Int32Array.from({ length: sequences * positions }, () => Math.floor(random() * vocabulary));
  writeNpy(join(folder, "tokens.npy"), [sequences, positions], tokens);
  return {
    model: folder,
    data: { kind: "npy", inputs: join(folder, "tokens.npy") },
    nodeLayers: [...Array.from({ length: layers }, (_, block) => [`ln1.${block}`, `attn_in.${block}`, `ln2.${block}`]).flat(), "ln_final"],
    basis: { rotateOutput: true },
  };
}

/**
 * A perceptron with relu, He's initial weights and normal inputs, and its spec.
 * @param {{ widths: number[], samples: number, seed: number }} size widths of the input, of every layer and of the output
 * @returns the spec as an object with absolute paths
 */
export function writeMlp(folder, { widths, samples, seed }) {
  mkdirSync(folder, { recursive: true });
  const random = seededRandom(seed);
  const tensors = widths.slice(1).flatMap((to, layer) => {
    const from = widths[layer];
    return [
      [`layers.${layer}.weight`, [to, from], normal(random, to * from, Math.sqrt(2 / from))],
      [`layers.${layer}.bias`, [to], new Float32Array(to)],
    ];
  });
  writeSafetensors(join(folder, "model.safetensors"), tensors);
  writeNpy(join(folder, "inputs.npy"), [samples, widths[0]], normal(random, samples * widths[0], 1));
  return {
    model: join(folder, "model.safetensors"),
    architecture: { family: "mlp", activation: "relu" },
    data: { kind: "npy", inputs: join(folder, "inputs.npy") },
  };
}
