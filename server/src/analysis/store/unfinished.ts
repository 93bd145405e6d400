/**
 * @file What an interrupted run had finished: one small safetensors file per node layer and per section's edges, in
 * `unfinished/<key>` of the store folder. The next run of the same key continues from there; a finished run removes it.
 */

import { mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { layerBasis, type LayerResult } from "../../core/lib/basis/layerBasis";
import type { EdgeBasis } from "../../core/lib/options";
import { inMemory, shelved, type Shelf } from "../../core/lib/shelf";
import type { Matrix } from "../../core/linalg/matrix";
import type { ModelFile } from "../../formats/modelFile";
import { openSafetensors } from "../../formats/safetensors/openSafetensors";
import { writeSafetensors, type WritableTensor } from "../../formats/safetensors/writeSafetensors";
import type { LayerBasisFacts } from "../../protocol/result";

const vectors = ["mean", "gramEigenvalues", "D", "lambda"] as const;
const matrices = ["gram", "W", "WPinv", "C", "CPinv"] as const;

/** Milliseconds. */
const abandonedAfter = 30 * 24 * 3600 * 1000;

export interface FinishedEdges { basis: EdgeBasis; section: number; edges: Matrix; path: string }

export class Unfinished {
  private readonly folder: string;

  constructor(storeFolder: string, key: string) {
    this.folder = join(storeFolder, "unfinished", key);
  }

  async saveLayer(layer: LayerResult): Promise<void> {
    const { basis } = layer;
    const tensors: WritableTensor[] = [];
    if (basis) {
      for (const name of vectors) tensors.push({ name, dtype: "F64", shape: [basis[name].length], data: basis[name] });
      for (const name of matrices) {
        const { rows, cols } = basis[name];
        tensors.push({ name, dtype: "F64", shape: [rows, cols], data: () => basis[name].data });
      }
    }
    const facts = { index: layer.index, name: layer.name, width: layer.width, path: layer.path, facts: layer.facts, masked: basis?.masked ?? null };
    await this.save(`layer-${layer.index}`, tensors, facts);
  }

  async saveEdges({ basis, section, edges, path }: FinishedEdges): Promise<void> {
    await this.save(`edges-${basis}-${section}`, [{ name: "edges", dtype: "F64", shape: [edges.rows, edges.cols], data: edges.data }], { basis, section, path });
  }

  /** What is there, matrices on the shelf; a damaged piece counts as not finished. */
  async load(shelf: Shelf = inMemory): Promise<{ layers: LayerResult[]; edges: FinishedEdges[] }> {
    const layers: LayerResult[] = [];
    const edges: FinishedEdges[] = [];
    for (const name of (await readdir(this.folder).catch(() => [])).sort()) {
      if (!/^(layer|edges)-[\w-]+\.safetensors$/.test(name)) continue;
      try {
        const opened = await openSafetensors(join(this.folder, name));
        try {
          if (name.startsWith("layer-")) layers.push(await readLayer(opened, shelf));
          else edges.push(await readEdges(opened));
        } finally {
          await opened.close();
        }
      } catch {
        await rm(join(this.folder, name), { force: true });
      }
    }
    return { layers: usable(layers), edges };
  }

  /** Removes this run's pieces, and those of runs that nobody has continued for a month. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    const parent = dirname(this.folder);
    for (const key of await readdir(parent).catch(() => [])) {
      const age = Date.now() - (await stat(join(parent, key)).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
      if (age > abandonedAfter && /^[0-9a-f]{64}$/.test(key)) await rm(join(parent, key), { recursive: true, force: true });
    }
    // Gone with the last unfinished run; kept while another needs it.
    await rmdir(parent).catch(() => undefined);
  }

  private async save(name: string, tensors: WritableTensor[], facts: object): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeSafetensors(join(this.folder, `${name}.safetensors`), tensors, { facts: JSON.stringify(facts) });
  }
}

/** Bases are found from the last layer backwards: only an unbroken run of layers up to the last can be built on. */
function usable(layers: LayerResult[]): LayerResult[] {
  const descending = [...layers].sort((a, b) => b.index - a.index);
  return descending.filter((layer, place) => layer.index === descending[0]!.index - place);
}

async function readLayer(opened: ModelFile, shelf: Shelf): Promise<LayerResult> {
  const facts = factsOf(opened) as { index: number; name: string; width: number; path: string | null; facts: LayerBasisFacts | null; masked: number | null };
  if (facts.masked === null) return { index: facts.index, name: facts.name, width: facts.width, basis: null, facts: null, path: facts.path };
  const read = async (name: string): Promise<Float64Array> => (await opened.read(name)) as Float64Array;
  const kept = async (name: string): Promise<() => Matrix> => {
    const { shape } = opened.tensors.find((tensor) => tensor.name === name)!;
    return shelved(shelf, { rows: shape[0]!, cols: shape[1]!, data: await read(name) });
  };
  const [mean, gramEigenvalues, D, lambda] = [await read("mean"), await read("gramEigenvalues"), await read("D"), await read("lambda")];
  const [gram, W, WPinv, C, CPinv] = [await kept("gram"), await kept("W"), await kept("WPinv"), await kept("C"), await kept("CPinv")];
  const basis = layerBasis({ mean, gramEigenvalues, D, lambda, masked: facts.masked }, { gram, W, WPinv, C, CPinv });
  return { index: facts.index, name: facts.name, width: facts.width, basis, facts: facts.facts, path: facts.path };
}

async function readEdges(opened: ModelFile): Promise<FinishedEdges> {
  const facts = factsOf(opened) as { basis: EdgeBasis; section: number; path: string };
  const [rows, cols] = opened.tensors[0]!.shape as [number, number];
  return { ...facts, edges: { rows, cols, data: (await opened.read("edges")) as Float64Array } };
}

function factsOf(opened: ModelFile): object {
  return JSON.parse(String(opened.metadata.get("facts"))) as object;
}
