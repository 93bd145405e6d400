/**
 * @file The key of a result: a hash of everything the numbers depend on. The same model, data and options have the same key
 * wherever the files lie; batch size, memory limit and backend do not change the numbers beyond rounding and are left out.
 */

import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DataSpec } from "../../protocol/spec";
import { sidecarNames } from "../architecture/sidecar";
import { dataFiles, type LoadedSpec } from "../spec/loadSpec";
import { resolveSpec } from "../spec/resolveSpec";

/** Raised whenever a change of the code changes numbers: older results are then computed again. */
export const algorithmVersion = 1;

/** @returns the hash of a file, or null when it is not known (then there is no key yet). */
export type HashFile = (path: string) => Promise<string | null>;

/** @returns 64 hexadecimal digits, or null when `hash` did not know one of the files. */
export async function resultKey(loaded: LoadedSpec, hash: HashFile): Promise<{ key: string; modelSha256: string } | null> {
  const { spec, folder } = loaded;
  const modelSha256 = await hashModel(loaded.model, hash);
  const sidecars = await Promise.all((await existing(sidecarNames.map((name) => join(dirname(loaded.model), name)))).map(hash));
  const options = resolveSpec(spec);
  const data = await dataIdentity(spec.data, folder, hash);
  const evaluationData = await dataIdentity(options.evaluation.data, folder, hash);
  if (modelSha256 === null || sidecars.includes(null) || data === null || evaluationData === null) return null;
  const facts = {
    algorithmVersion, modelSha256, sidecars, data,
    evaluation: { data: evaluationData, metric: options.evaluation.metric },
    architecture: spec.architecture ?? {}, nodeLayers: spec.nodeLayers ?? null, lastPositionOnly: spec.lastPositionOnly ?? null,
    basis: options.basis, edges: options.edges, precision: options.precision, seed: options.seed,
  };
  return { key: createHash("sha256").update(canonical(facts)).digest("hex"), modelSha256 };
}

/** A folder (a model in several files) is hashed over its weight and config files, in the order of their names. */
async function hashModel(model: string, hash: HashFile): Promise<string | null> {
  if (!(await stat(model)).isDirectory()) return hash(model);
  const names = (await readdir(model)).filter((name) => /\.(safetensors|json|bin|pt|pth)$/.test(name)).sort();
  return combined(names, await Promise.all(names.map((name) => hash(join(model, name)))));
}

/** Fields of the data spec with every path replaced by the hash of what it points at. */
async function dataIdentity(data: DataSpec, folder: string, hash: HashFile): Promise<unknown> {
  const fields = { ...data };
  delete fields.inputs;
  delete fields.labels;
  const files = await Promise.all(dataFiles(data, folder).map((file) => hashPath(file, hash)));
  return files.includes(null) ? null : { fields, files };
}

async function hashPath(path: string, hash: HashFile): Promise<string | null> {
  const facts = await stat(path).catch(() => null);
  if (!facts) return "absent";
  if (!facts.isDirectory()) return hash(path);
  // A folder of data: its listing with sizes and times stands for its content.
  const names = (await readdir(path)).sort();
  const stats = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => null)));
  return combined(names, stats.map((one) => `${one?.size} ${one?.mtimeMs}`));
}

function combined(names: string[], hashes: (string | null)[]): string | null {
  if (hashes.includes(null)) return null;
  const hash = createHash("sha256");
  names.forEach((name, i) => hash.update(`${name}\0${hashes[i]!}\0`));
  return hash.digest("hex");
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
