/**
 * @file The key of a result: a hash of everything the numbers depend on. The same model, data and options have the same key
 * wherever the files lie; batch size, memory limit and backend do not change the numbers beyond rounding and are left out.
 */

import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { ImportedBasisSpec } from "../../protocol/spec";
import { sidecarPaths } from "../../formats/sidecarConfig";
import { dataSetIdentity } from "../../formats/readDataSet";
import type { LoadedSpec } from "../spec/loadSpec";
import { resolveSpec } from "../spec/resolveSpec";

/** Raised whenever a change of the code changes numbers: older results are then computed again. */
export const algorithmVersion = 2;

/** SHA-256 of a file's bytes in hex. @throws UnknownHash when it is not known and must not be computed here. */
export type HashFile = (path: string) => Promise<string>;

/** There is no key yet: a file would have to be read first. */
export class UnknownHash extends Error {
  override readonly name = "UnknownHash";
}

/** @throws FormatError for data that is not there; whatever `hash` throws. */
export async function resultKey(loaded: LoadedSpec, hash: HashFile): Promise<{ key: string; modelSha256: string }> {
  const { spec, folder } = loaded;
  const modelSha256 = await hashModel(loaded.model, hash);
  const options = resolveSpec(spec);
  const bases: Record<string, ImportedBasisSpec> = {};
  for (const [layer, basis] of Object.entries(spec.bases ?? {})) bases[layer] = { ...basis, file: await hashModel(resolve(folder, basis.file), hash) };
  const facts = {
    algorithmVersion,
    modelSha256,
    sidecars: await hashAll(await existing(sidecarPaths(loaded.model)), hash),
    data: await dataSetIdentity(spec.data, folder, hash),
    evaluation: { data: await dataSetIdentity(options.evaluation.data, folder, hash), metric: options.evaluation.metric },
    architecture: spec.architecture ?? {}, nodeLayers: spec.nodeLayers ?? null, lastPositionOnly: spec.lastPositionOnly ?? null,
    ...(spec.bases ? { bases } : {}),
    basis: options.basis, edges: options.edges, precision: options.precision, seed: options.seed,
  };
  return { key: createHash("sha256").update(canonical(facts)).digest("hex"), modelSha256 };
}

/** A folder (a model in several files), or that of an index of shards, is hashed over its weight and config files, in the order of their names. */
export async function hashModel(model: string, hash: HashFile): Promise<string> {
  if (model.endsWith(".index.json")) return hashModel(dirname(model), hash);
  if (!(await stat(model)).isDirectory()) return hash(model);
  const names = (await readdir(model)).filter((name) => /\.(safetensors|json|ya?ml|bin|pt|pth)$/.test(name) && !name.endsWith(".lib.json")).sort();
  const hashes = await hashAll(names.map((name) => join(model, name)), hash);
  return createHash("sha256").update(canonical(names.map((name, i) => [name, hashes[i]]))).digest("hex");
}

async function hashAll(files: readonly string[], hash: HashFile): Promise<string[]> {
  const hashes: string[] = [];
  for (const file of files) hashes.push(await hash(file));
  return hashes;
}

async function existing(paths: string[]): Promise<string[]> {
  const found = await Promise.all(paths.map((path) => stat(path).then((facts) => facts.isFile(), () => false)));
  return paths.filter((_, i) => found[i]);
}

/** JSON with sorted names: the order in which a person wrote the fields does not matter. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
}
