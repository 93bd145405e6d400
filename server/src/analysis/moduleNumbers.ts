/** @file Modules of a stored result as views and figures want them: one number per feature. */

import type { ModuleBasis, ModuleNumbers } from "../protocol/ablation";
import { modulesOfResult, type ResultModules } from "./resultModules";
import { readMetadata } from "./store/resultFile";

/**
 * @param resolution larger gives more and smaller modules.
 * @param basis "lib" when absent
 * @throws InputError when the result holds no two neighbouring layers with features.
 */
export async function moduleNumbers(file: string, resolution: number, basis: ModuleBasis = "lib"): Promise<ModuleNumbers> {
  return numbersOf(await readMetadata(file), await modulesOfResult(file, resolution, { basis }));
}

/** Every feature is in some cluster; a layer that is in none, such as an output that is not merged, has no numbers. */
export function numbersOf({ layers }: { layers: readonly { name: string }[] }, { modularity, edgesInside, clusters }: Pick<ResultModules, "modularity" | "edgesInside" | "clusters">): ModuleNumbers {
  const numbers = new Map(layers.map(({ name }) => [name, [] as number[]]));
  clusters.forEach((members, module) => {
    for (const { layer, index } of members) numbers.get(layer)![index] = members.length > 1 ? module : -1;
  });
  return { modularity, edgesInside, layers: layers.map(({ name }) => Array.from(numbers.get(name)!, (module) => module ?? -1)) };
}
