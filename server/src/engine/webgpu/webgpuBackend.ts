/** @file Starts WebGPU (Dawn, from the `webgpu` package) and registers tfjs' WebGPU backend on it. */

import * as tf from "@tensorflow/tfjs-core";
import { firstLine, notInstalled, packageVersion } from "../nativePackages";
import type { TfjsBackend } from "../tfjs/tfjsEngine";

/** The part of WebGPU that is used here; its types come only with the DOM. */
interface AdapterInfo { vendor: string; architecture: string; device: string; description: string; isFallbackAdapter?: boolean }
interface Device {
  readonly limits: Readonly<Record<string, number>>;
  readonly lost: Promise<{ reason: string; message: string }>;
  addEventListener(type: "uncapturederror", listener: (event: { error: { message: string } }) => void): void;
  destroy(): void;
}
interface Adapter {
  readonly info: AdapterInfo;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: ReadonlySet<string>;
  requestDevice(descriptor: object): Promise<Device>;
}
interface WebgpuPackage {
  create(options: string[]): { requestAdapter(options: object): Promise<Adapter | null> };
  globals: Record<string, unknown>;
}

const registeredName = "webgpu";
/** Limits that tfjs' kernels profit from: asked for as large as the adapter has them. */
const raisedLimits = [
  "maxStorageBufferBindingSize", "maxBufferSize", "maxComputeWorkgroupStorageSize", "maxComputeWorkgroupsPerDimension",
  "maxComputeWorkgroupSizeX", "maxComputeInvocationsPerWorkgroup",
];

export interface WebgpuOptions {
  /** Accept an adapter that computes on the processor: correct but slow, for tests. */
  allowSoftware: boolean;
}

let started: Promise<TfjsBackend | { missing: string }> | null = null;

/** @returns the backend ready for use, or the sentence that says why there is none. One device per process. */
export function startWebgpu(options: WebgpuOptions): Promise<TfjsBackend | { missing: string }> {
  started ??= start(options).then((result) => {
    if ("missing" in result) started = null;
    return result;
  });
  return started;
}

async function start({ allowSoftware }: WebgpuOptions): Promise<TfjsBackend | { missing: string }> {
  if (packageVersion("webgpu") === null) return { missing: notInstalled("webgpu") };
  try {
    // Before there is a `navigator.gpu`: else the import registers a backend of its own with the default adapter.
    const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
    const { create, globals } = (await import("webgpu")) as unknown as WebgpuPackage;
    const gpu = create([]);
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (adapter === null) return { missing: "WebGPU finds no graphics adapter: it takes a graphics card with a driver for Vulkan, Metal or Direct3D 12." };
    const { info } = adapter;
    if (info.isFallbackAdapter === true && !allowSoftware) {
      return { missing: `WebGPU finds only a software adapter (${nameOf(info)}), which is slower than the processor's own backends.` };
    }
    defineGlobals(globals, gpu);
    const device = await adapter.requestDevice({
      requiredFeatures: ["timestamp-query", "shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(raisedLimits.map((limit) => [limit, adapter.limits[limit]])),
    });
    const backend = watch(device, info);
    tf.registerBackend(registeredName, () => new WebGPUBackend(device as never, info as never));
    if (!(await tf.setBackend(registeredName))) return { missing: "tfjs refused the WebGPU backend." };
    return backend;
  } catch (error) {
    return { missing: `WebGPU does not start: ${firstLine(error)}` };
  }
}

/** tfjs looks for the interfaces and constants as globals and for `navigator.gpu`, as in a browser. */
function defineGlobals(globals: Record<string, unknown>, gpu: unknown): void {
  const target = globalThis as Record<string, unknown>;
  for (const [name, value] of Object.entries(globals)) if (name.startsWith("GPU")) target[name] ??= value;
  Object.defineProperty(globalThis, "navigator", { value: { userAgent: "node", gpu }, configurable: true, writable: true });
}

/** Dawn reports an oversized or failed operation only as an event; the next operation of the engine throws it. */
function watch(device: Device, info: AdapterInfo): TfjsBackend {
  let failure: string | null = null;
  void device.lost.then(({ message }) => {
    failure ??= `The graphics device ${nameOf(info)} was lost: ${message}`;
  });
  device.addEventListener("uncapturederror", ({ error }) => {
    failure ??= `The graphics device ${nameOf(info)} reported an error: ${firstLine(error)}`;
  });
  return {
    registeredName,
    backend: "webgpu",
    description: `WebGPU on ${nameOf(info)}`,
    maxTensorBytes: Math.min(device.limits["maxStorageBufferBindingSize"], device.limits["maxBufferSize"]),
    failure: () => failure,
  };
}

function nameOf({ vendor, architecture, device, description }: AdapterInfo): string {
  return description !== "" ? description : [vendor, architecture, device].filter((part) => part !== "").join(" ");
}
