/** @file Registers tfjs-node's backend with tfjs, without the package's own start (which insists on its own binary). */

import * as tf from "@tensorflow/tfjs-core";
import util from "node:util";
import { firstLine, requireFile } from "../nativePackages";
import type { TfjsBackend } from "../tfjs/tfjsEngine";
import { describeBinding, type LoadedBinding } from "./binding";

interface BackendModule { NodeJSKernelBackend: new (binding: unknown, packageName: string) => tf.KernelBackend }

const registeredName = "tensorflow";

/** @returns the backend ready for use, or the sentence that says why there is none. */
export async function startTensorflow(loaded: LoadedBinding): Promise<TfjsBackend | { missing: string }> {
  try {
    if (tf.findBackend(registeredName) === null) register(loaded);
    if (!(await tf.setBackend(registeredName))) return { missing: "tfjs refused the TensorFlow backend." };
  } catch (error) {
    return { missing: `TensorFlow loads but its tfjs backend does not start: ${firstLine(error)}` };
  }
  return {
    registeredName,
    backend: "tensorflow",
    description: describeBinding(loaded),
    maxTensorBytes: Infinity,
    failure: () => null,
  };
}

function register({ binding, packageName }: LoadedBinding): void {
  supplyRemovedFunctions();
  requireFile(`${packageName}/dist/register_all_kernels`);
  const { NodeJSKernelBackend } = requireFile<BackendModule>(`${packageName}/dist/nodejs_kernel_backend`);
  tf.registerBackend(registeredName, () => new NodeJSKernelBackend(binding, packageName));
}

/** tfjs-node 4.22 calls two functions that Node 23 removed (tensorflow/tfjs#8425, never released). */
function supplyRemovedFunctions(): void {
  const functions = util as unknown as Record<string, unknown>;
  functions["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
  functions["isArray"] ??= Array.isArray;
}
