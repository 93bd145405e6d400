/** @file The bases and edges of a result file, read when they are asked for: those of a wide network do not fit into memory together. */

import type { FeatureMap } from "../../core/lib/basis/layerBasis";
import { selectColumns, transpose } from "../../core/linalg/arrange";
import { identity } from "../../core/linalg/elementary";
import type { Matrix } from "../../core/linalg/matrix";
import type { NodeLayer } from "../../core/network/section";
import type { ModelFile } from "../../formats/modelFile";
import { resultTensorName as names, type BasisName } from "../../protocol/result";
import { InputError } from "../errors";
import { readMatrix } from "../store/resultFile";

/** What a result needs to be opened again: the file stays closed between two questions. */
export type OpenResult = () => Promise<ModelFile>;

/** The node layers at both ends of a section are used together, and one layer again and again. */
const keptMaps = 2;

interface KeptMap { readonly layer: number; readonly basis: BasisName; readonly map: Promise<FeatureMap> }

/** `neuron`: the components of a layer that has a basis, reordered as an ablation removes them. */
export class StoredBases {
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private kept: KeptMap[] = [];

  /**
   * @param tensors of the result @param nodeLayers of the network that the result is of @param centred the Grams lack the squared mean
   * @throws InputError with `misfit` when the shapes do not fit the network
   */
  constructor(
    tensors: ModelFile["tensors"], private readonly nodeLayers: readonly NodeLayer[], private readonly centred: boolean, private readonly open: OpenResult, misfit: string,
  ) {
    this.shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
    for (const { index, width } of nodeLayers) {
      const fits = (C: string, CPinv: string): boolean => {
        const [features, back] = [this.shapes.get(C), this.shapes.get(CPinv)];
        return !features || !back || (features[0] === width && back[1] === width && features[1] === back[0]);
      };
      const square = [names.gram(index), names.mean(index)].every((name) => this.shapes.get(name)?.every((side) => side === width) ?? true);
      if (!fits(names.C(index), names.CPinv(index)) || !fits(names.W(index), names.WPinv(index)) || !square) throw new InputError(misfit);
    }
  }

  /** False for a layer that is not rotated, or of which the result lacks this basis. */
  has(layer: number, basis: BasisName): boolean {
    return tensorsOf(layer, basis).every((name) => this.shapes.has(name));
  }

  /** C [d, r] and CPinv [r, d] of one node layer; null where there are none. @throws FormatError for a damaged file */
  async map(layer: number, basis: BasisName): Promise<FeatureMap | null> {
    if (!this.has(layer, basis)) return null;
    const known = this.kept.find((one) => one.layer === layer && one.basis === basis);
    const wanted = known ?? { layer, basis, map: this.read(layer, basis) };
    const others = this.kept.filter((one) => one !== wanted);
    this.kept = [...others.slice(Math.max(0, others.length + 1 - keptMaps)), wanted];
    try {
      return await wanted.map;
    } catch (error) {
      this.kept = this.kept.filter((one) => one !== wanted);
      throw error;
    }
  }

  /** E [r', r] of a section in the LIB basis, as stored; null where there are none. @throws FormatError for a damaged file */
  edges(section: number): Promise<Matrix | null> {
    return this.use((opened) => readMatrix(opened, names.edges(section)));
  }

  hasEdges(section: number): boolean {
    return this.shapes.has(names.edges(section));
  }

  private read(layer: number, basis: BasisName): Promise<FeatureMap> {
    return this.use(async (opened) => {
      if (basis === "neuron") return this.rankedNeurons(opened, layer);
      const [C, CPinv] = tensorsOf(layer, basis) as [string, string];
      return { C: (await readMatrix(opened, C))!, CPinv: (await readMatrix(opened, CPinv))! };
    });
  }

  /** The constant component first, then by falling mean square. */
  private async rankedNeurons(opened: ModelFile, layer: number): Promise<FeatureMap> {
    const { width } = this.nodeLayers[layer];
    const gram = (await readMatrix(opened, names.gram(layer)))!;
    const mean = await opened.read(names.mean(layer));
    const constant = width - 1;
    // The Gram of centred activations lacks the squared mean.
    const meanSquare = (neuron: number): number => gram.data[neuron * gram.cols + neuron] + (this.centred ? mean[neuron] ** 2 : 0);
    const order = Array.from({ length: constant }, (_, neuron) => neuron).sort((a, b) => meanSquare(b) - meanSquare(a) || a - b);
    const C = selectColumns(identity(width), [constant, ...order]);
    return { C, CPinv: transpose(C) };
  }

  private async use<T>(read: (opened: ModelFile) => Promise<T>): Promise<T> {
    const opened = await this.open();
    try {
      return await read(opened);
    } finally {
      await opened.close();
    }
  }
}

function tensorsOf(layer: number, basis: BasisName): readonly string[] {
  if (basis === "lib") return [names.C(layer), names.CPinv(layer)];
  return basis === "pca" ? [names.W(layer), names.WPinv(layer)] : [names.gram(layer), names.mean(layer)];
}
