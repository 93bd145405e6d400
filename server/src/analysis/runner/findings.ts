/** @file What a run has found so far. It outlives the backend that found it. */

import type { Finished } from "../../core/lib/analyze";
import type { LayerResult } from "../../core/lib/basis/layerBasis";
import type { RunEvent } from "../../protocol/events";
import type { SectionSummary } from "../../protocol/result";
import type { FinishedEdges } from "../store/unfinished";
import type { Prepared } from "./prepare";
import { edgeTensor, layerTensors, type ResultTensors } from "./resultTensors";
import { summarizeLayer, summarizeSection } from "./summaries";

export class Findings implements Finished {
  readonly tensors: ResultTensors = layerTensors();
  /** By index; those that are not finished are missing. */
  private readonly byIndex: LayerResult[] = [];
  readonly sections: SectionSummary[] = [];
  readonly edges: { basis: FinishedEdges["basis"]; section: number }[] = [];

  constructor(private readonly run: string, private readonly emit: (event: RunEvent) => void) {}

  get layers(): readonly LayerResult[] {
    return Object.values(this.byIndex);
  }

  addLayer(layer: LayerResult): void {
    this.byIndex[layer.index] = layer;
    this.tensors.addLayer(layer);
    this.emit({ run: this.run, kind: "layer", layer: summarizeLayer(layer) });
  }

  /** Edges in the main basis are shown at once; the others only stored. */
  addEdges({ basis, section, edges, path }: FinishedEdges, { network, options }: Pick<Prepared, "network" | "options">): void {
    this.edges.push({ basis, section });
    this.tensors.add(edgeTensor(basis, section, edges, options.shelf));
    if (basis !== options.edgeBases[0]) return;
    const { from, to } = network.sections[section]!;
    this.sections[section] = { ...summarizeSection(section, from, to, edges, options.center), path };
    this.emit({ run: this.run, kind: "section", section: this.sections[section]! });
  }
}
