/** @file A stored result made runnable again: its network, its bases and its scoring data, for ablations. */

import { dirname } from "node:path";
import { baseScore, type EvaluationData, type EvaluationSignals, type Metric } from "../../core/lib/ablation/evaluate";
import { scoreFeatureSet } from "../../core/lib/ablation/featureSet";
import type { FeatureMap } from "../../core/lib/basis/layerBasis";
import { edgesOfSection } from "../../core/lib/edges/edgesOfSection";
import { identity } from "../../core/linalg/elementary";
import type { Matrix } from "../../core/linalg/matrix";
import { automaticBatchSize, networkBatches, type BatchSource } from "../../core/network/batches";
import { cutIntoSections, type SectionedNetwork } from "../../core/network/section";
import type { DataSet } from "../../formats/dataSet";
import { readDataSet } from "../../formats/readDataSet";
import { openSafetensors } from "../../formats/safetensors/openSafetensors";
import type { BasisName, ResultMetadata } from "../../protocol/result";
import type { DataSpec } from "../../protocol/spec";
import { CancelledError, InputError } from "../errors";
import { parseSpec } from "../spec/parseSpec";
import { resolveSpec, type ResolvedOptions } from "../spec/resolveSpec";
import { FileHashes } from "../store/fileHashes";
import { withResult } from "../store/resultFile";
import { hashModel, type HashFile } from "../store/resultKey";
import type { ComputeOptions } from "../worker/messages";
import { evaluationData } from "./evaluation";
import { toLibOptions } from "./libOptions";
import { buildNetwork, loadModel } from "./loadModel";
import { startEngine } from "./startEngine";
import { StoredBases } from "./storedBases";

/** What the result was computed from, read only when it is needed again. */
interface AnalysedData {
  resolved: ResolvedOptions;
  read(data: DataSpec): Promise<DataSet>;
}

export class AblationSession {
  private readonly bases = new Map<Metric, Promise<number>>();
  /** Edges computed anew, by basis and section. */
  private readonly computed = new Map<string, Promise<Matrix>>();

  private constructor(
    readonly metadata: ResultMetadata,
    readonly network: SectionedNetwork,
    private readonly labelled: EvaluationData | null,
    private readonly stored: StoredBases,
    private readonly analysed: AnalysedData,
  ) {}

  /** @throws FormatError or InputError with one sentence, also when the model has changed since. */
  static async open(file: string, compute: ComputeOptions, checkCancelled: () => void): Promise<AblationSession> {
    return withResult(file, async (opened, metadata) => {
      const spec = parseSpec(JSON.stringify(metadata.spec), file);
      const resolved = resolveSpec(spec, compute.maxMemory);
      const hashes = new FileHashes(dirname(file));
      const hashFile = (path: string): Promise<string> => hashes.of(path, checkCancelled);
      await mustBeUnchanged(metadata, hashFile);
      const model = await loadModel(metadata.model.path, spec, resolved.maxMemoryBytes, checkCancelled);
      const samples = await readDataSet(resolved.evaluation.data, dirname(file), undefined, hashFile);
      checkCancelled();
      const engine = await startEngine(compute, resolved.precision);
      const network = cutIntoSections(buildNetwork(model, engine), spec.nodeLayers ?? model.architecture.nodeLayers);
      const data = evaluationData(network, samples, resolved);
      const misfit = `${file} does not fit the model ${metadata.model.path}: analyse again.`;
      const stored = new StoredBases(opened.tensors, network.nodeLayers, spec.basis?.center ?? true, () => openSafetensors(file), misfit);
      const read = (wanted: DataSpec): Promise<DataSet> => readDataSet(wanted, dirname(file), undefined, hashFile);
      return new AblationSession(metadata, network, data, stored, { resolved, read });
    });
  }

  /** What ablations are scored on. @throws InputError for data without labels. */
  get data(): EvaluationData {
    if (this.labelled) return this.labelled;
    throw new InputError("An ablation is scored against labels, and the evaluation data has none: name labels in \"evaluation.data\" of the spec and analyse again.");
  }

  /** Whether a node layer has features of its own in a basis: an output is often not rotated. */
  rotated(layer: number, basis: BasisName): boolean {
    return this.stored.has(layer, basis);
  }

  /**
   * Features of a node layer in the order in which an ablation keeps them; null for a layer that is not rotated. Neurons have no order of
   * their own: the constant comes first, then by falling mean square. @throws FormatError
   */
  ordered(layer: number, basis: BasisName): Promise<FeatureMap | null> {
    return this.stored.map(layer, basis);
  }

  /**
   * E of a section in a basis, from all analysed samples: LIB edges are stored so; of PCA edges the result holds an estimate for the
   * graph, which would rank weak edges wrongly. @throws InputError when the result has no such basis.
   */
  async edges(section: number, basis: BasisName, signals: EvaluationSignals): Promise<Matrix> {
    if (!this.stored.hasEdges(section) || !this.rotated(section, basis)) {
      throw new InputError(`The result holds no ${basis} basis for section ${section}: analyse with "basis.formula": "jacobian".`);
    }
    if (basis === "lib") return (await this.stored.edges(section))!;
    const key = `${basis} ${section}`;
    const known = this.computed.get(key);
    if (known) return known;
    const computing = this.computeEdges(section, basis, signals);
    this.computed.set(key, computing);
    computing.catch(() => this.computed.delete(key));
    return computing;
  }

  private async computeEdges(section: number, basis: BasisName, signals: EvaluationSignals): Promise<Matrix> {
    const { resolved } = this.analysed;
    const { samples, batches } = await this.samples(this.metadata.spec.data);
    const maps = { from: await this.ordered(section, basis), to: await this.ordered(section + 1, basis) };
    const options = toLibOptions(resolved, resolved.maxMemoryBytes / 4, this.network, samples.inputs);
    return edgesOfSection(this.network, section, maps, batches, options, {
      checkCancelled: () => signals.checkCancelled(),
      progress: () => undefined,
    });
  }

  /** A data set of the spec, or one like it, in batches for the network. @throws FormatError */
  async samples(data: DataSpec): Promise<{ samples: DataSet; batches: BatchSource }> {
    const samples = await this.analysed.read(data);
    const { batchSize } = this.analysed.resolved;
    return { samples, batches: networkBatches(this.network.network, samples.inputs, batchSize ?? automaticBatchSize(this.network.network, samples.inputs)) };
  }

  /** Score of the untouched network, computed once for each metric. */
  baseScore(metric: Metric, signals: EvaluationSignals): Promise<number> {
    const known = this.bases.get(metric);
    if (known) return known;
    const score = baseScore(this.network, { ...this.data, metric }, signals).catch((error: unknown) => {
      this.bases.delete(metric);
      throw error;
    });
    this.bases.set(metric, score);
    return score;
  }

  /** Score with some features of one node layer removed. @throws InputError or NetworkError for a layer or feature that does not exist. */
  async scoreWithout(layer: number, basis: BasisName, remove: readonly number[], signals: EvaluationSignals): Promise<number> {
    const features = await this.features(layer, basis);
    return scoreFeatureSet(this.network, layer, features, { remove }, this.data, signals);
  }

  /** Features by their own numbers: of neurons, and of a layer without a rotation, its components as they come. */
  private async features(layer: number, basis: BasisName): Promise<FeatureMap> {
    const { nodeLayers } = this.network;
    const node = nodeLayers[layer];
    if (!node) throw new InputError(`There is no node layer ${layer} in this result: the layers are 0 to ${nodeLayers.length - 1}.`);
    const own = identity(node.width);
    return (basis === "neuron" ? null : await this.ordered(layer, basis)) ?? { C: own, CPinv: own };
  }
}

async function mustBeUnchanged(metadata: ResultMetadata, hashFile: HashFile): Promise<void> {
  const sha256 = await hashModel(metadata.model.path, hashFile).catch((error: unknown) => {
    if (error instanceof CancelledError) throw error;
    return null;
  });
  if (sha256 === null) throw new InputError(`The model ${metadata.model.path} that this result was computed from cannot be read: put it back or analyse again.`);
  if (sha256 !== metadata.model.sha256) throw new InputError(`The model ${metadata.model.path} has changed since this result was computed: analyse again.`);
}
