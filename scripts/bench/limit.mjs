/**
 * @file Case `limit`: how much of the speed of plain matrix products the passes over the data reach: Grams, Jacobian Grams and edges of modular
 * addition, of MNIST and of the GPT-2 block. The limit of a step is the time that the matrix products it asks for take on their own, timed
 * for each size in the same process on the same backend; beside it stands the rate of a large square product.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { workloads } from "./analyses.mjs";
import { withProgram } from "./bundle.mjs";
import { printTable } from "./commandLine.mjs";
import { writeGpt2 } from "./randomModels.mjs";

/** Steps with less work than this say nothing about products. */
const leastOperations = 1e9;

export async function limitCase(flags, backends, folder) {
  const [width, heads] = [flags.width, flags.heads].map(Number);
  const gpt2 = writeGpt2(join(folder, "limit-gpt2"), { width, heads, layers: 1, vocabulary: 4096, sequences: 8, positions: 256, seed: 0 });
  const items = [
    ...["modadd", "mnist"].map((name) => ({ name, ...workloads[name](flags.data, folder), samples: [] })),
    { name: "gpt2", title: `one GPT-2 block, width ${width}, 8 sequences of 256 tokens, edges from one`, spec: gpt2, samples: ["--edge-samples", "1"] },
  ];
  await withProgram("sectionBench", async (run) => {
    for (const { name, title, spec, samples } of items) {
      const file = join(folder, `limit-${name}.lib.json`);
      writeFileSync(file, JSON.stringify(spec));
      for (const backend of backends) {
        const answer = JSON.parse(await run(backend, file, ...samples, "--limit", "--clock", flags.clock));
        console.log(`\n${title}; ${backend}, 2048 × 2048 product ${(answer.squareRate / 1e9).toFixed(0)} GFLOP/s`);
        const steps = answer.steps.filter(({ operations }) => operations >= leastOperations);
        if (steps.length === 0) {
          console.log("No step has enough work to be held against the limit.");
          continue;
        }
        const row = (label, { operations, accumulating, limit }) => [
          label, (operations / 1e9).toFixed(1), accumulating.toFixed(2), (operations / accumulating / 1e9).toFixed(0), (operations / limit / 1e9).toFixed(0), `${Math.round((100 * limit) / accumulating)} %`,
        ];
        const total = steps.reduce((sum, step) => ({
          operations: sum.operations + step.operations, accumulating: sum.accumulating + step.accumulating, limit: sum.limit + step.limit,
        }), { operations: 0, accumulating: 0, limit: 0 });
        printTable(["step", "GFLOP", "s", "GFLOP/s", "products alone, GFLOP/s", "share"], [...steps.map((step) => row(`${step.step} ${step.layer}`.trim(), step)), row("all", total)]);
      }
    }
  });
}
