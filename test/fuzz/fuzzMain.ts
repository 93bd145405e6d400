/**
 * @file Runs in a child process of its own: `node fuzzMain READER CASES FIXTURES`. Prints one JSON object.
 * A case fails when it throws anything but a FormatError, or takes more than two seconds of processor time (which, unlike the clock,
 * does not depend on what else the machine does).
 */

import { readFileSync } from "node:fs";
import { FormatError } from "../../server/src/formats/modelFile";
import { fuzzTargets } from "./fuzzTargets";
import { mutate, seededIntegers } from "./mutations";

export interface FuzzReport {
  cases: number;
  /** Mutated files that were still readable, and those refused. */
  read: number;
  refused: number;
  failures: string[];
  slowestMilliseconds: number;
  peakMegabytes: number;
}

const longestCase = 2000;

async function main([reader, cases, fixtures]: string[]): Promise<FuzzReport> {
  const target = fuzzTargets(fixtures!).get(reader!)!;
  const report: FuzzReport = { cases: Number(cases), read: 0, refused: 0, failures: [], slowestMilliseconds: 0, peakMegabytes: 0 };
  for (const seed of target.seeds) await target.read(seed, () => 0);
  for (let i = 0; i < report.cases && report.failures.length < 10; i++) {
    const random = seededIntegers(i);
    const bytes = mutate(target.seeds[i % target.seeds.length]!, random, target.seeds[random(target.seeds.length)]!);
    const before = process.cpuUsage();
    try {
      await target.read(bytes, random);
      report.read++;
    } catch (error) {
      report.refused++;
      if (!(error instanceof FormatError)) report.failures.push(`case ${i}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    }
    const used = process.cpuUsage(before);
    const milliseconds = (used.user + used.system) / 1000;
    report.slowestMilliseconds = Math.max(report.slowestMilliseconds, milliseconds);
    if (milliseconds > longestCase) report.failures.push(`case ${i}: took ${milliseconds} ms`);
  }
  report.peakMegabytes = peakMegabytes();
  return report;
}

/** Linux's own high-water mark: that of getrusage may be inherited from the parent. */
function peakMegabytes(): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

void main(process.argv.slice(2)).then((report) => console.log(JSON.stringify(report)));
