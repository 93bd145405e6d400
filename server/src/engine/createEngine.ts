/** @file Starts the engine of a backend. */

import type { BackendName } from "../protocol/result";
import type { Precision } from "../protocol/spec";
import type { Engine } from "./engine";
import { HostEngine } from "./host/hostEngine";
import { fastestArrays } from "./host/wasmArrays";
import { fastestProducts, ownProducts } from "./products/hostProducts";
import { plainProducts } from "./products/plainProducts";
import type { TfjsBackend } from "./tfjs/tfjsEngine";

export interface EngineOptions {
  backend: BackendName;
  precision: Precision;
  /** Backend `wasm`: false keeps the matrix products away from onnxruntime. Default true. */
  nativeProducts?: boolean;
  /** Backend `webgpu`: true accepts an adapter that computes on the processor, for tests. Default false. */
  softwareAdapter?: boolean;
}

/** @throws Error when the backend cannot run here: why, and what else to choose. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const started = await startEngine(options);
  if ("missing" in started) {
    const other = options.backend === "wasm" ? "cpu" : "wasm";
    throw new Error(`The backend ${options.backend} does not run here. ${started.missing} Choose --backend ${other}.`);
  }
  return started;
}

/** The engine, or the sentence that says why it cannot run here. */
export async function startEngine(options: EngineOptions): Promise<Engine | { missing: string }> {
  const { backend, precision } = options;
  switch (backend) {
    case "cpu": return new HostEngine("cpu", precision, plainProducts);
    case "wasm": {
      const { products, missing } = options.nativeProducts === false ? ownProducts() : fastestProducts();
      if (products === plainProducts) return { missing: missing ?? "WebAssembly with SIMD is missing." };
      const arrays = fastestArrays();
      return new HostEngine("wasm", precision, arrays.products(products), arrays.arrays, missing ?? arrays.missing);
    }
    case "tensorflow": return tensorflowEngine(precision);
    case "webgpu": {
      if (precision === "float64") return { missing: "Graphics adapters compute in float32 only, and the analysis asks for float64." };
      const { startWebgpu } = await import("./webgpu/webgpuBackend");
      return tfjsEngine(await startWebgpu({ allowSoftware: options.softwareAdapter === true }));
    }
  }
}

/** On a graphics card tensors live there; on a processor TensorFlow multiplies for the host engine, as it does in float64 in any case. */
async function tensorflowEngine(precision: Precision): Promise<Engine | { missing: string }> {
  const { describeBinding, loadBinding } = await import("./tensorflow/binding");
  const loaded = loadBinding();
  if ("missing" in loaded) return loaded;
  if (loaded.packageName.endsWith("-gpu") && precision === "float32") {
    const { startTensorflow } = await import("./tensorflow/tensorflowBackend");
    return tfjsEngine(await startTensorflow(loaded));
  }
  const { TensorflowProducts } = await import("./tensorflow/tensorflowProducts");
  const arrays = fastestArrays();
  const products = new TensorflowProducts(loaded.binding, ownProducts().products, describeBinding(loaded));
  return new HostEngine("tensorflow", precision, arrays.products(products), arrays.arrays, arrays.missing);
}

async function tfjsEngine(started: TfjsBackend | { missing: string }): Promise<Engine | { missing: string }> {
  if ("missing" in started) return started;
  const { TfjsEngine } = await import("./tfjs/tfjsEngine");
  return new TfjsEngine(started);
}
