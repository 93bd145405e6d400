/** @file Activations at node layers, batch by batch, as often as the method passes over the data. */

import type { Engine, Tensor } from "../../../engine/engine";
import type { BatchSource } from "../../network/batches";
import type { ByteVectors } from "../../network/network";
import type { SectionedNetwork } from "../../network/section";

/** Activations of one node layer over the whole data set, always in the same batches and order. */
export interface LayerActivations {
  /** N */
  readonly samples: number;
  /** Positions of one sample where it enters the network. */
  readonly positions: number;
  /**
   * Calls `body` for every batch x [B, S, d], frees x afterwards and checks for cancellation between batches.
   * @param onProgress fraction of the samples done, after each batch
   */
  forEachBatch(body: (x: Tensor) => Promise<void>, onProgress?: (fraction: number) => void): Promise<void>;
}

/**
 * Runs the network from the data, or from the nearest earlier node layer whose activations are kept from an earlier pass. Layers are
 * kept, the last first (they save the longest way), while they fit the memory budget.
 */
export class ActivationSource {
  readonly #engine: Engine;
  readonly #kept = new Map<number, Tensor[]>();

  constructor(
    private readonly network: SectionedNetwork,
    private readonly batches: BatchSource,
    private readonly memoryBudget: number,
    private readonly checkCancelled: () => void,
  ) {
    this.#engine = network.network.engine;
  }

  /** N */
  get samples(): number {
    return this.batches.samples;
  }

  /**
   * One pass over the data that shows every batch at all node layers 0 to `last` together.
   * @param keep store the activations that fit the budget for later passes; only the first such pass does
   */
  async forEachBatch(
    last: number, body: (layers: readonly Tensor[]) => Promise<void>, options: { keep?: boolean; onProgress?: (fraction: number) => void } = {},
  ): Promise<void> {
    let done = 0;
    let index = 0;
    let chosen: ReadonlySet<number> = new Set();
    const keeps = options.keep === true && this.#kept.size === 0;
    for (const first of this.#firstLayers()) {
      this.checkCancelled();
      const before = new Set(this.#kept.keys());
      const layers = this.#engine.tidy(() => this.#layersOf(first, index, last));
      await body(layers);
      if (keeps && index === 0) chosen = this.#layersToKeep(layers);
      layers.forEach((x, layer) => {
        if (chosen.has(layer)) this.#keep(layer, x);
        else if (!before.has(layer)) this.#engine.dispose(x);
      });
      index += 1;
      done += first.shape[0];
      options.onProgress?.(done / this.batches.samples);
    }
  }

  /** As `at`, where the activations of the layer itself are kept; null else. */
  kept(layer: number): LayerActivations | null {
    return this.#kept.has(layer) ? this.at(layer) : null;
  }

  /** The activations of a layer as they lie in memory, where they are vectors of bytes with the constant 1 behind them; null else. */
  bytes(layer: number): ByteVectors | null {
    return layer === 0 && this.network.startsAtInput && this.network.network.input.kind === "vectors" ? this.batches.bytes : null;
  }

  at(layer: number): LayerActivations {
    return {
      samples: this.batches.samples,
      positions: this.batches.positions,
      forEachBatch: async (body, onProgress) => {
        const from = Math.max(-1, ...[...this.#kept.keys()].filter((kept) => kept <= layer));
        let done = 0;
        const visit = async (start: Tensor, isKept: boolean): Promise<void> => {
          this.checkCancelled();
          const x = this.#engine.tidy(() => this.#advance(start, Math.max(from, 0), layer));
          await body(x);
          if (x !== start) this.#engine.dispose(x);
          if (!isKept) this.#engine.dispose(start);
          done += start.shape[0];
          onProgress?.(done / this.batches.samples);
        };
        if (from >= 0) {
          for (const start of this.#kept.get(from) ?? []) await visit(start, true);
          return;
        }
        for (const start of this.#firstLayers()) await visit(start, false);
      },
    };
  }

  /**
   * Every `stride`-th sample at a layer, held in memory for many visits; `dispose` frees them. Samples are chosen before the first layer, so
   * that only they pass through the network.
   */
  sampleAt(layer: number, stride: number): { activations: LayerActivations; dispose(): void } {
    const engine = this.#engine;
    const batches = this.batches.everyNth(stride);
    const chosen: Tensor[] = [];
    for (const first of this.#firstOf(batches)) {
      this.checkCancelled();
      const x = layer === 0 ? first : engine.tidy(() => this.#advance(first, 0, layer));
      if (x !== first) engine.dispose(first);
      chosen.push(x);
    }
    return {
      activations: {
        samples: batches.samples,
        positions: batches.positions,
        forEachBatch: async (body, onProgress) => {
          for (const [index, x] of chosen.entries()) {
            this.checkCancelled();
            await body(x);
            onProgress?.((index + 1) / chosen.length);
          }
        },
      },
      dispose: () => engine.dispose(...chosen),
    };
  }

  /** Frees what was kept. */
  dispose(): void {
    for (const tensors of this.#kept.values()) this.#engine.dispose(...tensors);
    this.#kept.clear();
  }

  /** Layer 0, batch by batch: kept or from the data. */
  *#firstLayers(): Generator<Tensor> {
    const kept = this.#kept.get(0);
    if (kept) {
      yield* kept;
      return;
    }
    yield* this.#firstOf(this.batches);
  }

  *#firstOf(batches: BatchSource): Generator<Tensor> {
    for (const batch of batches) {
      const first = this.#engine.tidy(() => this.network.pre(batch.tensors));
      this.#engine.dispose(...batch.tensors.filter((tensor) => tensor !== first));
      yield first;
    }
  }

  /** Layers 0 to `last` of the batch `index`; what an earlier pass kept is not computed again. */
  #layersOf(first: Tensor, index: number, last: number): Tensor[] {
    const layers = [first];
    for (let layer = 1; layer <= last; layer += 1) {
      layers.push(this.#kept.get(layer)?.[index] ?? this.network.sections[layer - 1].forward(layers[layer - 1]).output);
    }
    return layers;
  }

  #advance(x: Tensor, from: number, to: number): Tensor {
    return this.network.sections.slice(from, to).reduce((current, section) => section.forward(current).output, x);
  }

  /** Judged by the first batch; all batches but the last have its size. */
  #layersToKeep(layers: readonly Tensor[]): ReadonlySet<number> {
    const bytesPerValue = this.#engine.precision === "float64" ? 8 : 4;
    let left = this.memoryBudget;
    const kept = new Set<number>();
    for (let layer = layers.length - 1; layer >= 0; layer -= 1) {
      // Bytes become numbers again in less time than memory takes that is touched for the first time.
      if (this.bytes(layer) !== null) continue;
      const bytes = (layers[layer].size / layers[layer].shape[0]) * this.batches.samples * bytesPerValue;
      if (bytes > left) continue;
      left -= bytes;
      kept.add(layer);
    }
    return kept;
  }

  #keep(layer: number, x: Tensor): void {
    const tensors = this.#kept.get(layer);
    if (tensors) tensors.push(x);
    else this.#kept.set(layer, [x]);
  }
}
