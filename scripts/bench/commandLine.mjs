/** @file Complete analyses through the command line, with peak memory and processor time; and the bare tables that cases print. */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared/run.mjs";

/** Runs the command line and gives what it printed on standard output, its peak of resident memory in bytes and its processor seconds. */
export function lens(args, folder) {
  const usageFile = join(folder, "usage.json");
  const hook = "data:text/javascript," + encodeURIComponent(`
    import { writeFileSync } from "node:fs";
    import { isMainThread } from "node:worker_threads";
    if (isMainThread) process.on("exit", () => writeFileSync(process.env.LIB_LENS_USAGE, JSON.stringify(process.resourceUsage())));
  `);
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ["--import", hook, join(root, "dist/cli.js"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LIB_LENS_USAGE: usageFile },
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (text) => { output += text; });
    child.stderr.on("data", (text) => { errors += text; });
    child.once("error", failed);
    child.once("exit", (code) => {
      if (code === 0) {
        const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(readFileSync(usageFile, "utf8"));
        done({ answer: JSON.parse(output), peak: maxRSS * 1024, processor: (userCPUTime + systemCPUTime) / 1e6 });
      } else failed(new Error(errors.trim().split("\n").at(-1) ?? `ended with code ${code}`));
    });
  });
}

/** The fastest of `repeat` complete analyses. Each has a store of its own: a stored result would be answered at once. */
export async function measure(spec, backend, folder, repeat) {
  let best;
  for (let attempt = 0; attempt < repeat; attempt++) {
    const out = mkdtempSync(join(folder, "store-"));
    const run = await lens(["analyze", spec, "--json", "--backend", backend, "--out", out], folder);
    if (best === undefined || run.answer.seconds < best.answer.seconds) best = run;
    rmSync(out, { recursive: true, force: true });
  }
  return best;
}

/** @param {string[]} titles @param {(string | number)[][]} rows */
export function printTable(titles, rows) {
  printRow(titles);
  console.log(`|${titles.map(() => "---|").join("")}`);
  rows.forEach(printRow);
}

/** One more row of the table that was printed last. @param {(string | number)[]} row */
export const printRow = (row) => console.log(`| ${row.join(" | ")} |`);
