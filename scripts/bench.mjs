/**
 * @file `npm run bench`: how long analyses take, on every backend that works here.
 *
 *   npm run bench -- [--case NAME]... [--backend NAME]... [--repeat N] [--data FOLDER] [--peers] [--python FILE]
 *                    [--sequences N] [--edge-sequences N] [--full] [--width N] [--heads N] [--clock processor]
 *
 *   modadd, mnist   complete analyses of the authors' models and data in --data (../shared/data unless given), else of the bundled examples;
 *                   these two unless --case says otherwise
 *   wide            a complete analysis of a wide perceptron with random weights
 *   gpt2            bases and edges of one GPT-2-sized block, section by section, against one random source per feature in PyTorch
 *   limit           share of the machine's matrix-product limit that the passes over the data reach
 *   scaling         time against samples, sequence length and width, with fitted exponents and a figure
 *
 * --peers also times PyTorch (test/bench/peers) where the Python at --python (python3 unless given) has it.
 * Wall times are only comparable within one run on a quiet machine; processor seconds (the whole process, its start included) say how much
 * other work was in the way. --clock processor makes gpt2, limit and scaling count processor time over all threads.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { arch, cpus, tmpdir, type as systemName } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { analysisCase, chosenBackends } from "./bench/analyses.mjs";
import { gpt2Case } from "./bench/gpt2.mjs";
import { limitCase } from "./bench/limit.mjs";
import { scalingCase } from "./bench/scaling.mjs";
import { root, runNode } from "./shared/run.mjs";

const cases = {
  modadd: analysisCase("modadd"), mnist: analysisCase("mnist"), wide: analysisCase("wide"), gpt2: gpt2Case, limit: limitCase, scaling: scalingCase,
};

const { values: flags } = parseArgs({
  options: {
    case: { type: "string", multiple: true, default: ["modadd", "mnist"] },
    backend: { type: "string", multiple: true },
    repeat: { type: "string", default: "1" },
    data: { type: "string", default: join(root, "../shared/data") },
    peers: { type: "boolean", default: false },
    python: { type: "string", default: "python3" },
    sequences: { type: "string", default: "64" },
    "edge-sequences": { type: "string", default: "1" },
    full: { type: "boolean", default: false },
    width: { type: "string", default: "768" },
    heads: { type: "string", default: "12" },
    clock: { type: "string", default: "wall" },
  },
});

async function main() {
  const unknown = flags.case.find((name) => !(name in cases));
  if (unknown !== undefined) throw new Error(`There is no case "${unknown}": choose ${Object.keys(cases).join(", ")}.`);
  if (await runNode(["esbuild.mjs", "--production"]) !== 0) throw new Error("The build failed; its messages stand above.");
  const folder = mkdtempSync(join(tmpdir(), "lib-lens-bench-"));
  try {
    const backends = await chosenBackends(flags, folder);
    console.log(`\n${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${systemName()} ${arch()}, Node ${process.versions.node}`);
    for (const name of flags.case) await cases[name]({ ...flags, data: resolve(flags.data) }, backends, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
