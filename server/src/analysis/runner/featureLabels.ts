/** @file Labels of the features of a stored result: what they respond to in the data (method sections 4.6, 4.8). */

import { formatFourierLabels, fourierLabels } from "../../core/lib/labels/fourier";
import { describeProfile, fewestMembers, ProfileSums, type GroupProfile } from "../../core/lib/labels/groupProfile";
import { ActivationSource } from "../../core/lib/statistics/activationSource";
import type { Matrix } from "../../core/linalg/matrix";
import type { DataSet } from "../../formats/dataSet";
import { InputError } from "../errors";
import { usualLabelKind } from "../labelKind";
import type { GroupMean, LabelKind, LabelledLayer, LabelsAnswer } from "../../protocol/labels";
import type { LabelsRequest } from "../worker/messages";
import { signalsFor, type Context } from "./ablationCurves";
import type { AblationSession } from "./ablationSession";

/** @throws InputError for a kind of label that the data cannot give. */
export async function featureLabels(session: AblationSession, request: LabelsRequest, context: Context): Promise<LabelsAnswer> {
  const { spec } = session.metadata;
  const kind = request.labels === "auto" ? usualLabelKind(session.metadata) : request.labels;
  const rotated = session.network.nodeLayers.filter(({ index }) => session.rotated(index, request.basis));
  if (rotated.length === 0) throw new InputError(`The result holds no ${request.basis} basis to label: analyse with "basis.formula": "jacobian".`);
  const signals = signalsFor(request.run, rotated.length, context);
  const data = kind === "fourier" ? { ...spec.data, split: "all" as const } : spec.data;
  if (kind === "fourier" && (data.kind !== "modular-addition" || data.limit !== undefined)) {
    throw new InputError('Fourier labels are for data of kind "modular-addition" without a limit: choose --kind class, position or token.');
  }
  const { samples, batches } = await session.samples(data);
  const source = new ActivationSource(session.network, batches, 0, () => context.checkCancelled());
  const layers: LabelledLayer[] = [];
  for (const [place, { index, name }] of rotated.entries()) {
    const { C } = (await session.ordered(index, request.basis))!;
    const { progress } = signals(place, name);
    const values = (each: EachBatch): Promise<void> => forEachFeatureBatch(session, source, index, C, each, progress);
    layers.push(kind === "fourier" ? await fourierLayer(name, C.cols, data.modulus!, values, context) : await profileLayer(name, C.cols, kind, samples, values));
  }
  return { kind, layers };
}

/** @param values [samples, positions, features] */
type EachBatch = (values: ArrayLike<number>, samples: number, positions: number) => void;

async function forEachFeatureBatch(session: AblationSession, source: ActivationSource, layer: number, C: Matrix, each: EachBatch, progress: (fraction: number) => void): Promise<void> {
  const { engine } = session.network.network;
  const weights = engine.tensor(C.data, [C.rows, C.cols]);
  await source.at(layer).forEachBatch(async (x) => {
    const features = engine.tidy(() => engine.matMul(engine.reshape(x, [x.shape[0] * x.shape[1], x.shape[2]]), weights));
    each(await engine.read(features), x.shape[0], x.shape[1]);
    engine.dispose(features);
  }, progress);
  engine.dispose(weights);
}

/** At a layer of several positions a feature counts as its sum over them. */
async function fourierLayer(name: string, features: number, modulus: number, values: (each: EachBatch) => Promise<void>, context: Context): Promise<LabelledLayer> {
  const summed = Array.from({ length: features }, () => new Float64Array(modulus * modulus));
  let done = 0;
  await values((batch, samples, positions) => {
    for (let row = 0; row < samples * positions; row += 1) {
      const input = done + Math.floor(row / positions);
      for (let feature = 0; feature < features; feature += 1) summed[feature]![input]! += batch[row * features + feature]!;
    }
    done += samples;
  });
  const terms = summed.map((activation) => {
    context.checkCancelled();
    return fourierLabels(activation, modulus);
  });
  return { name, labels: terms.map(formatFourierLabels), explained: terms.map(([first]) => first?.fraction ?? 0) };
}

async function profileLayer(name: string, features: number, kind: Exclude<LabelKind, "fourier">, samples: DataSet, values: (each: EachBatch) => Promise<void>): Promise<LabelledLayer> {
  const sums = new ProfileSums(features);
  let done = 0;
  await values((batch, count, positions) => {
    sums.add(batch, groupsOf(kind, samples, done, count, positions));
    done += count;
  });
  const profile = sums.finish();
  return {
    name,
    labels: Array.from({ length: features }, (_, feature) => describeProfile(profile, feature, kind, (group) => nameOf(group, kind, samples) ?? String(group))),
    explained: [...profile.explained],
    profile: shown(profile, kind, samples),
  };
}

/** The group of every row of a batch. @throws InputError when the data has no such grouping at this layer. */
function groupsOf(kind: Exclude<LabelKind, "fourier">, { inputs, labels }: DataSet, first: number, count: number, positions: number): Int32Array {
  const rows = count * positions;
  if (kind === "position") {
    if (inputs.kind !== "tokens") throw new InputError("Vectors have no positions: choose --kind class.");
    return Int32Array.from({ length: rows }, (_, row) => row % positions);
  }
  if (kind === "token") {
    if (inputs.kind !== "tokens") throw new InputError("Vectors have no tokens: choose --kind class.");
    // A layer of fewer positions keeps the last ones.
    const skipped = inputs.positions - positions;
    return Int32Array.from({ length: rows }, (_, row) => inputs.values[(first + Math.floor(row / positions)) * inputs.positions + skipped + (row % positions)]!);
  }
  if (!labels) throw new InputError(`Class labels need labelled data: name labels in "data" of the spec${inputs.kind === "tokens" ? ", or choose --kind position or token" : ""}.`);
  const perSample = labels.length / inputs.count;
  return Int32Array.from({ length: rows }, (_, row) => {
    const sample = first + Math.floor(row / positions);
    return labels[perSample === positions ? sample * positions + (row % positions) : sample * perSample + perSample - 1]!;
  });
}

/** A token between quotation marks, so that its spaces show; null where only its number is known. */
function nameOf(group: number, kind: LabelKind, { tokenText }: DataSet): string | null {
  return kind === "token" && tokenText ? JSON.stringify(tokenText(group)).replaceAll("|", "\\u007c") : null;
}

/** Tokens shown per feature. */
const shownTokens = 10;

/** Of classes and positions everything; of tokens, which are many, those where a feature is furthest from its mean. */
function shown(profile: GroupProfile, kind: LabelKind, samples: DataSet): GroupMean[][] {
  return profile.means.map((means, feature) => {
    const all = profile.groups.map((group, k): GroupMean => ({ group, count: profile.counts[k]!, mean: means[k]!, deviation: profile.deviations[feature]![k]! }));
    if (kind !== "token") return all;
    const distance = ({ mean }: GroupMean): number => Math.abs(mean - profile.mean[feature]!);
    const furthest = all.filter(({ count }) => count >= fewestMembers).sort((a, b) => distance(b) - distance(a) || a.group - b.group).slice(0, shownTokens);
    return furthest.map((one) => {
      const text = nameOf(one.group, kind, samples);
      return text === null ? one : { ...one, text };
    });
  });
}
