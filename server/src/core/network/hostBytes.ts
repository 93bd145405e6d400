/** @file How much memory a network's weights take on the host, beside the engine's own tensors. */

import type { SectionedNetwork } from "./section";

/** Bytes of the arrays in the structures of all modules and sections, each counted once however many share it. */
export function hostBytes({ network, sections }: SectionedNetwork): number {
  const buffers = new Set<ArrayBufferLike>();
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
    else Object.values(value).forEach(visit);
  };
  [...network.modules, ...sections].forEach(({ structure }) => visit(structure));
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** A layer of activations inside a section: neurons, and factors that are multiplied (two with a gate). */
export interface HiddenSize {
  readonly neurons: number;
  readonly factors: number;
}

/** No neurons where the section has no such layer, or a closed form does not take it as a whole. */
export function hiddenSize({ structure }: SectionedNetwork["sections"][number]): HiddenSize {
  switch (structure.kind) {
    case "affine-activation":
      return { neurons: structure.W.cols, factors: 1 };
    case "mlp-skip":
      return { neurons: structure.A.cols, factors: 1 };
    case "gated-mlp-skip":
      return { neurons: structure.gate.cols, factors: 2 };
    case "norm-mlp":
      return { neurons: structure.A.cols, factors: structure.up ? 2 : 1 };
    default:
      return { neurons: 0, factors: 1 };
  }
}
