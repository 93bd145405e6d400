/**
 * @file The features of the next layer when every one of them reads only the features that an edge mask leaves it (method section 4.3,
 * step 2). Neighbouring probes of a bisection share most rows of their masks, so rows are computed once and remembered.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { hadamard } from "../../linalg/elementary";
import { transpose } from "../../linalg/arrange";
import { matrix, type Matrix } from "../../linalg/matrix";
import { groupRows, type EdgeMask, type MaskGroup } from "./edgeMask";
import type { FeatureSection } from "./featureSection";
import type { FeatureBatch } from "./layerFeatures";

/** Bytes of remembered rows; above it those that the last probe did not use are forgotten. */
const largestCache = 256 * 2 ** 20;

export class MaskedFeatures {
  /** Per batch: input features and output feature -> activations of the output feature [1, T B]. */
  readonly #rows: Map<string, Tensor>[];
  #used = new Set<string>();
  #bytes = 0;

  constructor(private readonly engine: Engine, private readonly section: FeatureSection, private readonly batches: readonly FeatureBatch[]) {
    this.#rows = batches.map(() => new Map());
  }

  /** Features of the next layer [r', T B] for one batch; the caller disposes them. */
  assemble(place: number, mask: EdgeMask): Tensor {
    const { linear } = this.section;
    if (linear) return this.#linear(this.batches[place], mask, linear);
    const groups = groupRows(mask);
    for (const group of groups) this.#compute(place, group);
    const rows: Tensor[] = [];
    for (const { inputs, outputs } of groups) {
      for (const output of outputs) rows[output] = this.#rows[place].get(keyOf(inputs, output))!;
    }
    return this.engine.concat(rows, 0);
  }

  /** Forgets what the probe did not use when there is too much; call after each probe. */
  endProbe(): void {
    if (this.#bytes > largestCache) this.#forget((key) => !this.#used.has(key));
    this.#used = new Set();
  }

  dispose(): void {
    this.#forget(() => true);
  }

  /** A linear section needs no groups: masked entries of its matrix are zero. */
  #linear({ features }: FeatureBatch, mask: EdgeMask, weights: Matrix): Tensor {
    const kept = transpose(matrix(mask.rows, mask.cols, Float64Array.from(mask.data)));
    const masked = hadamard(weights, kept);
    return this.engine.tidy(() => (
      this.engine.matMul(this.engine.tensor(masked.data, [masked.rows, masked.cols]), features, { transposeA: true })
    ));
  }

  #compute(place: number, { inputs, outputs }: MaskGroup): void {
    const { engine } = this;
    const rows = this.#rows[place];
    for (const output of outputs) this.#used.add(keyOf(inputs, output));
    const missing = outputs.filter((output) => !rows.has(keyOf(inputs, output)));
    if (missing.length === 0) return;
    const computed = engine.tidy(() => {
      const values = engine.transpose(this.section.apply(this.batches[place], inputs, missing), [1, 0]);
      return missing.map((_, index) => engine.slice(values, [index, 0], [1, values.shape[1]]));
    });
    missing.forEach((output, index) => {
      rows.set(keyOf(inputs, output), computed[index]);
      this.#bytes += computed[index].size * (engine.precision === "float64" ? 8 : 4);
    });
  }

  #forget(isForgotten: (key: string) => boolean): void {
    for (const rows of this.#rows) {
      for (const [key, tensor] of rows) {
        if (!isForgotten(key)) continue;
        this.#bytes -= tensor.size * (this.engine.precision === "float64" ? 8 : 4);
        this.engine.dispose(tensor);
        rows.delete(key);
      }
    }
  }
}

const keyOf = (inputs: readonly number[], output: number): string => `${output}<${inputs.join(",")}`;
