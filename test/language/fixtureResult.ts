/** @file A small stored result, as a run would have written it. */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { metadataField } from "../../server/src/analysis/store/resultFile";
import { writeSafetensors } from "../../server/src/formats/safetensors/writeSafetensors";
import type { ResultMetadata } from "../../server/src/protocol/result";

/** Of an MLP 6-12-3: node layers layers.0 (7 wide with the constant), layers.1 (13), output. */
export function fixtureMetadata(model: string, createdAt: string): ResultMetadata {
  return {
    format: "lib-lens-result", version: 1, key: "0123456789abcdef".repeat(4), algorithmVersion: 1, createdAt, complete: true,
    model: { path: model, sha256: "0".repeat(64), family: "mlp", parameters: 123 },
    spec: { model: "mlp.safetensors", data: { kind: "npy", inputs: "x.npy" } },
    backend: { name: "wasm", description: "wasm SIMD" }, precision: "float32", samples: 500, seconds: 1, phases: {},
    layers: [
      { index: 0, name: "layers.0", dimension: 7, kept: 4, lambda: [9, 8, 1.5, 0.5], gramEigenvalues: [1, 3, 2, 1], gramRank: 4 },
      { index: 1, name: "layers.1", dimension: 13, kept: 3, lambda: [9, 4, 0.04], gramEigenvalues: [1, 3, 2], gramRank: 3, needed: 2 },
      { index: 2, name: "output", dimension: 3, kept: 0, lambda: [], gramEigenvalues: [], gramRank: 0 },
    ],
    sections: [
      {
        index: 0, from: "layers.0", to: "layers.1", shape: [3, 4], total: 10, truncated: { count: 0, largest: 0 },
        edges: { source: [1, 1, 2, 0, 1], target: [2, 1, 1, 1, 0], weight: [5, 2, 1, 0.9, 0.5] },
      },
      {
        index: 1, from: "layers.1", to: "output", shape: [3, 3], total: 4, truncated: { count: 0, largest: 0 },
        edges: { source: [1], target: [2], weight: [3] },
      },
    ],
    evaluation: { metric: "accuracy", base: 0.97, samples: 500, needed: { tolerance: 0.001, samples: 500 } },
    notes: [],
  };
}

export async function writeResult(path: string, metadata: ResultMetadata): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const mean = new Float64Array(metadata.layers[0]?.dimension ?? 1);
  await writeSafetensors(path, [{ name: "mean/0", dtype: "F64", shape: [mean.length], data: mean }], { [metadataField]: JSON.stringify(metadata) });
}
