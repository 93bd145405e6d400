/** @file Scores of a network on labelled data (method section 4.1). */

import type { Engine, Tensor } from "../../../engine/engine";
import type { BatchSource } from "../../network/batches";
import { runModules } from "../../network/network";
import type { Module } from "../../network/module";
import { NetworkError } from "../../network/networkError";
import type { SectionedNetwork } from "../../network/section";
import type { LayerActivations } from "../statistics/activationSource";

/** Fraction of correct answers (argmax of the output is the label), or mean cross entropy in nats. */
export type Metric = "accuracy" | "ce-loss";

export interface EvaluationData {
  readonly batches: BatchSource;
  /** One class per sample and output position, sample by sample; one per sample for a network that answers once. */
  readonly labels: Int32Array;
  readonly metric: Metric;
}

export interface EvaluationSignals {
  /** Throws when the run was cancelled; called between batches. */
  checkCancelled(): void;
  /** Fraction done of the task at hand. */
  progress(fraction: number): void;
}

/** Adds up the score of consecutive batches; every answer has the same weight. */
export class ScoreSum {
  #total = 0;
  #answers = 0;

  constructor(private readonly engine: Engine, private readonly data: EvaluationData) {}

  /**
   * @param output [B, T, classes] of the samples that follow those already added, or so many of their answers [n, 1, classes]
   * @param positions T, where `output` is answers
   * @throws NetworkError when there is not one label per answer, or a label is not a class
   */
  async add(output: Tensor, positions = output.shape[1]!): Promise<void> {
    const [rows, columns, classes] = output.shape as [number, number, number];
    const { labels, metric, batches } = this.data;
    if (labels.length !== batches.samples * positions) {
      throw new NetworkError(
        `The network gives ${positions} answers per sample for ${batches.samples} samples, but the evaluation data has ${labels.length} labels. `
        + 'Set "lastPositionOnly" in the spec, or give one label per answer.',
      );
    }
    const expected = labels.subarray(this.#answers, this.#answers + rows * columns);
    const outside = expected.findIndex((label) => label < 0 || label >= classes);
    if (outside >= 0) {
      throw new NetworkError(`Label ${expected[outside]} of answer ${this.#answers + outside} is not one of the ${classes} classes of the network (0 to ${classes - 1}). Check "evaluation" in the spec.`);
    }
    this.#total += metric === "accuracy"
      ? countEqual(await this.engine.argMax(output), expected)
      : crossEntropy(await this.engine.read(output), expected, classes);
    this.#answers += expected.length;
  }

  get value(): number {
    return this.#total / this.#answers;
  }
}

/** Score of what `run` makes of all batches, the output [B, T, classes] of each in turn. */
export async function scoreOf<B>(engine: Engine, data: EvaluationData, batches: readonly B[], run: (batch: B) => Tensor, signals: EvaluationSignals): Promise<number> {
  const sum = new ScoreSum(engine, data);
  for (const batch of batches) {
    signals.checkCancelled();
    const output = engine.tidy(() => run(batch));
    await sum.add(output);
    engine.dispose(output);
  }
  return sum.value;
}

function countEqual(answers: Int32Array, labels: Int32Array): number {
  let equal = 0;
  for (let at = 0; at < labels.length; at += 1) if (answers[at] === labels[at]) equal += 1;
  return equal;
}

/** Sum over answers of -log softmax(logits)[label]. */
function crossEntropy(logits: ArrayLike<number>, labels: Int32Array, classes: number): number {
  let total = 0;
  for (let answer = 0; answer < labels.length; answer += 1) {
    const start = answer * classes;
    let largest = -Infinity;
    for (let k = 0; k < classes; k += 1) largest = Math.max(largest, logits[start + k]);
    let sum = 0;
    for (let k = 0; k < classes; k += 1) sum += Math.exp(logits[start + k] - largest);
    total += largest + Math.log(sum) - logits[start + labels[answer]];
  }
  return total;
}

/** Whether a score is at most `tolerance` worse than the base score. */
export function isWithin(metric: Metric, score: number, base: number, tolerance: number): boolean {
  return metric === "accuracy" ? score >= base - tolerance : score <= base + tolerance;
}

/** Bytes of answers at a time: those of a whole text over a large vocabulary are many times its activations. */
const usualAnswers = 16e6;

/** Score of the network as it is. @param largestAnswers bytes of answers that are in memory together */
export async function baseScore(network: SectionedNetwork, data: EvaluationData, signals: EvaluationSignals, largestAnswers = usualAnswers): Promise<number> {
  const { engine } = network.network;
  const sum = new ScoreSum(engine, data);
  let done = 0;
  for (const batch of data.batches) {
    signals.checkCancelled();
    const { modules } = network.network;
    const before = engine.tidy(() => runModules(modules.slice(0, -1), batch.tensors));
    await addOutput(engine, sum, modules.at(-1)!, before, largestAnswers, signals);
    engine.dispose(...new Set([...before, ...batch.tensors]));
    done += batch.count;
    signals.progress(done / data.batches.samples);
  }
  return sum.value;
}

/** Adds what the last module makes of its inputs [B, T, width]; answers of a linear one come in parts where they are large. */
async function addOutput(engine: Engine, sum: ScoreSum, last: Module, inputs: readonly Tensor[], largestAnswers: number, signals: EvaluationSignals): Promise<void> {
  const [samples, positions] = inputs[0]!.shape as [number, number, number];
  const rows = samples * positions;
  const bytes = last.outputWidths[0]! * (engine.precision === "float64" ? 8 : 4);
  const together = last.structure.kind === "linear" ? Math.max(1, Math.floor(largestAnswers / bytes)) : rows;
  for (let start = 0; start < rows; start += together) {
    signals.checkCancelled();
    const count = Math.min(together, rows - start);
    const output = engine.tidy(() => last.forward(count === rows ? inputs : inputs.map((x) => {
      const width = x.shape[2]!;
      return engine.slice(engine.reshape(x, [rows, width]), [start, 0], [count, width]);
    }).map((part) => engine.reshape(part, [count, 1, part.shape[1]!]))).outputs[0]!);
    await sum.add(output, positions);
    if (!inputs.includes(output)) engine.dispose(output);
  }
}

/** The same from activations at the last node layer of the data that are scored. */
export async function baseScoreFrom(network: SectionedNetwork, last: LayerActivations, data: EvaluationData): Promise<number> {
  const { engine } = network.network;
  const sum = new ScoreSum(engine, data);
  await last.forEachBatch(async (x) => {
    const output = engine.tidy(() => network.post(x));
    await sum.add(output);
    if (output !== x) engine.dispose(output);
  });
  return sum.value;
}

/** Rest of the network: from the activations [B, S, d] of a node layer to the output [B, T, classes]. */
export function fromNodeLayer(network: SectionedNetwork, layer: number, x: Tensor): Tensor {
  return network.post(network.sections.slice(layer).reduce((current, section) => section.forward(current).output, x));
}
