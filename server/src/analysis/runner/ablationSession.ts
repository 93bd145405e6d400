/** @file A stored result made runnable again: its network, its bases and its scoring data, for ablations. */

import { dirname } from "node:path";
import { baseScore, type EvaluationData, type EvaluationSignals, type Metric } from "../../core/lib/ablation/evaluate";
import { scoreFeatureSet } from "../../core/lib/ablation/featureSet";
import type { FeatureMap } from "../../core/lib/basis/layerBasis";
import { edgesOfSection } from "../../core/lib/edges/edgesOfSection";
import { selectColumns, transpose } from "../../core/linalg/arrange";
import { identity } from "../../core/linalg/elementary";
import type { Matrix } from "../../core/linalg/matrix";
import { automaticBatchSize, networkBatches, type BatchSource } from "../../core/network/batches";
import { cutIntoSections, type SectionedNetwork } from "../../core/network/section";
import type { DataSet } from "../../formats/dataSet";
import type { ModelFile } from "../../formats/modelFile";
import { readDataSet } from "../../formats/readDataSet";
import { resultTensorName, type BasisName, type ResultMetadata } from "../../protocol/result";
import type { DataSpec } from "../../protocol/spec";
import { CancelledError, InputError } from "../errors";
import { parseSpec } from "../spec/parseSpec";
import { resolveSpec, type ResolvedOptions } from "../spec/resolveSpec";
import { FileHashes } from "../store/fileHashes";
import { readMatrix, withResult } from "../store/resultFile";
import { hashModel, type HashFile } from "../store/resultKey";
import type { ComputeOptions } from "../worker/messages";
import { evaluationData } from "./evaluation";
import { toLibOptions } from "./libOptions";
import { buildNetwork, loadModel } from "./loadModel";
import { startEngine } from "./startEngine";

/** `neuron`: the components themselves, reordered as an ablation removes them. */
interface LayerMaps { lib: FeatureMap | null; pca: FeatureMap | null; neuron: FeatureMap | null }

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
    private readonly layers: readonly LayerMaps[],
    private readonly libEdges: readonly (Matrix | null)[],
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
      const model = await loadModel(metadata.model.path, spec, checkCancelled);
      const samples = await readDataSet(resolved.evaluation.data, dirname(file), undefined, hashFile);
      checkCancelled();
      const engine = await startEngine(compute, resolved.precision);
      const network = cutIntoSections(buildNetwork(model, engine), spec.nodeLayers ?? model.architecture.nodeLayers);
      const data = evaluationData(network, samples, resolved);
      const layers: LayerMaps[] = [];
      for (const { index, width } of network.nodeLayers) {
        const map = async (C: string, CPinv: string): Promise<FeatureMap | null> => {
          const [forward, back] = [await readMatrix(opened, C), await readMatrix(opened, CPinv)];
          if (forward && back && (forward.rows !== width || back.cols !== width || forward.cols !== back.rows)) {
            throw new InputError(`${file} does not fit the model ${metadata.model.path}: analyse again.`);
          }
          return forward && back && { C: forward, CPinv: back };
        };
        layers.push({
          lib: await map(resultTensorName.C(index), resultTensorName.CPinv(index)),
          pca: await map(resultTensorName.W(index), resultTensorName.WPinv(index)),
          neuron: await rankedNeurons(opened, index, metadata.spec.basis?.center ?? true),
        });
      }
      const libEdges: (Matrix | null)[] = [];
      for (const { index } of network.sections) libEdges.push(await readMatrix(opened, resultTensorName.edges(index)));
      const read = (wanted: DataSpec): Promise<DataSet> => readDataSet(wanted, dirname(file), undefined, hashFile);
      return new AblationSession(metadata, network, data, layers, libEdges, { resolved, read });
    });
  }

  /** What ablations are scored on. @throws InputError for data without labels. */
  get data(): EvaluationData {
    if (this.labelled) return this.labelled;
    throw new InputError("An ablation is scored against labels, and the evaluation data has none: name labels in \"evaluation.data\" of the spec and analyse again.");
  }

  /**
   * Features of a node layer in the order in which an ablation keeps them; null for a layer that is not rotated. Neurons have no order of
   * their own: the constant comes first, then by falling mean square. @throws InputError
   */
  ordered(layer: number, basis: BasisName): FeatureMap | null {
    return basis === "neuron" ? this.layers[layer].neuron : this.features(layer, basis);
  }

  /** Features of a node layer in a basis; null for a layer that is not rotated. @throws InputError */
  features(layer: number, basis: BasisName): FeatureMap | null {
    const maps = this.layers[layer];
    const node = this.network.nodeLayers[layer];
    if (!maps || !node) throw new InputError(`There is no node layer ${layer} in this result: the layers are 0 to ${this.layers.length - 1}.`);
    if (basis !== "neuron") return maps[basis];
    const own = identity(node.width);
    return { C: own, CPinv: own };
  }

  /**
   * E of a section in a basis, from all analysed samples: LIB edges are stored so; of PCA edges the result holds an estimate for the
   * graph, which would rank weak edges wrongly. @throws InputError when the result has no such basis.
   */
  async edges(section: number, basis: BasisName, signals: EvaluationSignals): Promise<Matrix> {
    const stored = this.libEdges[section];
    if (!stored || !this.ordered(section, basis)) {
      throw new InputError(`The result holds no ${basis} basis for section ${section}: analyse with "basis.formula": "jacobian".`);
    }
    if (basis === "lib") return stored;
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
    const maps = this.network.nodeLayers.map(({ index }) => this.layers[index]![basis]);
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

  /** Score with some features of one node layer removed. @throws NetworkError for a feature that does not exist. */
  scoreWithout(layer: number, basis: BasisName, remove: readonly number[], signals: EvaluationSignals): Promise<number> {
    // Of a layer without a rotation the features are its components.
    const features = this.features(layer, basis) ?? this.features(layer, "neuron")!;
    return scoreFeatureSet(this.network, layer, features, { remove }, this.data, signals);
  }
}

/** The neurons of a layer that has a basis, the constant component first, then by falling mean square. */
async function rankedNeurons(opened: ModelFile, layer: number, centred: boolean): Promise<FeatureMap | null> {
  const gram = await readMatrix(opened, resultTensorName.gram(layer));
  if (!gram) return null;
  const mean = await opened.read(resultTensorName.mean(layer));
  const constant = gram.rows - 1;
  // The Gram of centred activations lacks the squared mean.
  const meanSquare = (neuron: number): number => gram.data[neuron * gram.cols + neuron] + (centred ? mean[neuron] ** 2 : 0);
  const order = Array.from({ length: constant }, (_, neuron) => neuron).sort((a, b) => meanSquare(b) - meanSquare(a) || a - b);
  const C = selectColumns(identity(gram.rows), [constant, ...order]);
  return { C, CPinv: transpose(C) };
}

async function mustBeUnchanged(metadata: ResultMetadata, hashFile: HashFile): Promise<void> {
  const sha256 = await hashModel(metadata.model.path, hashFile).catch((error: unknown) => {
    if (error instanceof CancelledError) throw error;
    return null;
  });
  if (sha256 === null) throw new InputError(`The model ${metadata.model.path} that this result was computed from cannot be read: put it back or analyse again.`);
  if (sha256 !== metadata.model.sha256) throw new InputError(`The model ${metadata.model.path} has changed since this result was computed: analyse again.`);
}
