/** @file Ablation curves of a result, in `<key>.ablation.json` beside it: small, readable, and gone with the store folder. */

import { readFile, stat } from "node:fs/promises";
import { parseJsonObject } from "../../formats/bytes/boundedJson";
import { writeFileAtomically } from "../../formats/bytes/atomicFile";
import { FormatError } from "../../formats/modelFile";
import type { AblationCurve } from "../../protocol/ablation";

const format = "lib-lens-ablation";
const limits = { bytes: 32 << 20, curves: 20_000, points: 100_000, text: 1000 };

export const ablationFile = (result: string): string => `${result.replace(/\.libresult$/, "")}.ablation.json`;

/**
 * Curves that belong to a result; none when nothing was ablated, or when the file belongs to another key.
 * @throws FormatError for a damaged file.
 */
export async function readCurves(result: string, key: string): Promise<AblationCurve[]> {
  const file = ablationFile(result);
  const size = (await stat(file).catch(() => null))?.size;
  if (size === undefined) return [];
  const damaged = (what: string): FormatError => new FormatError(`${file} ${what}: delete it and ablate again.`);
  if (size > limits.bytes) throw damaged(`has ${size} bytes, more than ${limits.bytes}`);
  const root = parseJsonObject(await readFile(file), damaged);
  if (root["format"] !== format || root["version"] !== 1) throw damaged("is no ablation of this version of LIB Lens");
  if (root["key"] !== key) return [];
  const { curves } = root;
  if (!Array.isArray(curves) || curves.length > limits.curves || !curves.every(isCurve)) throw damaged("is damaged");
  return curves;
}

/** Adds curves; one of the same layer, basis and kind is replaced. A damaged file is written anew. */
export async function addCurves(result: string, key: string, added: readonly AblationCurve[]): Promise<void> {
  const known = await readCurves(result, key).catch(() => []);
  const kept = known.filter((old) => !added.some((one) => sameCurve(one, old)));
  const text = `${JSON.stringify({ format, version: 1, key, curves: [...kept, ...added] }, null, 1)}\n`;
  await writeFileAtomically(ablationFile(result), (append) => append(new TextEncoder().encode(text)));
}

const sameCurve = (a: AblationCurve, b: AblationCurve): boolean => a.what === b.what && a.basis === b.basis && a.layer === b.layer;

function isCurve(value: unknown): value is AblationCurve {
  if (typeof value !== "object" || value === null) return false;
  const { what, basis, layer, metric, base, tolerance, points, needed, total } = value as Record<string, unknown>;
  const count = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0;
  return ["nodes", "edges"].includes(what as string) && ["lib", "pca", "neuron"].includes(basis as string) && ["accuracy", "ce-loss"].includes(metric as string)
    && typeof layer === "string" && layer.length <= limits.text && Number.isFinite(base) && Number.isFinite(tolerance) && count(needed) && count(total)
    && Array.isArray(points) && points.length <= limits.points
    && points.every((point) => Array.isArray(point) && point.length === 2 && count(point[0]) && Number.isFinite(point[1]));
}
