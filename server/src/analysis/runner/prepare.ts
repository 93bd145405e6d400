/** @file Everything a run needs before the first product: model, data, engine, network cut into sections, memory plan. */

import type { LibOptions } from "../../core/lib/options";
import { automaticBatchSize, networkBatches, type BatchSource } from "../../core/network/batches";
import { cutIntoSections, type SectionedNetwork } from "../../core/network/section";
import type { Engine } from "../../engine/engine";
import { readDataSet, type HashFile } from "../../formats/readDataSet";
import type { DataSet } from "../../formats/dataSet";
import type { LoadedSpec } from "../spec/loadSpec";
import { resolveSpec, type ResolvedOptions } from "../spec/resolveSpec";
import type { ComputeOptions } from "../worker/messages";
import { startEngine } from "./startEngine";
import { toLibOptions } from "./libOptions";
import { buildNetwork, loadModel, type LoadedModel } from "./loadModel";
import { describeBytes, planMemory } from "./memory";

export interface Prepared {
  loaded: LoadedSpec;
  resolved: ResolvedOptions;
  engine: Engine;
  model: LoadedModel;
  data: DataSet;
  hashFile: HashFile;
  network: SectionedNetwork;
  batches: BatchSource;
  batchSize: number;
  options: LibOptions;
  notes: string[];
  /** The memory estimate, for people. */
  memory: string;
}

/** @throws SpecError, InputError, FormatError or NetworkError with one sentence. */
export async function prepare(loaded: LoadedSpec, compute: ComputeOptions, hashFile: HashFile, checkCancelled: () => void): Promise<Prepared> {
  const { spec, folder } = loaded;
  const resolved = resolveSpec(spec, compute.maxMemory);
  const model = await loadModel(loaded.model, spec, checkCancelled);
  checkCancelled();
  const data = await readDataSet(spec.data, folder, undefined, hashFile, { checkCancelled });
  checkCancelled();
  const engine = await startEngine(compute, resolved.precision);
  const built = buildNetwork(model, engine);
  const network = cutIntoSections(built, spec.nodeLayers ?? model.architecture.nodeLayers);
  const plan = planMemory({
    dataValues: data.inputs.values.length,
    weightValues: built.parameterCount,
    widths: network.nodeLayers.map(({ width }) => width),
    bytesPerValue: resolved.precision === "float64" ? 8 : 4,
  }, resolved.maxMemoryBytes);
  const batchSize = resolved.batchSize ?? automaticBatchSize(built, data.inputs);
  return {
    loaded, resolved, engine, model, data, hashFile, network, batchSize,
    batches: networkBatches(built, data.inputs, batchSize),
    options: toLibOptions(resolved, plan.budget),
    notes: [...loaded.notes, model.architecture.how, ...model.architecture.notes, ...model.notes],
    memory: `about ${describeBytes(plan.fixed)} and up to ${describeBytes(plan.budget)} for activations`,
  };
}
