/** @file Every engine that can run on this machine, for the tests that must hold on all of them. */

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { createEngine, type EngineOptions } from "../../server/src/engine/createEngine";
import type { Engine } from "../../server/src/engine/engine";
import { loadBinding } from "../../server/src/engine/tensorflow/binding";
import { startTensorflow } from "../../server/src/engine/tensorflow/tensorflowBackend";
import { TfjsEngine } from "../../server/src/engine/tfjs/tfjsEngine";

export interface Candidate {
  name: string;
  /** Relative error of one operation that is no transcendental function. */
  epsilon: number;
  /** Relative error of exp, tanh and the like. */
  transcendental: number;
  /** Subnormal results may come out as zero. */
  flushes: boolean;
  engine: Engine;
}

/** Vulkan drivers that compute on the processor; Chromium brings SwiftShader. */
const softwareDrivers = ["/usr/lib/chromium/vk_swiftshader_icd.json", "/usr/lib64/chromium-browser/vk_swiftshader_icd.json"];

const float32 = { epsilon: 6e-7, transcendental: 2e-6, flushes: true };
const float64 = { epsilon: 1e-15, transcendental: 4e-15, flushes: false };

/** TfjsEngine over a backend of tfjs itself: proves its code where neither TensorFlow nor a GPU is at hand. */
async function overTfjs(registeredName: string): Promise<Engine> {
  if (!(await tf.setBackend(registeredName))) throw new Error(`tfjs has no working backend ${registeredName}.`);
  return new TfjsEngine({ registeredName, backend: "cpu", description: `tfjs ${registeredName}`, maxTensorBytes: Infinity, failure: () => null });
}

/** As TensorFlow is used where it has a graphics card; on a processor it multiplies for the host engine. */
async function overTensorflow(): Promise<Engine> {
  const loaded = loadBinding();
  const started = "missing" in loaded ? loaded : await startTensorflow(loaded);
  if ("missing" in started) throw new Error(started.missing);
  return new TfjsEngine(started);
}

/**
 * Makes Chromium's software Vulkan driver known. Its loader library lies outside the search path, so it is loaded here to stay
 * (RTLD_NODELETE, 0x1000): WebGPU then finds it by name. Node refuses it as an addon, which is expected.
 */
function offerSoftwareAdapter(): void {
  const driver = softwareDrivers.find((file) => existsSync(file));
  if (driver === undefined) return;
  process.env["VK_ICD_FILENAMES"] ??= driver;
  const loader = join(dirname(driver), "libvulkan.so.1");
  if (!existsSync(loader)) return;
  try {
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | 0x1000);
  } catch {
    // Loaded, but no addon.
  }
}

/** Engines in a fixed order, and the sentence for each one that cannot run here. */
export async function allEngines(): Promise<{ engines: Candidate[]; absent: { name: string; reason: string }[] }> {
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  const engines: Candidate[] = [];
  const absent: { name: string; reason: string }[] = [];
  const attempt = async (name: string, limits: Omit<Candidate, "name" | "engine">, start: () => Promise<Engine>): Promise<void> => {
    try {
      engines.push({ name, ...limits, engine: await start() });
    } catch (error) {
      absent.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const create = (options: EngineOptions) => (): Promise<Engine> => createEngine(options);
  await attempt("cpu float32", float32, create({ backend: "cpu", precision: "float32" }));
  await attempt("cpu float64", float64, create({ backend: "cpu", precision: "float64" }));
  await attempt("wasm float32, own kernels", float32, create({ backend: "wasm", precision: "float32", nativeProducts: false }));
  await attempt("wasm float64, own kernels", float64, create({ backend: "wasm", precision: "float64", nativeProducts: false }));
  await attempt("wasm float32, onnxruntime", float32, create({ backend: "wasm", precision: "float32" }));
  await attempt("wasm float64, onnxruntime", float64, create({ backend: "wasm", precision: "float64" }));
  await attempt("tfjs over its cpu backend", float32, () => overTfjs("cpu"));
  await attempt("tfjs over its wasm backend", float32, () => overTfjs("wasm"));
  await attempt("tensorflow float32", float32, create({ backend: "tensorflow", precision: "float32" }));
  await attempt("tensorflow float64", float64, create({ backend: "tensorflow", precision: "float64" }));
  await attempt("tfjs over TensorFlow", float32, overTensorflow);
  offerSoftwareAdapter();
  await attempt("webgpu", { ...float32, transcendental: 3e-4 }, create({ backend: "webgpu", precision: "float32", softwareAdapter: true }));
  return { engines, absent };
}
