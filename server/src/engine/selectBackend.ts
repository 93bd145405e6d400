/**
 * @file Which backends work on this machine, and which one to take. Each is tried in a child process of its own (probe.ts); the
 * answers are kept in a file (backendAnswers.ts) and hold until Node, the machine or one of the packages changes.
 *
 * `probeFile` is the bundled probe entry, dist/probe.js. Where the sources run unbundled (tests), give null: the backends are then
 * tried in this process.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { arch, cpus, hostname, platform } from "node:os";
import type { BackendStatus } from "../protocol/requests";
import type { BackendName } from "../protocol/result";
import type { Precision } from "../protocol/spec";
import { keepAnswers, readAnswers } from "./backendAnswers";
import { packageVersion } from "./nativePackages";
import { tensorflowAddon } from "./tensorflow/binding";

/** Before the line of JSON on the probe's standard output, where native libraries may write too. */
export const probeMarker = "lib-lens-probe ";

/** In order of preference. */
export const backendOrder: readonly BackendName[] = ["tensorflow", "webgpu", "wasm", "cpu"];

/** Backends that compute in float64 as well. */
const float64Backends: ReadonlySet<BackendName> = new Set(["tensorflow", "wasm", "cpu"]);

export interface ProbeOptions {
  /** Bundled probe entry, or null to try the backends in this process. */
  probeFile: string | null;
  /** File that keeps the answers between sessions; null keeps none. */
  cacheFile: string | null;
  /** Try again even if the answers are known. */
  refresh?: boolean;
  /** Milliseconds that one backend may take. */
  timeout?: number;
  signal?: AbortSignal;
}

const defaultTimeout = 30_000;
const packages = [
  "@tensorflow/tfjs-core", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-backend-webgpu", "onnxruntime-node", "webgpu",
];

/** The state of every backend, in order of preference. */
export async function probeBackends(options: ProbeOptions): Promise<BackendStatus[]> {
  const key = machineKey();
  const known = options.refresh === true || options.cacheFile === null ? null : readAnswers(options.cacheFile, key);
  if (known !== null) return known;
  const statuses: BackendStatus[] = [];
  // One after the other: they measure speed.
  for (const backend of backendOrder) statuses.push(await probeOne(backend, options));
  if (options.cacheFile !== null) keepAnswers(options.cacheFile, key, statuses);
  return statuses;
}

/**
 * The backend to run on: `wanted` by name, or the first that is available for "auto", for this precision.
 * @throws Error in one sentence when the wanted backend is not available or none is.
 */
export function chooseBackend(statuses: readonly BackendStatus[], wanted: BackendName | "auto", precision: Precision): BackendStatus {
  if (wanted !== "auto") {
    const status = statuses.find((each) => each.name === wanted);
    if (status === undefined) throw new Error(`There is no backend ${wanted}. Choose one of ${backendOrder.join(", ")} or auto.`);
    if (!status.available) {
      const others = statuses.filter((each) => each.available).map((each) => each.name);
      throw new Error(`The backend ${wanted} does not run on this machine. ${status.reason} Choose --backend ${others[0] ?? "auto"}.`);
    }
    if (!computes(wanted, precision)) throw new Error(`The backend ${wanted} computes in float32 only. Choose --backend wasm for float64.`);
    return status;
  }
  const first = statuses.find((each) => each.available && computes(each.name, precision));
  if (first === undefined) throw new Error(`No backend runs on this machine: ${statuses.map((each) => `${each.name}: ${each.reason}`).join(" ")}`);
  return first;
}

function computes(backend: BackendName, precision: Precision): boolean {
  return precision === "float32" || float64Backends.has(backend);
}

async function probeOne(backend: BackendName, options: ProbeOptions): Promise<BackendStatus> {
  if (options.probeFile === null) {
    const { probeBackend } = await import("./probeBackend");
    return probeBackend(backend);
  }
  return probeInChild(backend, options.probeFile, options.timeout ?? defaultTimeout, options.signal);
}

function probeInChild(backend: BackendName, probeFile: string, timeout: number, signal: AbortSignal | undefined): Promise<BackendStatus> {
  const failed = (reason: string): BackendStatus => ({ name: backend, available: false, reason, gflops: null });
  return new Promise((resolve) => {
    // Inside VS Code the executable is Electron, which this variable turns into plain Node.
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1" };
    execFile(process.execPath, [probeFile, backend], { env, timeout, killSignal: "SIGKILL", ...(signal === undefined ? {} : { signal }) }, (error, stdout) => {
      const line = stdout.split("\n").find((each) => each.startsWith(probeMarker));
      if (line !== undefined) resolve(JSON.parse(line.slice(probeMarker.length)) as BackendStatus);
      else if (error?.killed === true) resolve(failed(`The backend did not answer within ${timeout / 1000} seconds.`));
      else resolve(failed(`The process that tried the backend ended early${error?.signal ? ` (${error.signal})` : error?.code !== undefined ? ` (code ${error.code})` : ""}.`));
    });
  });
}

/** Changes whenever an answer may change: Node, machine, packages, the TensorFlow addon. */
function machineKey(): string {
  const addon = tensorflowAddon();
  const facts = [
    process.versions.node, process.versions["modules"], platform(), arch(), hostname(), cpus()[0]?.model ?? "", String(cpus().length),
    ...packages.map((name) => `${name}@${packageVersion(name) ?? "none"}`),
    addon === null ? "none" : `${addon}@${statSync(addon).mtimeMs}`,
    process.env["VK_ICD_FILENAMES"] ?? "",
  ];
  return createHash("sha256").update(facts.join("\n")).digest("hex");
}
