/** @file Modules of a stored result as a view wants them: one number per feature. */

import type { ModuleNumbers } from "../protocol/ablation";
import { modulesOfResult } from "./resultModules";
import { readMetadata } from "./store/resultFile";

/**
 * @param resolution larger gives more and smaller modules.
 * @throws InputError when the result holds no two neighbouring layers with features.
 */
export async function moduleNumbers(file: string, resolution: number): Promise<ModuleNumbers> {
  const { layers } = await readMetadata(file);
  const { modularity, clusters } = await modulesOfResult(file, resolution);
  const numbers = new Map(layers.map(({ name, kept }) => [name, new Array<number>(kept).fill(-1)]));
  clusters.forEach((members, module) => {
    if (members.length < 2) return;
    for (const { layer, index } of members) numbers.get(layer)![index] = module;
  });
  return { modularity, layers: layers.map(({ name }) => numbers.get(name)!) };
}
