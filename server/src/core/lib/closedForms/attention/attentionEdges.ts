/**
 * @file Squared edges through attention with its skip connection, exact and without a backward pass (method section 3.6).
 *
 * Per output position t, with a_j = row j of C_pinv and L_h = c O_h C:
 *   A_t[j,i] = f_tj a_j skip C[:,i] + sum_h b_htj L_h[:,i],
 *   b_htj = (a_j K_h q_t) psi_tj + f_tj a_j Q_h B_t + phi_tj a_j V_h / c               [f]
 *   phi_tj = sum_s p_ts f_sj,   psi_tj = sum_s f_sj p_ts (v_s - o_t)
 * where queries, keys, values and patterns come from the projected input f C_pinv. With rotary positions q_t depends on s inside psi.
 *
 * psi is one product of the weighted offsets of the values with the features; the b of all heads meet the stacked L_h in one product. Every
 * feature stands alone in these sums, so some features at a time are taken, enough to fill the products. What belongs to an output and a
 * feature has both behind everything else, so that products give it where it is needed and nothing is moved.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { slice, transpose } from "../../../linalg/arrange";
import { scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import { rotate } from "../../../network/rotary";
import type { EdgesTask } from "../../plans/sectionPlan";
import { longestChunk } from "../chunks";
import { toTensor } from "../matrices";
import { headsBetweenFeatures } from "./attentionHeads";
import { forEachBlock, headPattern, headStateMultiplications, headWeights, turnsOf, type HeadPattern, type HeadWeights, type Turns } from "./attentionState";

/** Features whose attributions are formed together, at most. */
const mostFeatures = 64;

/** Rows of weights that belong to some consecutive features j of the input, k of them. */
interface FeatureBlock {
  readonly first: number;
  readonly count: number;
  /** a_j Q_h and a_j K_h per head [k, e] */
  readonly queries: readonly Tensor[];
  readonly keys: readonly Tensor[];
  /** a_j V_h / c per head [f, 1, k] */
  readonly values: readonly Tensor[];
  /** a_j skip C [r', 1, k] */
  readonly bypass: Tensor;
  /** Squares of attributions, summed [r', k]. */
  readonly sums: Float64Array;
}

/** A head at one point of the integration. */
interface Head {
  /** What turned keys need; null without rotary positions. */
  readonly turning: Pick<HeadPattern, "turned" | "values" | "mixed"> | null;
  /** q_t [n, e] */
  readonly queries: Tensor;
  /** p_ts [B, T, S] */
  readonly pattern: Tensor;
  /** p_ts (v_s - o_t) [B, f T, S]; null where keys turn. */
  readonly offsets: Tensor | null;
  /** B_t [f n, e] */
  readonly covariance: Tensor;
}

/** E [r', r]; for any integration rule, because attributions are linear in the Jacobian. */
export async function attentionEdges(task: EdgesTask, structure: AttentionSkip): Promise<Matrix> {
  const { engine } = task.section;
  const { heads: folded, skip: bypass } = headsBetweenFeatures(structure, task);
  const { weights, dispose } = headWeights(engine, folded);
  const outOf = toTensor(engine, transpose(scale(stacked(folded.map(({ O }) => O)), structure.scale)));
  const weightSum = task.points.reduce((sum, { weight }) => sum + weight, 0);
  const perFeature = (positions: number, outputs: number): number => multiplicationsPerFeature(structure, task.points.length, positions, outputs, bypass.cols);
  const { positions } = task.activations;
  const most = Math.min(mostFeatures, bypass.rows);
  // Outputs that a causal pattern does not cut into blocks leave fewer features for one step.
  const together = structure.causal ? most : Math.max(1, Math.min(most, Math.floor(longestChunk(engine) / perFeature(positions, structure.lastPositionOnly ? 1 : positions))));
  const blocks = featureBlocks(engine, folded, structure.scale, scale(bypass, weightSum), together);
  const toFeatures = toTensor(engine, task.features.C);
  let inputs = 0;
  const size = (read: number, outputs: number): number => valuesPerSample(structure, task.points.length, read, outputs, bypass, together);
  const longest = (read: number, outputs: number): number => Math.max(headStateMultiplications(structure, read, outputs), together * perFeature(read, outputs));
  await task.activations.forEachBatch(async (batch) => {
    await forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, outputs) => {
      task.checkCancelled();
      const features = engine.matMul(x, toFeatures);
      const turns = engine.tidy(() => turnsOf(engine, structure, x.shape[1], outputs));
      const points = task.points.map(({ alpha, weight }) => ({
        weight,
        heads: weights.map((head) => {
          task.checkCancelled();
          return engine.tidy(() => headOfEdges(engine, structure, head, alpha === 1 ? features : engine.affine(features, alpha), outputs, turns));
        }),
      }));
      for (const block of blocks) {
        task.checkCancelled();
        const squares = engine.tidy(() => squaresOf(engine, block, outOf, features, outputs, points, turns));
        await engine.addTo(block.sums, squares);
        engine.dispose(squares);
      }
      const held = points.flatMap(({ heads }) => heads.flatMap(({ turning, queries, pattern, offsets, covariance }) => [
        queries, pattern, covariance, ...(offsets ? [offsets] : []), ...(turning ? Object.values(turning) : []),
      ]));
      engine.dispose(features, ...new Set(held), ...(turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[]));
    }, longest);
    inputs += batch.shape[0] * batch.shape[1];
  }, task.progress);
  dispose();
  engine.dispose(outOf, toFeatures, ...blocks.flatMap(({ queries, keys, values, bypass: skipped }) => [...queries, ...keys, ...values, skipped]));
  const edges = matrix(bypass.cols, bypass.rows);
  for (const { first, count, sums } of blocks) {
    for (let i = 0; i < edges.rows; i += 1) for (let j = 0; j < count; j += 1) edges.data[i * edges.cols + first + j] = sums[i * count + j] / inputs;
  }
  return edges;
}

/**
 * @param heads weights seen from the features, and to those of the output @param c scale of the scores
 * @param bypass C_pinv skip C [r, r'], integrated @param together features of one block
 */
function featureBlocks(engine: Engine, heads: readonly Record<"Q" | "K" | "V", Matrix>[], c: number, bypass: Matrix, together: number): FeatureBlock[] {
  const blocks: FeatureBlock[] = [];
  for (let first = 0; first < bypass.rows; first += together) {
    const count = Math.min(together, bypass.rows - first);
    const part = (a: Matrix): Matrix => slice(a, first, first + count);
    const asColumns = (a: Matrix): Tensor => engine.tensor(transpose(part(a)).data, [a.cols, 1, count]);
    blocks.push({
      first, count,
      queries: heads.map(({ Q }) => toTensor(engine, part(Q))),
      keys: heads.map(({ K }) => toTensor(engine, part(K))),
      values: heads.map(({ V }) => asColumns(scale(V, 1 / c))),
      bypass: asColumns(bypass),
      sums: new Float64Array(bypass.cols * count),
    });
  }
  return blocks;
}

/** @param x [B, S, width of the weights' rows], the outputs are its last positions; call inside `tidy`. */
function headOfEdges(engine: Engine, structure: AttentionSkip, weights: HeadWeights, x: Tensor, outputs: number, turns: Turns | null): Head {
  const { queries, turned, keys, values, pattern, mixed } = headPattern(engine, structure, weights, x, outputs, turns);
  const [samples, positions, f] = values.shape as [number, number, number];
  const e = keys.shape[2];
  const n = samples * outputs;
  const valuesFirst = engine.reshape(engine.transpose(values, [0, 2, 1]), [samples, f, 1, positions]);
  const mixedFirst = engine.reshape(engine.transpose(mixed, [0, 2, 1]), [samples, f, outputs, 1]);
  const weighted = engine.mul(engine.sub(valuesFirst, mixedFirst), engine.reshape(pattern, [samples, 1, outputs, positions]));
  const offsets = engine.reshape(weighted, [samples, f * outputs, positions]);
  const products = engine.reshape(engine.matMul(offsets, keys), [samples, f, outputs, e]);
  const covariance = inFront(engine, turns ? rotate(engine, turns.outputs, products, true) : products);
  return {
    turning: turns ? { turned, values, mixed: engine.reshape(mixed, [n, f]) } : null,
    queries: engine.reshape(queries, [n, e]),
    pattern,
    offsets: turns ? null : offsets,
    covariance: engine.reshape(covariance, [f * n, e]),
  };
}

/** [B, f, T, k] -> [f, n, k]; call inside `tidy`. */
function inFront(engine: Engine, x: Tensor): Tensor {
  const [samples, f, outputs, k] = x.shape as [number, number, number, number];
  return engine.reshape(samples === 1 ? x : engine.transpose(x, [1, 0, 2, 3]), [f, samples * outputs, k]);
}

/**
 * A^2 of the block's features, summed over the n outputs of all samples: [r', k]. Call inside `tidy`.
 * @param outOf (c O_h C)^T of all heads side by side, [r', heads f] @param features f [B, S, r]
 */
function squaresOf(
  engine: Engine, block: FeatureBlock, outOf: Tensor, features: Tensor, outputs: number, points: readonly { weight: number; heads: readonly Head[] }[], turns: Turns | null,
): Tensor {
  const { first, count } = block;
  const [samples, positions] = features.shape as [number, number];
  const n = samples * outputs;
  const z = engine.slice(features, [0, 0, first], [samples, positions, count]);
  const own = engine.reshape(engine.slice(z, [0, positions - outputs, 0], [samples, outputs, count]), [1, n, count]);
  const through = points.map(({ weight, heads }) => engine.tidy(() => {
    const all = engine.concat(heads.map((head, h) => engine.tidy(() => throughHead(engine, block, h, head, z, own, turns))), 0);
    return weight === 1 ? all : engine.affine(all, weight);
  })).reduce((sum, term) => engine.add(sum, term));
  const attended = engine.matMul(outOf, engine.reshape(through, [outOf.shape[1], n * count]));
  return engine.sumOfSquares(engine.addProduct(engine.reshape(attended, [outOf.shape[0], n, count]), block.bypass, own), [1]);
}

/** b of one head [f, n, k]. @param z f of the block's features [B, S, k] @param own those of the outputs [1, n, k] */
function throughHead(engine: Engine, block: FeatureBlock, h: number, head: Head, z: Tensor, own: Tensor, turns: Turns | null): Tensor {
  const { turning, queries, pattern, offsets, covariance } = head;
  const [samples, outputs] = pattern.shape as [number, number, number];
  const [n, k, f] = [own.shape[1], block.count, covariance.shape[0] / own.shape[1]];
  const byKeys = (): Tensor => {
    const psi = inFront(engine, engine.reshape(engine.matMul(offsets!, z), [samples, f, outputs, k]));
    return engine.mul(psi, engine.reshape(engine.matMul(queries, block.keys[h], { transposeB: true }), [1, n, k]));
  };
  const byTurnedKeys = (): Tensor => {
    const rows = throughTurnedKeys(engine, { ...turning!, pattern }, block.keys[h], engine.transpose(z, [0, 2, 1]), turns!);
    return engine.transpose(rows, [2, 0, 1]);
  };
  const queryRows = engine.reshape(engine.matMul(covariance, block.queries[h], { transposeB: true }), [f, n, k]);
  const withQueries = engine.addProduct(turning ? byTurnedKeys() : byKeys(), queryRows, own);
  return engine.addProduct(withQueries, block.values[h], engine.reshape(engine.matMul(pattern, z), [1, n, k]));
}

/**
 * sum_s p_ts f_sj (a_j K q_ts) (v_s - o_t) [n, k, f], q_ts the query of output t turned back to position s.
 * @param K rows a_j K [k, e] @param z features [B, k, S]
 */
export function throughTurnedKeys(
  engine: Engine, { turned, pattern, values, mixed }: Pick<HeadPattern, "turned" | "pattern" | "values" | "mixed">, K: Tensor, z: Tensor, { inputs }: Turns,
): Tensor {
  const [samples, count, positions] = z.shape as [number, number, number];
  const outputs = pattern.shape[1];
  const [n, f] = mixed.shape as [number, number];
  const e = K.shape[1];
  const table = (x: Tensor): Tensor => engine.reshape(x, [positions, 1, e]);
  const rotations = { cosines: table(inputs.cosines), sines: table(inputs.sines), swap: inputs.swap };
  const turnedKeys = engine.transpose(rotate(engine, rotations, engine.reshape(K, [1, count, e])), [1, 0, 2]);
  const byKey = engine.matMul(engine.reshape(turned, [samples, outputs, e]), engine.reshape(turnedKeys, [count * positions, e]), { transposeB: true });
  const weights = engine.mul(
    engine.mul(engine.reshape(byKey, [samples, outputs, count, positions]), engine.reshape(z, [samples, 1, count, positions])),
    engine.reshape(pattern, [samples, outputs, 1, positions]),
  );
  const along = engine.reshape(engine.matMul(engine.reshape(weights, [samples, outputs * count, positions]), values), [n, count, f]);
  const total = engine.reshape(engine.sum(weights, [3]), [n, count, 1]);
  return engine.sub(along, engine.mul(total, engine.reshape(mixed, [n, 1, f])));
}

/** Multiplications of the attributions of one feature per sample. @param next features of the output */
function multiplicationsPerFeature({ heads, rotary }: AttentionSkip, points: number, positions: number, outputs: number, next: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  const toHead = e * f + e + positions + (rotary ? (e + f + 1) * positions : f * positions);
  return outputs * (heads.length * (points * toHead + f * next) + next);
}

/** Numbers that the temporaries of one sample take; `edges` [r, r']. */
function valuesPerSample({ heads, rotary }: AttentionSkip, points: number, positions: number, outputs: number, edges: Matrix, together: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  const held = outputs * (positions + e * f + e) + (rotary ? outputs * (e + f) + positions * f : outputs * positions * f);
  const making = outputs * (2 * positions * f + (rotary ? 4 : 1) * e * f + 4 * positions + 2 * (e + f)) + 3 * positions * (e + f);
  const perHead = outputs * (5 * f + (rotary ? 3 * positions : 0));
  const width = heads.length * f;
  const perFeature = Math.max((points + 1) * outputs * width + perHead, outputs * (width + 2 * edges.cols)) + positions;
  return points * heads.length * held + positions * edges.rows + Math.max(making, together * perFeature);
}
