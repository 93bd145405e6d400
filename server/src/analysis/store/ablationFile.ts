/** @file Ablations of a result, in `<key>.ablation.json` beside it: curves and whole answers, small, readable, and gone with the store folder. */

import { readFile, stat } from "node:fs/promises";
import { parseJsonObject } from "../../formats/bytes/boundedJson";
import { writeFileAtomically } from "../../formats/bytes/atomicFile";
import { FormatError } from "../../formats/modelFile";
import type { AblationCurve, AblationTarget } from "../../protocol/ablation";
import type { AblateEdgesAnswer, AblateNodesAnswer } from "../worker/messages";

const format = "lib-lens-ablation";
const limits = { bytes: 32 << 20, curves: 20_000, answers: 200, points: 100_000, text: 1000, question: 100_000 };

export const ablationFile = (result: string): string => `${result.replace(/\.libresult$/, "")}.ablation.json`;

export interface AblationAnswers { nodes: AblateNodesAnswer; edges: AblateEdgesAnswer }

/** @param question the options of the ablation, as text */
export interface StoredAnswer { what: AblationTarget; question: string; answer: AblateNodesAnswer | AblateEdgesAnswer }

export interface StoredAblation { curves: AblationCurve[]; answers: StoredAnswer[] }

/**
 * What belongs to a result; nothing when nothing was ablated, or when the file belongs to another key.
 * @throws FormatError for a damaged file.
 */
export async function readAblation(result: string, key: string): Promise<StoredAblation> {
  const file = ablationFile(result);
  const size = (await stat(file).catch(() => null))?.size;
  if (size === undefined) return { curves: [], answers: [] };
  const damaged = (what: string): FormatError => new FormatError(`${file} ${what}: delete it and ablate again.`);
  if (size > limits.bytes) throw damaged(`has ${size} bytes, more than ${limits.bytes}`);
  const root = parseJsonObject(await readFile(file), damaged);
  if (root["format"] !== format || root["version"] !== 1) throw damaged("is no ablation of this version of LIB Lens");
  if (root["key"] !== key) return { curves: [], answers: [] };
  const { curves, answers = [] } = root;
  if (!Array.isArray(curves) || curves.length > limits.curves || !curves.every(isCurve)) throw damaged("is damaged");
  if (!Array.isArray(answers) || answers.length > limits.answers || !answers.every(isAnswer)) throw damaged("is damaged");
  return { curves, answers };
}

/** Adds curves; one of the same layer, basis and kind is replaced. A damaged file is written anew. */
export function addCurves(result: string, key: string, added: readonly AblationCurve[]): Promise<void> {
  return change(result, key, ({ curves, answers }) => ({ curves: [...curves.filter((old) => !added.some((one) => sameCurve(one, old))), ...added], answers }));
}

/** Adds an answer in the place of one to the same question; the oldest go when there are many. One with a number that JSON has no word for is not kept. */
export async function addAnswer(result: string, key: string, added: StoredAnswer): Promise<void> {
  if (!isAnswer(added)) return;
  await change(result, key, ({ curves, answers }) => (
    { curves, answers: [...answers.filter(({ what, question }) => what !== added.what || question !== added.question), added].slice(-limits.answers) }
  ));
}

async function change(result: string, key: string, to: (known: StoredAblation) => StoredAblation): Promise<void> {
  const known = await readAblation(result, key).catch(() => ({ curves: [], answers: [] }));
  const text = `${JSON.stringify({ format, version: 1, key, ...to(known) }, null, 1)}\n`;
  await writeFileAtomically(ablationFile(result), (append) => append(new TextEncoder().encode(text)));
}

const sameCurve = (a: AblationCurve, b: AblationCurve): boolean => a.what === b.what && a.basis === b.basis && a.layer === b.layer;

const count = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0;
const isMetric = (one: unknown): boolean => one === "accuracy" || one === "ce-loss";
const isPoints = (points: unknown): boolean => Array.isArray(points) && points.length <= limits.points
  && points.every((point) => Array.isArray(point) && point.length === 2 && count(point[0]) && Number.isFinite(point[1]));

function isCurve(value: unknown): value is AblationCurve {
  if (typeof value !== "object" || value === null) return false;
  const { what, basis, layer, metric, base, tolerance, points, needed, total } = value as Record<string, unknown>;
  return ["nodes", "edges"].includes(what as string) && ["lib", "pca", "neuron"].includes(basis as string) && isMetric(metric)
    && typeof layer === "string" && layer.length <= limits.text && Number.isFinite(base) && Number.isFinite(tolerance) && count(needed) && count(total)
    && isPoints(points);
}

function isAnswer(value: unknown): value is StoredAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { what, question, answer } = value as Record<string, unknown>;
  if (typeof question !== "string" || question.length > limits.question || typeof answer !== "object" || answer === null) return false;
  const { metric, tolerance, base, ...byLayer } = answer as Record<string, unknown>;
  if (!isMetric(metric) || !Number.isFinite(tolerance) || !Number.isFinite(base)) return false;
  const each = (name: string, holds: (one: unknown) => boolean): boolean => {
    const record = byLayer[name];
    return typeof record === "object" && record !== null && !Array.isArray(record)
      && Object.entries(record).every(([layer, one]) => layer.length <= limits.text && holds(one));
  };
  return what === "nodes"
    ? each("curves", isPoints) && each("needed", count)
    : what === "edges" && each("probes", isPoints) && each("required", count) && each("total", count) && each("weakest", Number.isFinite);
}
