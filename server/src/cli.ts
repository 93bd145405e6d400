/**
 * @file Entry of the command line. One JSON object on standard output with --json, progress and errors on standard error;
 * exit code 2 for bad input, 1 for a failed run, 130 when cancelled.
 */

import { join, resolve } from "node:path";
import { version } from "../../package.json";
import { AnalysisService } from "./analysis/analysisService";
import { CancelledError, isBadInput, messageOf } from "./analysis/errors";
import { help, parseCommandLine, type CommandLine } from "./cli/arguments";
import { print } from "./cli/terminal";

async function main(args: readonly string[]): Promise<void> {
  const line = parseCommandLine(args);
  if (line.command === "help") return print(help);
  if (line.command === "version") return print(version);
  const service = serviceFor(line);
  try {
    await run(line, service);
  } finally {
    await service.dispose();
  }
}

/** A command's code is loaded when it is asked for. */
async function run(line: CommandLine, service: AnalysisService): Promise<void> {
  switch (line.command) {
    case "inspect": return (await import("./cli/inspect")).inspect(line);
    case "analyze": return (await import("./cli/analyze")).analyze(service, line);
    case "ablate nodes": return (await import("./cli/ablate")).ablateNodes(service, line);
    case "ablate edges": return (await import("./cli/ablate")).ablateEdges(service, line);
    case "cluster": return (await import("./cli/cluster")).cluster(service, line);
    case "labels": return (await import("./cli/labels")).labels(service, line);
    case "figure": return (await import("./cli/figure")).figure(service, line);
    case "sparsity": return (await import("./cli/sparsity")).sparsity(service, line);
    case "backends": return (await import("./cli/backends")).backends(service, line);
  }
}

function serviceFor(line: CommandLine): AnalysisService {
  // Of labels and figures --out is a file, not the folder of the result.
  const out = line.out === null || line.command === "labels" || line.command === "figure" ? null : resolve(line.out);
  return new AnalysisService({
    workerFile: join(__dirname, "worker.js"),
    probeFile: join(__dirname, "probe.js"),
    ...(out !== null ? { storeFolder: () => out } : {}),
    backend: () => line.backend,
    maxMemory: () => line.maxMemory,
  });
}

/** A reader that went away (`| head`) is no failure of the analysis. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
});

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    const cancelled = error instanceof CancelledError;
    process.stderr.write(cancelled ? "lib-lens: cancelled\n" : `lib-lens: ${messageOf(error)}\n`);
    process.exit(cancelled ? 130 : isBadInput(error) ? 2 : 1);
  },
);
