/** @file `lib-lens inspect`: what a checkpoint holds. Reads names and shapes, no weights. */

import { resolve } from "node:path";
import { inspectModel, type Inspection } from "../analysis/inspectModel";
import type { CommandLine } from "./arguments";
import { print, table } from "./terminal";

export async function inspect(line: CommandLine): Promise<void> {
  const found = await inspectModel(resolve(line.file));
  await print(line.json ? JSON.stringify(found) : summary(found));
}

function summary({ format, tensors, architecture, nodeLayers, reason, notes }: Inspection): string {
  const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  return [
    `${format}, ${tensors.length} tensors, ${parameters.toLocaleString("en")} numbers`,
    "",
    table([["tensor", "type", "shape"], ...tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(", ")}]`])]),
    "",
    architecture ? architecture.how : (reason ?? "The architecture is not known."),
    ...(nodeLayers.length > 0 ? [`Node layers: ${nodeLayers.join(", ")}`] : []),
    ...notes,
  ].join("\n");
}
