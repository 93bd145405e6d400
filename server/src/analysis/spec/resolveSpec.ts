/** @file Defaults of a spec, in one place. What is resolved here is what is hashed, computed and stored. */

import { usualIntegration } from "../../core/lib/sources/integration";
import type { AnalysisSpec, BasisSpec, DataSpec, EdgeSpec, Precision } from "../../protocol/spec";
import { InputError } from "../errors";

/** Options of an analysis with every default filled in. */
export interface ResolvedOptions {
  basis: Required<Omit<BasisSpec, "sources">> & { sources: { position: number | null; hidden: number | null } };
  edges: Required<EdgeSpec>;
  precision: Precision;
  /** Samples at a time; null: chosen by the memory budget. */
  batchSize: number | null;
  maxMemoryBytes: number;
  seed: number;
  evaluation: { data: DataSpec; metric: "accuracy" | "ce-loss" };
}

/** @param maxMemory overrides the spec's, such as "4GB". @throws InputError for a size that cannot be read. */
export function resolveSpec(spec: AnalysisSpec, maxMemory: string | null = null): ResolvedOptions {
  const basis = spec.basis ?? {};
  const formula = basis.formula ?? "jacobian";
  return {
    basis: {
      formula,
      center: basis.center ?? formula !== "neuron",
      integration: basis.integration ?? usualIntegration(formula),
      intervals: basis.intervals ?? 0,
      global: basis.global ?? false,
      sources: { position: basis.sources?.position ?? null, hidden: basis.sources?.hidden ?? null },
      threshold: basis.threshold ?? 1e-6,
      rotateOutput: basis.rotateOutput ?? false,
      isolateLayerNormVariance: basis.isolateLayerNormVariance ?? true,
    },
    edges: { formula: spec.edges?.formula ?? "squared", sources: spec.edges?.sources ?? null },
    precision: spec.precision ?? "float32",
    batchSize: typeof spec.batchSize === "number" ? spec.batchSize : null,
    maxMemoryBytes: parseBytes(maxMemory ?? spec.maxMemory ?? "4GB"),
    seed: spec.seed ?? 0,
    evaluation: { data: spec.evaluation?.data ?? spec.data, metric: spec.evaluation?.metric ?? "accuracy" },
  };
}

const byteSize = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)i?b\s*$/i;

/** Whether `parseBytes` reads it. */
export const isByteSize = (text: string): boolean => byteSize.test(text);

/** "4GB", "512 MiB" -> bytes; G, M and K are powers of 1024, as memory is sold. @throws InputError */
export function parseBytes(text: string): number {
  const match = byteSize.exec(text);
  if (!match) throw new InputError(`The memory limit is "${text}"; a size such as "4GB" or "512MB" is expected.`);
  const power = ["", "k", "m", "g"].indexOf(match[2]!.toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}
