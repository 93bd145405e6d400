/**
 * @file Writes a wide perceptron with random weights, images for it and an analysis spec: what a small memory limit is tried on.
 *
 *   node test/bench/cases/wide.mjs FOLDER [--width 4096] [--hidden 2] [--samples 60000] [--patterns 40] [--threshold 1e-3]
 *   /usr/bin/time -v node dist/cli.js analyze FOLDER/wide.lib.json --max-memory 2GB
 *
 * 784-WIDTH-...-10 with so many hidden layers, ReLU and weights of variance 2 / inputs, so that activations neither grow nor vanish. Images are mixtures of a few
 * random patterns with noise in the last bit: like photographs, they fill few directions well and all directions a little. The threshold keeps
 * the features that carry a thousandth of the strongest one's Lambda: the exact edges cost features times features times neurons per sample.
 */

import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { importTypeScript } from "../../../scripts/shared/typeScript.mjs";

const { seededRandom } = await importTypeScript("server/src/core/random.ts");

const { positionals: [folder], values } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: "string", default: "4096" }, hidden: { type: "string", default: "2" }, samples: { type: "string", default: "60000" },
    patterns: { type: "string", default: "40" }, threshold: { type: "string", default: "1e-3" },
  },
});
if (!folder) throw new Error("Give the folder to write to: node test/bench/cases/wide.mjs FOLDER [--width 4096] [--samples 60000]");
const [width, hidden, samples, patterns] = [values.width, values.hidden, values.samples, values.patterns].map(Number);
const [side, classes] = [28, 10];

async function write(file, parts) {
  const stream = createWriteStream(file);
  for (const part of parts) if (!stream.write(part)) await once(stream, "drain");
  stream.end();
  await once(stream, "finish");
}

/** nn.Linear's names and orientation, in float32. */
function* modelParts(widths) {
  const shapes = widths.slice(1).flatMap((outputs, layer) => [[`fc${layer + 1}.weight`, [outputs, widths[layer]]], [`fc${layer + 1}.bias`, [outputs]]]);
  let end = 0;
  const entries = shapes.map(([name, shape]) => [name, { dtype: "F32", shape, data_offsets: [end, end += 4 * shape.reduce((a, b) => a * b)] }]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)).padEnd(1024));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  yield Buffer.concat([length, header]);
  const next = seededRandom(1);
  for (const [, shape] of shapes) {
    // A uniform number in [-1, 1) has the variance 1/3.
    const scale = shape.length === 2 ? Math.sqrt(6 / shape[1]) : 0.1;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => scale * (2 * next() - 1));
    yield Buffer.from(data.buffer);
  }
}

function* imageParts() {
  const next = seededRandom(2);
  const pixels = side * side;
  const shapes = Array.from({ length: patterns }, () => Float32Array.from({ length: pixels }, () => next() ** 3));
  const head = Buffer.alloc(16);
  [0x0803, samples, side, side].forEach((value, place) => head.writeUInt32BE(value, 4 * place));
  yield head;
  const image = new Float32Array(pixels);
  for (let sample = 0; sample < samples; sample += 1) {
    image.fill(0);
    for (let part = 0; part < 3; part += 1) {
      const [pattern, strength] = [shapes[Math.floor(next() * patterns)], next()];
      for (let pixel = 0; pixel < pixels; pixel += 1) image[pixel] += strength * pattern[pixel];
    }
    yield Buffer.from(Uint8Array.from(image, (value) => Math.min(255, 85 * value + next())));
  }
}

function* labelParts() {
  const head = Buffer.alloc(8);
  [0x0801, samples].forEach((value, place) => head.writeUInt32BE(value, 4 * place));
  yield head;
  yield Buffer.from(Uint8Array.from({ length: samples }, (_, sample) => sample % classes));
}

mkdirSync(folder, { recursive: true });
await write(join(folder, "model.safetensors"), modelParts([side * side, ...Array.from({ length: hidden }, () => width), classes]));
await write(join(folder, "images-idx3-ubyte"), imageParts());
await write(join(folder, "labels-idx1-ubyte"), labelParts());
writeFileSync(join(folder, "wide.lib.json"), `${JSON.stringify({
  model: "model.safetensors",
  data: { kind: "idx", inputs: "images-idx3-ubyte", labels: "labels-idx1-ubyte", scale: 1 / 255 },
  basis: { threshold: Number(values.threshold) },
}, null, 2)}\n`);
console.log(join(folder, "wide.lib.json"));
