/** @file Guards for what the editor sends. A stored result comes from a file, so its shape is checked, not assumed. */

import type { AblationCurve, ModuleNumbers } from "../../../server/src/protocol/ablation";
import type { RunEvent } from "../../../server/src/protocol/events";
import type { GroupMean, LabelsAnswer } from "../../../server/src/protocol/labels";
import type { BasisName, LayerSummary, ResultMetadata, SectionSummary } from "../../../server/src/protocol/result";
import type { HostMessage, ViewMatrix } from "../../../server/src/protocol/views";

type Fields = Record<string, unknown>;
const tabs = new Set(["graph", "jacobians", "plots", "table"]);

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): value is number => typeof value === "number";
const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isBasis = (value: unknown): value is BasisName => ["lib", "pca", "neuron"].includes(value as string);
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(isNumber);

function isLayer(value: unknown): value is LayerSummary {
  return isFields(value) && isIndex(value["index"]) && isText(value["name"]) && isIndex(value["dimension"]) && isIndex(value["kept"])
    && isNumbers(value["lambda"]) && isNumbers(value["gramEigenvalues"]) && isNumber(value["gramRank"])
    && (value["needed"] === undefined || isIndex(value["needed"]))
    && (value["labels"] === undefined || (Array.isArray(value["labels"]) && value["labels"].every((label) => label === null || isText(label))));
}

function isSection(value: unknown): value is SectionSummary {
  if (!isFields(value) || !isIndex(value["index"]) || !isText(value["from"]) || !isText(value["to"]) || !isNumber(value["total"])) return false;
  const { shape, edges, truncated } = value;
  if (!Array.isArray(shape) || shape.length !== 2 || !shape.every(isIndex) || !isFields(edges) || !isFields(truncated)) return false;
  const { source, target, weight } = edges;
  const [outputs, inputs] = shape as [number, number];
  return Array.isArray(source) && Array.isArray(target) && isNumbers(weight) && source.length === weight.length && target.length === weight.length
    && source.every((index) => isIndex(index) && index < inputs) && target.every((index) => isIndex(index) && index < outputs)
    && isNumber(truncated["count"]) && isNumber(truncated["largest"]);
}

/** @returns a sentence that says what is wrong, or null. */
function metadataProblem(value: unknown): string | null {
  if (!isFields(value) || value["format"] !== "lib-lens-result") return "This file is not a LIB Lens result.";
  if (value["version"] !== 1) return `This result has version ${String(value["version"])}; this extension reads version 1. Update LIB Lens to open it.`;
  const { layers, sections, model, backend, notes } = value;
  if (!Array.isArray(layers) || !layers.every(isLayer)) return "The layers of this result are damaged: run the analysis again.";
  if (!Array.isArray(sections) || !sections.every(isSection)) return "The sections of this result are damaged: run the analysis again.";
  if (!isFields(model) || !isText(model["path"]) || !isFields(backend) || !isText(backend["name"]) || !Array.isArray(notes)) {
    return "The description of this result is damaged: run the analysis again.";
  }
  return null;
}

function isCurve(value: unknown): value is AblationCurve {
  if (!isFields(value) || !isText(value["layer"]) || !["nodes", "edges"].includes(value["what"] as string) || !isBasis(value["basis"])) return false;
  const { points } = value;
  return ["accuracy", "ce-loss"].includes(value["metric"] as string) && isNumber(value["base"]) && isNumber(value["tolerance"]) && isIndex(value["needed"]) && isIndex(value["total"])
    && Array.isArray(points) && points.every((point) => Array.isArray(point) && point.length === 2 && isIndex(point[0]) && isNumber(point[1]));
}

function isGroupMean(value: unknown): value is GroupMean {
  return isFields(value) && isIndex(value["group"]) && isIndex(value["count"]) && isNumber(value["mean"]) && isNumber(value["deviation"]) && optional(value["text"], isText);
}

function isLabels(value: unknown): value is LabelsAnswer {
  return isFields(value) && ["fourier", "class", "position", "token"].includes(value["kind"] as string) && Array.isArray(value["layers"]) && value["layers"].every((layer) =>
    isFields(layer) && isText(layer["name"]) && isTexts(layer["labels"]) && isNumbers(layer["explained"])
    && optional(layer["profile"], (profile) => Array.isArray(profile) && profile.every((groups) => Array.isArray(groups) && groups.every(isGroupMean))));
}

function isModules(value: unknown): value is ModuleNumbers {
  return isFields(value) && isNumber(value["modularity"]) && isNumber(value["edgesInside"]) && Array.isArray(value["layers"])
    && value["layers"].every((layer) => Array.isArray(layer) && layer.every((module) => module === -1 || isIndex(module)));
}

/** Base64 has four characters for every three bytes. */
function isEncoded(value: unknown): boolean {
  return isFields(value) && isIndex(value["rows"]) && isIndex(value["cols"]) && isText(value["float32"])
    && value["float32"].length === 4 * Math.ceil((4 * value["rows"] * value["cols"]) / 3) && /^[A-Za-z0-9+/]*={0,2}$/.test(value["float32"]);
}

function isRunEvent(value: unknown): value is RunEvent {
  if (!isFields(value) || !isText(value["run"])) return false;
  switch (value["kind"]) {
    case "started":
      return isText(value["model"]) && isFields(value["backend"]) && isText(value["backend"]["name"]) && isNumber(value["samples"])
        && Array.isArray(value["nodeLayers"]) && value["nodeLayers"].every((layer) => isFields(layer) && isText(layer["name"]) && isIndex(layer["dimension"]));
    case "phase": return isText(value["phase"]) && isNumber(value["overall"]) && isText(value["detail"]) && isNumber(value["elapsedSeconds"]);
    case "layer": return isLayer(value["layer"]);
    case "section": return isSection(value["section"]);
    case "jacobian": return isIndex(value["section"]) && isBasis(value["basis"]) && isEncoded(value["mean"]);
    case "curve": return isText(value["file"]) && isCurve(value["curve"]);
    case "note":
    case "failed": return isText(value["message"]);
    case "done": return isText(value["file"]);
    case "cancelled": return true;
    default: return false;
  }
}

function isMatrix(value: unknown): value is ViewMatrix {
  return isFields(value) && isIndex(value["rows"]) && isIndex(value["cols"]) && value["values"] instanceof Float32Array
    && value["values"].length === value["rows"] * value["cols"];
}

const optional = (value: unknown, check: (value: unknown) => boolean): boolean => value === undefined || check(value);

/** The message, an error message when a result cannot be shown, or null when it is none of the protocol. */
export function parseHostMessage(value: unknown): HostMessage | null {
  if (!isFields(value)) return null;
  switch (value["kind"]) {
    case "result": {
      if (!isText(value["uri"])) return null;
      const problem = metadataProblem(value["metadata"]);
      if (problem !== null) return { kind: "error", request: null, message: problem };
      return { kind: "result", uri: value["uri"], metadata: value["metadata"] as ResultMetadata };
    }
    case "run":
      return isRunEvent(value["event"]) ? { kind: "run", event: value["event"] } : null;
    case "matrix":
      return isIndex(value["request"]) && isText(value["tensor"]) && (value["matrix"] === null || isMatrix(value["matrix"]))
        ? { kind: "matrix", request: value["request"], tensor: value["tensor"], matrix: value["matrix"] } : null;
    case "ablation":
      return isIndex(value["request"]) && isText(value["metric"]) && isNumber(value["base"]) && isNumber(value["score"])
        ? { kind: "ablation", request: value["request"], metric: value["metric"], base: value["base"], score: value["score"] } : null;
    case "modules":
      return isIndex(value["request"]) && isModules(value["modules"]) ? { kind: "modules", request: value["request"], modules: value["modules"] } : null;
    case "architecture":
      return isIndex(value["request"]) && isTexts(value["modules"]) ? { kind: "architecture", request: value["request"], modules: value["modules"] } : null;
    case "labels":
      return isText(value["uri"]) && isBasis(value["basis"]) && isLabels(value["labels"]) && typeof value["news"] === "boolean"
        ? { kind: "labels", uri: value["uri"], basis: value["basis"], labels: value["labels"], news: value["news"] } : null;
    case "curves":
      return isText(value["uri"]) && Array.isArray(value["curves"]) && value["curves"].every(isCurve) ? { kind: "curves", uri: value["uri"], curves: value["curves"] } : null;
    case "curve":
      return isText(value["uri"]) && isCurve(value["curve"]) ? { kind: "curve", uri: value["uri"], curve: value["curve"] } : null;
    case "show":
      return tabs.has(value["tab"] as string) && optional(value["layer"], isText) && optional(value["feature"], isIndex) && optional(value["section"], isIndex)
        ? (value as unknown as HostMessage) : null;
    case "error":
      return isText(value["message"]) && (value["request"] === null || isIndex(value["request"]))
        ? { kind: "error", request: value["request"], message: value["message"] } : null;
    default:
      return null;
  }
}
