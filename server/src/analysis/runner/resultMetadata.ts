/** @file The facts that a result carries about itself. */

import { resolve } from "node:path";
import type { LayerResult } from "../../core/lib/basis/layerBasis";
import type { ResultMetadata, SectionSummary } from "../../protocol/result";
import type { AnalysisSpec } from "../../protocol/spec";
import type { LoadedSpec } from "../spec/loadSpec";
import { withPaths } from "../spec/specPaths";
import { algorithmVersion } from "../store/resultKey";
import type { Evaluated } from "./evaluation";
import type { BackendFacts } from "./fallback";
import type { Prepared } from "./prepare";
import { summarizeLayer } from "./summaries";

export interface ResultFacts {
  key: string;
  modelSha256: string;
  prepared: Prepared;
  /** That worked on it, the last one last. */
  backends: readonly BackendFacts[];
  layers: readonly LayerResult[];
  sections: SectionSummary[];
  evaluated: Evaluated;
  notes: string[];
  seconds: number;
  phases: Record<string, number>;
}

/** Paths are absolute here. */
export function resultMetadata(facts: ResultFacts): ResultMetadata {
  const { prepared, backends } = facts;
  const { evaluation, needed } = facts.evaluated;
  const { loaded, engine, network } = prepared;
  return {
    format: "lib-lens-result",
    version: 1,
    key: facts.key,
    algorithmVersion,
    createdAt: new Date().toISOString(),
    complete: true,
    model: { path: loaded.model, sha256: facts.modelSha256, family: network.network.family, parameters: network.network.parameterCount },
    spec: explicitSpec(loaded, prepared),
    backend: { name: engine.backend, description: engine.description },
    ...(backends.length > 1 ? { backends: [...backends] } : {}),
    precision: engine.precision,
    samples: prepared.batches.samples,
    seconds: facts.seconds,
    phases: facts.phases,
    layers: facts.layers.map((layer) => ({ ...summarizeLayer(layer), ...(needed.has(layer.index) ? { needed: needed.get(layer.index)! } : {}) })),
    sections: facts.sections,
    ...(evaluation ? { evaluation } : {}),
    memoryBytes: prepared.memoryBytes,
    notes: facts.notes,
  };
}

/** The spec with what was inferred written out, so that the result can be computed again when the inference has changed. */
function explicitSpec(loaded: LoadedSpec, prepared: Prepared): AnalysisSpec {
  const { basis, edges, precision, seed } = prepared.resolved;
  const { architecture } = prepared.model;
  const last = architecture.kind !== "mlp" ? architecture.description.lastPositionOnly : null;
  const spec: AnalysisSpec = {
    ...loaded.spec,
    nodeLayers: prepared.network.nodeLayers.map(({ name }) => name),
    ...(last !== null ? { lastPositionOnly: last } : {}),
    basis, edges, precision, seed,
  };
  delete spec.$schema;
  return withPaths(spec, (path) => resolve(loaded.folder, path));
}
