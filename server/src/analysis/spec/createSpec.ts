/** @file A filled-in spec for a model: what could be inferred is written down, what could not is marked in a comment. */

import { basename, dirname, join } from "node:path";
import { openModel, weightsFile } from "../../formats/openModel";
import type { TensorInfo } from "../../formats/modelFile";
import type { Architecture } from "../architecture/architecture";
import { InputError } from "../errors";
import { architectureOf } from "../runner/loadModel";
import { inferData, type InferredData } from "./inferData";
import { inferImages } from "./inferImages";
import { textSpec, tokenizerBeside } from "./inferText";

/** Tensor names listed in a comment for a person who must name the layers. */
const listedNames = 40;

/** Nothing is written. @returns the text, and the file beside the model where it belongs. @throws FormatError for an unreadable model. */
export async function createSpec(model: string): Promise<{ file: string; text: string }> {
  const opened = await openModel(model);
  try {
    const data = await inferData(model).catch((error: unknown) => {
      if (error instanceof InputError) return null;
      throw error;
    });
    let architecture: Architecture | null = null;
    let reason = "";
    try {
      architecture = await architectureOf(opened, model, data ? { data: data.data } : {});
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      reason = error.message;
    }
    const folder = dirname(model);
    const tokenizer = data === null ? await tokenizerBeside(dirname(await weightsFile(model)), folder) : null;
    const images = data === null && (architecture === null || architecture.kind === "mlp") ? await inferImages(folder) : null;
    const file = join(folder, `${basename(model).replace(/\.[^.]+$/, "")}.lib.json`);
    return { file, text: specText(basename(model), opened.tensors, architecture, reason, data ?? images ?? dataToFillIn(architecture, tokenizer)) };
  } finally {
    await opened.close();
  }
}

function specText(
  model: string, tensors: readonly TensorInfo[], architecture: Architecture | null, reason: string,
  { data, evaluation, notes }: InferredData,
): string {
  const fields = [
    field("model", model),
    architecture ? architectureField(architecture) : unknownArchitecture(tensors, reason),
    comments(notes) + field("data", data),
    ...(evaluation ? [field("evaluation", evaluation)] : []),
    ...(architecture ? [field("nodeLayers", architecture.nodeLayers)] : []),
    ...(architecture && architecture.kind !== "mlp" && architecture.description.lastPositionOnly ? [field("lastPositionOnly", architecture.description.lastPositionOnly)] : []),
    field("basis", { formula: "jacobian", center: true, threshold: 1e-6, ...(endsBeforeOutput(architecture) ? { rotateOutput: true } : {}) }),
  ];
  return `{\n${fields.join(",\n")}\n}\n`;
}

function architectureField(architecture: Architecture): string {
  const said = comments([architecture.how, ...architecture.notes]);
  switch (architecture.kind) {
    case "transformer-lens":
      return said + field("architecture", { family: "transformer-lens", activation: architecture.description.activation });
    case "transformer":
      return said + field("architecture", { family: architecture.description.family });
    case "mlp": {
      const { family, activation, layers } = architecture.description;
      const own = layers.map((layer) => layer.activation?.name ?? null);
      const slopes = new Set(layers.flatMap((layer) => layer.activation?.negativeSlope ?? []));
      // Different slopes cannot be written: the file says them.
      const written = slopes.size > 1 ? {} : { activations: own, ...(slopes.size === 1 ? { negativeSlope: [...slopes][0] } : {}) };
      const between = own.some((name) => name !== null) ? written : { activation };
      return said + field("architecture", { family, ...between, weightOrder: layers[0]!.order });
    }
  }
}

/** Matrices are the likely affine layers; the person orders them and removes what does not belong. */
function unknownArchitecture(tensors: readonly TensorInfo[], reason: string): string {
  const layers = tensors.filter(({ shape }) => shape.length === 2).map(({ name }) => name.replace(/\.[^.]+$/, ""));
  const names = tensors.slice(0, listedNames).map(({ name, shape }) => `  ${name} [${shape.join(", ")}]`);
  return comments([reason, "List the affine layers to analyse in order. Tensors in the file:", ...names])
    + field("architecture", { family: "layers", layers: layers.length > 0 ? layers : ["fc1"], activation: "relu" });
}

/** The last node layer is then given its principal components, as in the authors' analyses of language models (method section 1.6). */
function endsBeforeOutput(architecture: Architecture | null): boolean {
  return architecture !== null && architecture.nodeLayers.at(-1) !== "output";
}

function dataToFillIn(architecture: Architecture | null, tokenizer: string | null): InferredData {
  if (architecture === null || architecture.kind === "mlp") {
    const width = architecture === null ? "" : ` Inputs have ${architecture.widths[0]} values.`;
    return {
      data: { kind: "npz", inputs: "data.npz", inputsName: "inputs", labelsName: "labels" },
      evaluation: null,
      notes: [`No data was found beside the model: name yours (npy, npz, csv, idx, safetensors, ...).${width}`],
    };
  }
  const { vocabulary, positions } = architecture.sizes;
  return {
    data: textSpec("text.txt", tokenizer ?? "tokenizer.json", positions),
    evaluation: { metric: "ce-loss" },
    notes: [`No data was found beside the model: name a text and its tokenizer, or an array of token ids below ${vocabulary}, {"kind": "npy", "inputs": "tokens.npy"}. Samples have at most ${positions} tokens.`],
  };
}

function comments(lines: readonly string[]): string {
  return lines.map((line) => `  // ${line.replace(/[\r\n\u2028\u2029]+/g, " ")}\n`).join("");
}

/** Short values on one line, as a person would write them. */
function field(name: string, value: unknown): string {
  return `  ${JSON.stringify(name)}: ${inline(value)}`;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${inline(inner)}`).join(", ")} }`;
}
