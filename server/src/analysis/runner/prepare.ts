/** @file Everything a run needs before the first product: model and data; then, on an engine, the network cut into sections and the memory plan. */

import type { LibOptions } from "../../core/lib/options";
import { inMemory, type Shelf } from "../../core/lib/shelf";
import { automaticBatchSize, networkBatches, type BatchSource } from "../../core/network/batches";
import { hiddenSize, hostBytes } from "../../core/network/hostBytes";
import { cutIntoSections, type SectionedNetwork } from "../../core/network/section";
import type { Engine } from "../../engine/engine";
import { readDataSet, type HashFile } from "../../formats/readDataSet";
import type { DataSet } from "../../formats/dataSet";
import type { LoadedSpec } from "../spec/loadSpec";
import { resolveSpec, type ResolvedOptions } from "../spec/resolveSpec";
import { canonical } from "../store/resultKey";
import type { ComputeOptions } from "../worker/messages";
import { readImportedBases } from "./importedBases";
import { toLibOptions } from "./libOptions";
import { buildNetwork, loadModel, type LoadedModel } from "./loadModel";
import { describeBytes, planMemory } from "./memory";

/** What was read. The same whatever backend it is computed on. */
export interface RunInputs {
  loaded: LoadedSpec;
  resolved: ResolvedOptions;
  model: LoadedModel;
  data: DataSet;
  /** What scores are taken on; `data` itself unless the spec names other data. */
  scored: DataSet;
  notes: string[];
}

export interface Prepared extends RunInputs {
  engine: Engine;
  network: SectionedNetwork;
  batches: BatchSource;
  batchSize: number;
  options: LibOptions;
  /** The memory estimate, for people and in bytes. */
  memory: string;
  memoryBytes: number;
  /** Finished matrices wait on disk. */
  spills: boolean;
}

/** @throws SpecError, InputError or FormatError with one sentence. */
export async function readInputs(loaded: LoadedSpec, compute: ComputeOptions, hashFile: HashFile, checkCancelled: () => void): Promise<RunInputs> {
  const { spec, folder } = loaded;
  const resolved = resolveSpec(spec, compute.maxMemory);
  const model = await loadModel(loaded.model, spec, resolved.maxMemoryBytes, checkCancelled);
  checkCancelled();
  const data = await readDataSet(spec.data, folder, undefined, hashFile, { checkCancelled });
  checkCancelled();
  const own = canonical(resolved.evaluation.data) === canonical(spec.data);
  // Read now, so that a mistake in it is said before hours of work.
  const scored = own ? data : await readDataSet(resolved.evaluation.data, folder, undefined, hashFile, { checkCancelled });
  checkCancelled();
  return { loaded, resolved, model, data, scored, notes: [...loaded.notes, model.architecture.how, ...model.architecture.notes, ...model.notes] };
}

/**
 * @param scratch takes finished matrices when memory cannot
 * @throws InputError or NetworkError with one sentence; BackendFailure when the engine cannot hold the network.
 */
export async function prepareOn(engine: Engine, inputs: RunInputs, scratch: Shelf): Promise<Prepared> {
  const { loaded, resolved, model, data, scored } = inputs;
  const built = buildNetwork(model, engine);
  const network = cutIntoSections(built, loaded.spec.nodeLayers ?? model.architecture.nodeLayers);
  const bytesPerValue = resolved.precision === "float64" ? 8 : 4;
  const widths = network.nodeLayers.map(({ width }) => width);
  const positions = data.inputs.kind === "tokens" ? data.inputs.positions : 1;
  // Bytes are not kept as numbers (core/lib/statistics/activationSource.ts).
  const keptWidths = network.startsAtInput && data.inputs.kind === "bytes" ? widths.slice(1) : widths;
  const plan = planMemory({
    dataBytes: bytesOf(data),
    evaluationBytes: scored === data ? 0 : bytesOf(scored),
    weightBytes: bytesAsRead(model) + hostBytes(network) + built.parameterCount * bytesPerValue,
    widths,
    hidden: network.sections.map(hiddenSize),
    activationsPerSample: positions * keptWidths.reduce((sum, width) => sum + width, 0),
    samples: data.inputs.count,
    bytesPerValue,
    positions,
  }, resolved.maxMemoryBytes);
  const lastModule = network.sections.at(-1)!.modules.at(-1)!;
  const modules = built.modules.slice(0, built.modules.indexOf(lastModule) + 1);
  const batchSize = resolved.batchSize ?? automaticBatchSize(built, data.inputs, modules, plan.budget / 16);
  const imported = await readImportedBases(loaded, network.nodeLayers, resolved.basis);
  return {
    ...inputs, engine, network, batchSize,
    batches: networkBatches(built, data.inputs, batchSize),
    options: { ...toLibOptions(resolved, plan.budget, network, data.inputs), gramBudget: plan.gramBudget, shelf: plan.spills ? scratch : inMemory, imported },
    memory: `The run will take about ${describeBytes(plan.estimate)} of memory (limit ${describeBytes(resolved.maxMemoryBytes)})${plan.spills ? "; finished bases wait on disk" : ""}.`,
    memoryBytes: plan.estimate,
    spills: plan.spills,
  };
}

const bytesAsRead = ({ weights }: LoadedModel): number => [...new Set([...weights.values()].map(({ values }) => values.buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);

const bytesOf = ({ inputs, labels }: DataSet): number => inputs.values.byteLength + (labels?.byteLength ?? 0);
