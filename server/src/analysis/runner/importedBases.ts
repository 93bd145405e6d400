/** @file Bases that a spec names in files (`bases`), read and turned to rows of features. */

import { resolve } from "node:path";
import type { ImportedDirections } from "../../core/lib/basis/importedBasis";
import { isCentered } from "../../core/lib/statistics/layerStatistics";
import { transpose } from "../../core/linalg/arrange";
import { matrix, type Matrix } from "../../core/linalg/matrix";
import type { NodeLayer } from "../../core/network/section";
import type { ModelFile, TensorInfo } from "../../formats/modelFile";
import { openModel } from "../../formats/openModel";
import type { ImportedBasisSpec } from "../../protocol/spec";
import { InputError } from "../errors";
import type { LoadedSpec } from "../spec/loadSpec";

/** By name of the node layer. @throws InputError or FormatError with one sentence. */
export async function readImportedBases(
  { spec, folder }: LoadedSpec, layers: readonly NodeLayer[], options: { center: boolean },
): Promise<Map<string, ImportedDirections>> {
  const bases = new Map<string, ImportedDirections>();
  for (const [name, wanted] of Object.entries(spec.bases ?? {})) {
    const layer = layers.find((one) => one.name === name);
    if (!layer) throw new InputError(`"bases" names "${name}", which is no node layer of this analysis. The node layers are ${layers.map((one) => one.name).join(", ")}.`);
    const components = layer.width - (isCentered(layer, options) ? 1 : 0);
    bases.set(name, await readBasis(name, wanted, resolve(folder, wanted.file), components));
  }
  return bases;
}

async function readBasis(layer: string, wanted: ImportedBasisSpec, file: string, components: number): Promise<ImportedDirections> {
  const opened = await openModel(file);
  try {
    const tensor = chooseTensor(opened, layer, wanted);
    const source = `${wanted.file}, ${tensor.name}`;
    const orientation = orientationOf(layer, wanted, tensor, components);
    const read = await readMatrix(opened, tensor, source);
    return { directions: orientation === "features,width" ? read : transpose(read), role: wanted.role ?? "decoder", source };
  } finally {
    await opened.close();
  }
}

function chooseTensor({ tensors }: ModelFile, layer: string, { file, name }: ImportedBasisSpec): TensorInfo {
  const matrices = tensors.filter(({ shape, dtype }) => shape.length === 2 && !dtype.startsWith("complex"));
  const listed = matrices.slice(0, 20).map((tensor) => `${tensor.name} [${tensor.shape.join(", ")}]`).join(", ");
  const chosen = name === undefined ? matrices.length === 1 && matrices[0] : matrices.find((tensor) => tensor.name === name);
  if (chosen) return chosen;
  throw new InputError(
    name === undefined
      ? `"bases.${layer}" does not say which matrix of ${file} is meant: add "name"; the file holds ${listed || "no matrix"}.`
      : `"bases.${layer}": ${file} holds no matrix "${name}"; it holds ${listed || "none"}.`,
  );
}

/** Told by the shape where only one axis fits. What is far too large is refused before it is read. */
function orientationOf(layer: string, { file, orientation }: ImportedBasisSpec, { name, shape }: TensorInfo, components: number): "features,width" | "width,features" {
  const [rows, cols] = shape as [number, number];
  const found = orientation ?? (cols === components || rows !== components ? "features,width" : "width,features");
  const [features, width] = found === "features,width" ? [rows, cols] : [cols, rows];
  if (width !== components) {
    throw new InputError(`"bases.${layer}": ${file}, ${name} is ${rows} x ${cols}, but the node layer has ${components} components to describe: give a matrix with ${components} ${orientation ? "as its width" : "rows or columns"}.`);
  }
  if (features > components) {
    throw new InputError(
      `"bases.${layer}": ${file}, ${name} has ${features} features for ${components} components, so that no left inverse exists: choose at most ${components} linearly independent features.`,
    );
  }
  return found;
}

async function readMatrix(opened: ModelFile, { name, shape }: TensorInfo, source: string): Promise<Matrix> {
  const values = Float64Array.from(await opened.read(name));
  const damaged = values.findIndex((value) => !Number.isFinite(value));
  if (damaged >= 0) throw new InputError(`${source} holds ${values[damaged]} at position ${damaged}: an imported basis needs finite numbers.`);
  return matrix(shape[0]!, shape[1]!, values);
}
