/**
 * @file Writes 12 GPT-2 blocks with random weights, random tokens and the spec of one block: what 8 GB and 100,000 tokens are tried on.
 *
 *   node test/bench/cases/gpt2.mjs FOLDER [--sequences 391] [--draws 1]
 *   /usr/bin/time -v node dist/cli.js analyze FOLDER/block.lib.json --max-memory 8GB
 *
 * Sequences of 256 tokens, of a vocabulary of 50,257. Edges come from so many draws of random signs over the positions, with --draws 0 they are exact.
 */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeGpt2 } from "../../../scripts/bench/randomModels.mjs";

const { positionals: [folder], values } = parseArgs({
  allowPositionals: true, options: { sequences: { type: "string", default: "391" }, draws: { type: "string", default: "1" } },
});
if (!folder) throw new Error("Give the folder to write to: node test/bench/cases/gpt2.mjs FOLDER [--sequences 391] [--draws 1]");
const [sequences, draws] = [values.sequences, values.draws].map(Number);

const spec = writeGpt2(join(resolve(folder), "gpt2"), { width: 768, heads: 12, layers: 12, vocabulary: 50_257, sequences, positions: 256, seed: 0 });
const file = join(folder, "block.lib.json");
writeFileSync(file, `${JSON.stringify({ ...spec, nodeLayers: ["ln1.0", "attn_in.0", "ln2.0", "ln1.1"], edges: { sources: draws || null } }, null, 2)}\n`);
console.log(file);
