/** @file `lib-lens backends`: what can compute on this machine, best first. */

import type { AnalysisService } from "../analysis/analysisService";
import type { CommandLine } from "./arguments";
import { print, table } from "./terminal";

export async function backends(service: AnalysisService, line: CommandLine): Promise<void> {
  const found = await service.backends();
  const answer = found.map(({ name, available, reason, gflops }) => ({ name, available, reason, gflops }));
  const rows = answer.map(({ name, available, reason, gflops }) => [name, available ? "yes" : "no", gflops === null ? "" : gflops.toFixed(0), reason]);
  await print(line.json ? JSON.stringify(answer) : table([["backend", "available", "GFLOP/s", ""], ...rows], [2]));
}
