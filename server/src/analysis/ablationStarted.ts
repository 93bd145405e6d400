/** @file The event with which an ablation of a stored result begins. */

import type { RunStarted } from "../protocol/events";
import type { ResultOutline } from "../protocol/result";

type Ablated = Pick<ResultOutline, "key" | "model" | "evaluation"> & { layers: readonly RunStarted["nodeLayers"][number][] };

/** @param backend that computes it, which need not be that of the result */
export function ablationStarted(run: string, { key, model, layers, evaluation }: Ablated, backend: RunStarted["backend"]): RunStarted {
  const nodeLayers = layers.map(({ name, dimension }) => ({ name, dimension }));
  return { run, kind: "started", task: "ablation", key, model: model.path, spec: null, backend, nodeLayers, samples: evaluation?.samples ?? 0 };
}
