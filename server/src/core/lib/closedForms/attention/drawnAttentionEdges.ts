/**
 * @file Edges from random signs over the output positions (method section 3.2) through attention with its skip connection. Summed with the
 * signs e_t before anything is squared, the attributions of attentionEdges.ts need no vector per output position: with a_j = row j of C_pinv
 *
 *   A[j,i] = (sum_t e_t f_tj) a_j skip C[:,i] + sum_h (what the features give through head h, drawnHead.ts) O_h C[:,i].
 */

import type { Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { rescale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import type { EdgesTask } from "../../plans/sectionPlan";
import type { EdgeDraws } from "../../sources/randomSources";
import { forEachChunk, samplesThatFit } from "../chunks";
import { signTensor } from "../drawnSigns";
import { toTensor } from "../matrices";
import { headsBetweenFeatures } from "./attentionHeads";
import { headPattern, headWeights, turnsOf } from "./attentionState";
import { signedFeatures, throughHead, turnedMultiplications, turnedValues, valuesTogether, type DrawnHeadSize } from "./drawnHead";

/** One draw for the samples of a chunk. */
interface Draw {
  /** e [B, T, 1] */
  readonly signs: Tensor;
  /** e_t f_tj [B, r, T] */
  readonly signed: Tensor;
  /** What every head gives, [B, r, f] */
  readonly through: Tensor[];
}

/** E [r', r]; for any integration rule, because attributions are linear in the Jacobian. */
export async function drawnAttentionEdges(task: EdgesTask, structure: AttentionSkip, draws: EdgeDraws): Promise<Matrix> {
  const { engine } = task.section;
  const { heads, skip } = headsBetweenFeatures(structure, task);
  const { weights, dispose } = headWeights(engine, heads);
  const outOf = toTensor(engine, stacked(heads.map(({ O }) => O)));
  const bypass = toTensor(engine, skip);
  const toFeatures = toTensor(engine, task.features.C);
  const sums = matrix(skip.rows, skip.cols);
  let [passed, inputs] = [0, 0];
  await task.activations.forEachBatch(async (batch) => {
    const [, positions] = batch.shape as [number, number, number];
    const outputs = structure.lastPositionOnly ? 1 : positions;
    const size: DrawnHeadSize = { positions, outputs, r: skip.rows, e: heads[0].Q.cols, f: heads[0].V.cols };
    const together = structure.rotary ? valuesTogether(engine, size, task.memoryBudget) : 0;
    const turns = engine.tidy(() => turnsOf(engine, structure, positions, outputs));
    const turning = turns && { ...turns, valuesTogether: together };
    const work = workPerSample(structure, size, together, skip.cols);
    await forEachChunk(engine, batch, work.values, task.memoryBudget, async (x) => {
      const samples = x.shape[0];
      const z = engine.matMul(x, toFeatures);
      const features = engine.transpose(z, [0, 2, 1]);
      // A head's state serves as many draws as fit beside it.
      const most = Math.max(1, Math.floor(samplesThatFit(engine, samples * work.valuesOfDraw, task.memoryBudget)));
      for (let first = 0; first < draws.count; first += most) {
        const drawn = Array.from({ length: Math.min(most, draws.count - first) }, (_, index): Draw => {
          const places = { firstSample: passed, samples, positions: outputs, first: 0, count: outputs };
          const signs = signTensor(engine, draws, first + index, places);
          return { signs, signed: engine.tidy(() => signedFeatures(engine, features, signs)), through: [] };
        });
        for (const head of weights) {
          let totals: Tensor[] | null = null;
          for (const { alpha, weight } of task.points) {
            task.checkCancelled();
            const before: Tensor[] | null = totals;
            totals = engine.tidy(() => {
              const state = headPattern(engine, structure, head, alpha === 1 ? z : engine.affine(z, alpha), outputs, turns);
              const entering = { rows: head, z: features, signed: drawn.map(({ signed }) => signed) };
              return throughHead(engine, structure.scale, state, turning, drawn.map(({ signs }) => signs), [entering], () => task.checkCancelled()).map((through, index) => {
                const term = engine.affine(through, weight);
                return before ? engine.add(before[index], term) : term;
              });
            });
            engine.dispose(...(before ?? []));
          }
          drawn.forEach(({ through }, index) => through.push(totals![index]));
        }
        for (const { signs, signed, through } of drawn) {
          task.checkCancelled();
          const squares = engine.tidy(() => {
            const beside = engine.mul(engine.sum(signed, [2], true), bypass);
            return engine.sumOfSquares(engine.add(engine.matMul(engine.concat(through, 2), outOf), beside), [0]);
          });
          await engine.addTo(sums.data, squares);
          engine.dispose(squares, signs, signed, ...through);
        }
      }
      engine.dispose(z, features);
      passed += samples;
      inputs += samples * positions;
    }, work.multiplications);
    engine.dispose(...new Set((turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[])));
  }, task.progress);
  dispose();
  engine.dispose(outOf, bypass, toFeatures);
  return transpose(rescale(sums, 1 / (inputs * draws.count)));
}

/** Per sample. */
interface Work {
  /** Numbers that one head's temporaries take, with one draw. */
  readonly values: number;
  /** Numbers that a further draw takes. */
  readonly valuesOfDraw: number;
  /** Of the longest step between two checks. */
  readonly multiplications: number;
}

/** @param together values of a head with rotary positions, else 0 @param next features of the output */
function workPerSample({ heads }: AttentionSkip, size: DrawnHeadSize, together: number, next: number): Work {
  const { positions, outputs, r, e, f } = size;
  const state = 2 * positions * outputs + 2 * outputs * e + positions * (e + f) + outputs * f + r * outputs;
  const valuesOfDraw = r * (outputs + 2 * heads.length * f);
  return {
    values: state + 4 * r * (positions + outputs) + r * (2 * positions + 3 * next) + valuesOfDraw + turnedValues(size, together),
    valuesOfDraw,
    multiplications: Math.max(
      r * Math.max(heads.length * f * next, (positions + outputs) * (2 * e + f) + 2 * positions * outputs), turnedMultiplications(size, together),
    ),
  };
}
