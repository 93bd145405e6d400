/** @file The facts that a result carries about itself. */

import { resolve } from "node:path";
import type { LayerSummary, ResultMetadata, SectionSummary } from "../../protocol/result";
import type { AnalysisSpec } from "../../protocol/spec";
import type { LoadedSpec } from "../spec/loadSpec";
import { withPaths } from "../spec/specPaths";
import { algorithmVersion } from "../store/resultKey";
import type { Prepared } from "./prepare";

export interface ResultFacts {
  key: string;
  modelSha256: string;
  loaded: LoadedSpec;
  prepared: Prepared;
  layers: LayerSummary[];
  sections: SectionSummary[];
  evaluation: ResultMetadata["evaluation"] | null;
  seconds: number;
  phases: Record<string, number>;
}

/** Paths are absolute here. */
export function resultMetadata(facts: ResultFacts): ResultMetadata {
  const { loaded, prepared, evaluation } = facts;
  const { engine, network } = prepared;
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
    precision: engine.precision,
    samples: prepared.batches.samples,
    seconds: facts.seconds,
    phases: facts.phases,
    layers: facts.layers,
    sections: facts.sections,
    ...(evaluation ? { evaluation } : {}),
    notes: prepared.notes,
  };
}

/** The spec with what was inferred written out, so that the result can be computed again when the inference has changed. */
function explicitSpec(loaded: LoadedSpec, prepared: Prepared): AnalysisSpec {
  const { basis, edges, precision, seed } = prepared.resolved;
  const { architecture } = prepared.model;
  const last = architecture.kind === "transformer-lens" ? architecture.description.lastPositionOnly : null;
  const spec: AnalysisSpec = {
    ...loaded.spec,
    nodeLayers: prepared.network.nodeLayers.map(({ name }) => name),
    ...(last !== null ? { lastPositionOnly: last } : {}),
    basis, edges, precision, seed,
  };
  delete spec.$schema;
  return withPaths(spec, (path) => resolve(loaded.folder, path));
}
