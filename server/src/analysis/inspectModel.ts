/** @file What a checkpoint holds, from its names, shapes and sidecar alone. */

import { openModel } from "../formats/openModel";
import type { TensorInfo } from "../formats/modelFile";
import type { Architecture } from "./architecture/architecture";
import { InputError } from "./errors";
import { architectureOf } from "./runner/loadModel";

export interface Inspection {
  format: string;
  tensors: { name: string; dtype: TensorInfo["dtype"]; shape: readonly number[] }[];
  /** Null when the architecture cannot be told; `reason` then says why and what to do. */
  architecture: InspectedArchitecture | null;
  nodeLayers: readonly string[];
  reason: string | null;
  notes: readonly string[];
}

type InspectedArchitecture = { family: string; how: string } & Record<string, unknown>;

/** @throws FormatError when the file cannot be read. */
export async function inspectModel(model: string): Promise<Inspection> {
  const opened = await openModel(model);
  try {
    const facts = { format: opened.format, tensors: opened.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })) };
    try {
      const architecture = await architectureOf(opened, model, {});
      return { ...facts, architecture: plain(architecture), nodeLayers: architecture.nodeLayers, reason: null, notes: [...architecture.notes, ...opened.notes] };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return { ...facts, architecture: null, nodeLayers: [], reason: error.message, notes: opened.notes };
    }
  } finally {
    await opened.close();
  }
}

function plain(architecture: Architecture): InspectedArchitecture {
  const { how } = architecture;
  if (architecture.kind === "mlp") {
    const { family, activation, layers } = architecture.description;
    return { family, how, activation, widths: architecture.widths, layers };
  }
  // `positions` is their number; how they are told apart has a name of its own.
  const { positions, ...others } = architecture.description;
  const common = { how, ...others, ...architecture.sizes, positionEncoding: positions ?? null };
  if (architecture.kind === "transformer-lens") return { family: "transformer-lens", ...common };
  const { family, mlp } = architecture.description;
  return { ...common, family, activation: mlp.activation, parameters: architecture.parameters };
}
