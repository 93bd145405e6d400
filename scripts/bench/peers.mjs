/** @file LIB in PyTorch, to compare with: runs the programs in test/bench/peers. */

import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { root } from "../shared/run.mjs";

/** What the program prints, of the faster of one and all threads. @param {string[]} args without --threads */
export function fastestPeer(python, program, args) {
  const runs = [];
  for (const threads of new Set([1, cpus().length])) {
    const run = spawnSync(python, [join(root, "test/bench/peers", program), ...args, "--threads", String(threads)], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`The peer ${program} did not run: ${(run.stderr ?? String(run.error)).trim().split("\n").at(-1)} Give a Python with PyTorch as --python.`);
    runs.push(JSON.parse(run.stdout));
  }
  return runs.reduce((a, b) => (a.total < b.total ? a : b));
}
