/**
 * @file Matrix products by onnxruntime-node. Its public API is asynchronous; the session behind it is not, so it is called through
 * the package's internal binding, which is why the package version is pinned.
 */

import type { FloatArray } from "../engine";
import { firstLine, loadPackage } from "../nativePackages";
import type { ProductPlan } from "../shapes";
import { telemetryIsOff } from "../telemetry";
import type { MatrixProducts } from "./matrixProducts";
import { productModel, type OnnxFloat, type ProductModel } from "./onnxModel";

/** The version whose internals this file relies on. */
const pinnedOnnxruntime = "1.30.0";

interface OnnxTensor { readonly data: FloatArray }
interface OnnxSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(feeds: Record<string, OnnxTensor>, fetches: Record<string, OnnxTensor>, options: object): unknown;
}
interface OnnxBinding { binding: { InferenceSession: new () => OnnxSession }; initOrt(): void }
interface OnnxCommon { Tensor: new (type: OnnxFloat, data: FloatArray, dims: number[]) => OnnxTensor }

export interface OnnxProductsOptions {
  /** Multiplies what is too small to be worth the call. */
  small: MatrixProducts;
  /** Multiply-adds (m n k of all products together) from which onnxruntime is called. */
  threshold?: number;
}

/**
 * A call costs about 9 microseconds of its own; from about 56 x 56 x 56 it is faster all the same (docs/backends.md).
 */
const defaultThreshold = 56 ** 3;

/** From here on a product is worth waking the other threads: they sleep between products (see `#session`). */
const threadsThreshold = 2e6;

/** Products by onnxruntime, or the sentence that says why not. */
export function loadOnnxProducts(options: OnnxProductsOptions): MatrixProducts | { missing: string } {
  if (!telemetryIsOff()) return { missing: "onnxruntime-node is not loaded: it would send telemetry, because ORT_DISABLE_TELEMETRY=1 was not in the environment when this thread started." };
  const internal = loadPackage<OnnxBinding>("onnxruntime-node", "onnxruntime-node/dist/binding");
  if ("missing" in internal) return internal;
  if (internal.version !== pinnedOnnxruntime) {
    return { missing: `The package onnxruntime-node is version ${internal.version}; its synchronous interface is known for ${pinnedOnnxruntime} only.` };
  }
  const common = loadPackage<OnnxCommon>("onnxruntime-node");
  if ("missing" in common) return common;
  try {
    const products = new OnnxProducts(internal.module, common.module, options.small, options.threshold ?? defaultThreshold, internal.version);
    products.check();
    return products;
  } catch (error) {
    return { missing: `onnxruntime-node ${internal.version} loads but does not multiply: ${firstLine(error)}` };
  }
}

class OnnxProducts implements MatrixProducts {
  readonly description: string;
  readonly #sessions = new Map<string, OnnxSession>();

  constructor(
    private readonly internal: OnnxBinding,
    private readonly common: OnnxCommon,
    private readonly small: MatrixProducts,
    private readonly threshold: number,
    version: string,
  ) {
    internal.initOrt();
    this.description = `onnxruntime ${version}, small ones by ${small.description}`;
  }

  /** @throws Error when a known product comes out wrong. */
  check(): void {
    const out = new Float64Array(1);
    const plan = { batch: 1, m: 1, n: 1, k: 2, transposeA: false, transposeB: true, sharedA: true, sharedB: true };
    this.#run(plan, Float64Array.of(2, 3), Float64Array.of(5, 7), out);
    if (out[0] !== 31) throw new Error(`2 * 5 + 3 * 7 came out as ${out[0]}.`);
  }

  multiply(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void {
    if (plan.batch * plan.m * plan.n * plan.k < this.threshold) this.small.multiply(plan, a, b, out);
    else this.#run(plan, a, b, out);
  }

  #run(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void {
    const { batch, m, n, k, transposeA, transposeB } = plan;
    const type = out instanceof Float64Array ? "float64" : "float32";
    const rankA = plan.sharedA ? 2 : 3;
    const rankB = plan.sharedB ? 2 : 3;
    const { Tensor } = this.common;
    const extents = (shared: boolean, rows: number, cols: number): number[] => (shared ? [rows, cols] : [batch, rows, cols]);
    const inputs = {
      a: new Tensor(type, a, extents(plan.sharedA, transposeA ? k : m, transposeA ? m : k)),
      b: new Tensor(type, b, extents(plan.sharedB, transposeB ? n : k, transposeB ? k : n)),
    };
    const result = new Tensor(type, out, rankA === 2 && rankB === 2 ? [m, n] : [batch, m, n]);
    this.#session({ type, rankA, rankB, transposeA, transposeB }, batch * m * n * k < threadsThreshold).run(inputs, { c: result }, {});
  }

  /**
   * Every session has threads of its own. By default they spin between products, so that the threads of a dozen sessions take the
   * processor from the one that works: analyses took up to twice as long.
   */
  #session(model: ProductModel, onOneThread: boolean): OnnxSession {
    const key = JSON.stringify([model, onOneThread]);
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = new this.internal.binding.InferenceSession();
      const bytes = productModel(model);
      session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, {
        executionProviders: ["cpu"],
        ...(onOneThread ? { intraOpNumThreads: 1 } : { extra: { session: { "intra_op.allow_spinning": "0" } } }),
      });
      this.#sessions.set(key, session);
    }
    return session;
  }
}
