/** @file A stored result made runnable again: its network, its bases and its scoring data, for ablations. */

import { dirname } from "node:path";
import { baseScore, type EvaluationData, type EvaluationSignals } from "../../core/lib/ablation/evaluate";
import { scoreFeatureSet } from "../../core/lib/ablation/featureSet";
import type { FeatureMap } from "../../core/lib/layerBasis";
import { identity } from "../../core/linalg/elementary";
import type { Matrix } from "../../core/linalg/matrix";
import { cutIntoSections, type SectionedNetwork } from "../../core/network/section";
import { readDataSet } from "../../formats/readDataSet";
import { resultTensorName, type BasisName, type ResultMetadata } from "../../protocol/result";
import { CancelledError, InputError } from "../errors";
import { parseSpec } from "../spec/parseSpec";
import { resolveSpec } from "../spec/resolveSpec";
import { FileHashes } from "../store/fileHashes";
import { readMatrix, withResult } from "../store/resultFile";
import { hashModel, type HashFile } from "../store/resultKey";
import type { ComputeOptions } from "../worker/messages";
import { evaluationData } from "./evaluation";
import { buildNetwork, loadModel } from "./loadModel";
import { startEngine } from "./startEngine";

interface LayerMaps { lib: FeatureMap | null; pca: FeatureMap | null }

export class AblationSession {
  private base: Promise<number> | null = null;

  private constructor(
    readonly metadata: ResultMetadata,
    readonly network: SectionedNetwork,
    readonly data: EvaluationData,
    private readonly layers: readonly LayerMaps[],
    private readonly edgesByBasis: ReadonlyMap<"lib" | "pca", readonly (Matrix | null)[]>,
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
      if (!data) throw new InputError("An ablation is scored against labels, and the evaluation data has none: name labels in \"evaluation.data\" of the spec and analyse again.");
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
        });
      }
      const edges = async (name: (section: number) => string): Promise<(Matrix | null)[]> => {
        const list: (Matrix | null)[] = [];
        for (const { index } of network.sections) list.push(await readMatrix(opened, name(index)));
        return list;
      };
      const edgesByBasis = new Map([["lib", await edges(resultTensorName.edges)], ["pca", await edges(resultTensorName.edgesPca)]] as const);
      return new AblationSession(metadata, network, data, layers, edgesByBasis);
    });
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

  /** E of a section in a basis. @throws InputError when the result has none. */
  edges(section: number, basis: "lib" | "pca"): Matrix {
    const found = this.edgesByBasis.get(basis)?.[section];
    if (!found) throw new InputError(`The result holds no ${basis} edges for section ${section}: analyse with "basis.formula": "jacobian".`);
    return found;
  }

  /** Score of the untouched network, computed once. */
  baseScore(signals: EvaluationSignals): Promise<number> {
    this.base ??= baseScore(this.network, this.data, signals).catch((error: unknown) => {
      this.base = null;
      throw error;
    });
    return this.base;
  }

  /** Score with some features of one node layer removed. @throws NetworkError for a feature that does not exist. */
  scoreWithout(layer: number, basis: BasisName, remove: readonly number[], signals: EvaluationSignals): Promise<number> {
    // Of a layer without a rotation the features are its components.
    const features = this.features(layer, basis) ?? this.features(layer, "neuron")!;
    return scoreFeatureSet(this.network, layer, features, { remove }, this.data, signals);
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
