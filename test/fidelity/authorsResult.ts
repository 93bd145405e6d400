/** @file What the method's authors stored about a modular-addition checkpoint, and the data they analysed it with. */

import { join } from "node:path";
import { matrix, type Matrix } from "../../server/src/core/linalg/matrix";
import { networkBatches, type BatchSource } from "../../server/src/core/network/batches";
import type { SectionedNetwork } from "../../server/src/core/network/section";
import { openModel } from "../../server/src/formats/openModel";
import { modaddFolder, readJson } from "./modularAddition";

export interface Reference {
  readonly seeds: Record<string, Record<"rib" | "pca", {
    readonly base_test_accuracy: number;
    readonly layers: Record<string, { readonly Lambda_const: number; readonly Lambda_head_sorted: number[]; readonly edge_sum: number }>;
  }>>;
}

/** A reader of matrices by name, such as `interaction_rotations.0.C`; vectors are columns. */
export async function authorsGraph(seed: number, basis: "lib" | "pca"): Promise<(name: string) => Promise<Matrix>> {
  const file = await openModel(join(modaddFolder ?? "", `seed${seed}`, `${basis}_graph.pt`));
  return async (name) => {
    const info = file.tensors.find((tensor) => tensor.name === name);
    if (!info) throw new Error(`No tensor ${name} in the authors' result.`);
    const [rows, cols = 1] = info.shape;
    return matrix(rows, cols, Float64Array.from(await file.read(name)));
  };
}

/** The 3,830 pairs that all seeds were trained on. */
export function trainingBatches({ network }: SectionedNetwork): BatchSource {
  const { train } = readJson<{ train: number[] }>("split_seed0.json");
  const values = Int32Array.from(train.flatMap((pair) => [Math.floor(pair / 113), pair % 113, 113]));
  return networkBatches(network, { kind: "tokens", values, count: train.length, positions: 3, vocabulary: 114 }, 1000);
}
