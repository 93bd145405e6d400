/**
 * @file What the views show: a stored result, or as much of a run as has arrived. Pure functions over protocol types;
 * the state of a run is rebuilt from its events alone.
 */

import type { PhaseName, RunEvent } from "../../../server/src/protocol/events";
import type { LayerSummary, ResultMetadata, SectionSummary } from "../../../server/src/protocol/result";

export interface LayerSlot { name: string; dimension: number; summary: LayerSummary | null }
interface SectionSlot { from: string; to: string; summary: SectionSummary | null }

interface RunProgress { phase: PhaseName; overall: number; detail: string; elapsedSeconds: number }

export interface LensData {
  status: "waiting" | "running" | "done" | "failed" | "cancelled";
  uri: string | null;
  run: string | null;
  model: string;
  backend: string;
  samples: number;
  layers: LayerSlot[];
  sections: SectionSlot[];
  /** Jacobians that the run has told so far. */
  jacobians: number;
  progress: RunProgress | null;
  metadata: ResultMetadata | null;
  notes: string[];
  /** Why the run failed. */
  message: string | null;
}

export const emptyData: LensData = {
  status: "waiting", uri: null, run: null, model: "", backend: "", samples: 0,
  layers: [], sections: [], jacobians: 0, progress: null, metadata: null, notes: [], message: null,
};

export function fromResult(uri: string, metadata: ResultMetadata, run: string | null): LensData {
  return {
    status: metadata.complete ? "done" : "cancelled",
    uri,
    run,
    model: metadata.model.path,
    backend: metadata.backend.name,
    samples: metadata.samples,
    layers: metadata.layers.map((summary) => ({ name: summary.name, dimension: summary.dimension, summary })),
    sections: metadata.sections.map((summary) => ({ from: summary.from, to: summary.to, summary })),
    jacobians: 0,
    progress: null,
    metadata,
    notes: metadata.notes,
    message: null,
  };
}

/** The state after one more event of the run. Events of another run start over. */
export function afterEvent(data: LensData, event: RunEvent): LensData {
  const base = data.run === event.run ? data : { ...emptyData, run: event.run };
  switch (event.kind) {
    case "started": {
      const { nodeLayers } = event;
      // Another backend goes on with the run: what is finished stays.
      const goesOn = base.layers.length === nodeLayers.length && nodeLayers.every(({ name, dimension }, index) => base.layers[index]!.name === name && base.layers[index]!.dimension === dimension);
      return {
        ...base,
        status: "running",
        model: event.model,
        backend: event.backend.name,
        samples: event.samples,
        layers: goesOn ? base.layers : nodeLayers.map((layer) => ({ ...layer, summary: null })),
        sections: goesOn ? base.sections : nodeLayers.slice(1).map((layer, index) => ({ from: nodeLayers[index]!.name, to: layer.name, summary: null })),
      };
    }
    case "phase":
      return { ...base, status: "running", progress: { phase: event.phase, overall: event.overall, detail: event.detail, elapsedSeconds: event.elapsedSeconds } };
    case "layer":
      return { ...base, layers: base.layers.map((slot, index) => (index === event.layer.index ? { ...slot, summary: event.layer } : slot)) };
    case "section":
      return { ...base, sections: base.sections.map((slot, index) => (index === event.section.index ? { ...slot, summary: event.section } : slot)) };
    // The matrix itself is kept with those of results.
    case "jacobian":
      return { ...base, jacobians: base.jacobians + 1 };
    // Belongs to a stored result and comes to its views as a message of its own.
    case "curve":
      return base;
    case "note":
      return { ...base, notes: [...base.notes, event.message] };
    // The stored result follows as a message of its own; until then the partial state stays on screen.
    case "done":
      return { ...base, status: "done", progress: null };
    case "failed":
      return { ...base, status: "failed", progress: null, message: event.message };
    case "cancelled":
      return { ...base, status: "cancelled", progress: null };
  }
}

export const knownLayers = (data: LensData): number => data.layers.filter((layer) => layer.summary !== null).length;
export const knownSections = (data: LensData): number => data.sections.filter((section) => section.summary !== null).length;
