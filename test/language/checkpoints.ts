/** @file Small checkpoints for tests. */

import { writeSafetensors } from "../../server/src/formats/safetensors/writeSafetensors";

/** Writes float32 tensors with fixed values; the shapes are what tests are about. */
export async function writeCheckpoint(path: string, shapes: Record<string, number[]>): Promise<void> {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length }, (_, i) => Math.sin(1 + i * 1.7));
    return { name, dtype: "F32" as const, shape, data };
  });
  await writeSafetensors(path, tensors, {});
}
