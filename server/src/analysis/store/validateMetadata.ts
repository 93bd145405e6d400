/**
 * @file The metadata of a `.libresult` is untrusted: a file in a workspace may come from anywhere. Everything a view or a
 * hover relies on is checked here once; what passes has the type it claims, finite numbers and consistent lengths.
 */

import { FormatError } from "../../formats/modelFile";
import type { EdgeList, LayerSummary, ResultMetadata, SectionSummary } from "../../protocol/result";

type Fields = Record<string, unknown>;

const limits = { text: 10_000, layers: 4096, features: 1_000_000, edges: 200_000, notes: 1000, backends: 10 };

/** @param file for messages. @throws FormatError that names the field. */
export function validateMetadata(value: unknown, file: string): ResultMetadata {
  const check = new Checker(file);
  const root = check.object(value, "metadata");
  if (root["format"] !== "lib-lens-result") check.fail("format", "\"lib-lens-result\"");
  if (root["version"] !== 1) check.fail("version", "1; the file was written by another version of LIB Lens");
  const model = check.object(root["model"], "model");
  for (const name of ["path", "sha256", "family"]) check.text(model[name], `model.${name}`);
  check.count(model["parameters"], "model.parameters");
  checkBackend(check, root["backend"], "backend");
  if (root["backends"] !== undefined) check.list(root["backends"], "backends", limits.backends).forEach((backend, i) => checkBackend(check, backend, `backends[${i}]`));
  check.oneOf(root["precision"], ["float32", "float64"], "precision");
  for (const name of ["key", "createdAt"]) check.text(root[name], name);
  if (!/^[0-9a-f]{64}$/.test(root["key"] as string)) check.fail("key", "64 hexadecimal digits");
  if (Number.isNaN(Date.parse(root["createdAt"] as string))) check.fail("createdAt", "a date");
  for (const name of ["algorithmVersion", "samples"]) check.count(root[name], name);
  check.number(root["seconds"], "seconds");
  if (root["memoryBytes"] !== undefined) check.number(root["memoryBytes"], "memoryBytes");
  if (typeof root["complete"] !== "boolean") check.fail("complete", "true or false");
  const spec = check.object(root["spec"], "spec");
  check.text(spec["model"], "spec.model");
  checkData(check, spec["data"], "spec.data");
  if (spec["evaluation"] !== undefined) {
    const evaluation = check.object(spec["evaluation"], "spec.evaluation");
    if (evaluation["data"] !== undefined) checkData(check, evaluation["data"], "spec.evaluation.data");
  }
  if (spec["bases"] !== undefined) {
    for (const [layer, basis] of Object.entries(check.object(spec["bases"], "spec.bases"))) {
      check.text(check.object(basis, `spec.bases.${layer}`)["file"], `spec.bases.${layer}.file`);
    }
  }
  for (const [name, seconds] of Object.entries(check.object(root["phases"], "phases"))) check.number(seconds, `phases.${name}`);
  check.list(root["notes"], "notes", limits.notes).forEach((note, i) => check.text(note, `notes[${i}]`));
  check.list(root["layers"], "layers", limits.layers).forEach((layer, i) => checkLayer(check, layer, i));
  check.list(root["sections"], "sections", limits.layers).forEach((section, i) => checkSection(check, section, i));
  if (root["evaluation"] !== undefined) {
    const evaluation = check.object(root["evaluation"], "evaluation");
    check.oneOf(evaluation["metric"], ["accuracy", "ce-loss"], "evaluation.metric");
    check.number(evaluation["base"], "evaluation.base");
    check.count(evaluation["samples"], "evaluation.samples");
    if (evaluation["needed"] !== undefined) {
      const needed = check.object(evaluation["needed"], "evaluation.needed");
      check.number(needed["tolerance"], "evaluation.needed.tolerance");
      check.count(needed["samples"], "evaluation.needed.samples");
    }
  }
  return root as unknown as ResultMetadata;
}

function checkBackend(check: Checker, value: unknown, field: string): void {
  const backend = check.object(value, field);
  check.oneOf(backend["name"], ["tensorflow", "webgpu", "wasm", "cpu"], `${field}.name`);
  check.text(backend["description"], `${field}.description`);
}

/** The rest of a stored spec is checked by the spec's own schema when it is run again. */
function checkData(check: Checker, value: unknown, field: string): void {
  const data = check.object(value, field);
  check.text(data["kind"], `${field}.kind`);
  for (const name of ["inputs", "labels", "tokenizer"]) if (data[name] !== undefined) check.text(data[name], `${field}.${name}`);
}

function checkLayer(check: Checker, value: unknown, index: number): void {
  const at = `layers[${index}]`;
  const layer = check.object(value, at) as Fields & Partial<LayerSummary>;
  if (layer.index !== index) check.fail(`${at}.index`, String(index));
  check.text(layer.name, `${at}.name`);
  for (const name of ["dimension", "kept", "gramRank"] as const) check.count(layer[name], `${at}.${name}`);
  const lambda = check.numbers(layer.lambda, `${at}.lambda`, limits.features);
  check.numbers(layer.gramEigenvalues, `${at}.gramEigenvalues`, limits.features);
  if (layer.kept! > layer.dimension!) check.fail(`${at}.kept`, `at most ${layer.dimension}`);
  if (lambda.length !== layer.kept) check.fail(`${at}.lambda`, `${layer.kept} values`);
  if (layer.basis !== undefined) checkBasis(check, layer.basis, `${at}.basis`);
  if (layer.path !== undefined) check.text(layer.path, `${at}.path`);
  if (layer.needed !== undefined) {
    check.count(layer.needed, `${at}.needed`);
    if (layer.needed > layer.kept!) check.fail(`${at}.needed`, `at most ${layer.kept}`);
  }
}

function checkBasis(check: Checker, value: unknown, at: string): void {
  const basis = check.object(value, at);
  check.oneOf(basis["formula"], ["jacobian", "(1-0)*alpha", "(1-alpha)^2", "svd", "neuron", "imported"], `${at}.formula`);
  if (typeof basis["global"] !== "boolean") check.fail(`${at}.global`, "true or false");
  check.list(basis["apart"], `${at}.apart`, 2).forEach((name, i) => check.oneOf(name, ["constant", "variance"], `${at}.apart[${i}]`));
  if (basis["imported"] === undefined) return;
  const imported = check.object(basis["imported"], `${at}.imported`);
  check.text(imported["source"], `${at}.imported.source`);
  check.numbers(imported["order"], `${at}.imported.order`, limits.features);
}

function checkSection(check: Checker, value: unknown, index: number): void {
  const at = `sections[${index}]`;
  const section = check.object(value, at) as Fields & Partial<SectionSummary>;
  if (section.index !== index) check.fail(`${at}.index`, String(index));
  check.text(section.from, `${at}.from`);
  check.text(section.to, `${at}.to`);
  const shape = check.numbers(section.shape, `${at}.shape`, 2);
  if (shape.length !== 2) check.fail(`${at}.shape`, "two numbers");
  shape.forEach((size) => check.count(size, `${at}.shape`));
  check.number(section.total, `${at}.total`);
  if (section.path !== undefined) check.text(section.path, `${at}.path`);
  const edges = check.object(section.edges, `${at}.edges`) as Fields & Partial<EdgeList>;
  const source = check.numbers(edges.source, `${at}.edges.source`, limits.edges);
  const target = check.numbers(edges.target, `${at}.edges.target`, limits.edges);
  const weight = check.numbers(edges.weight, `${at}.edges.weight`, limits.edges);
  if (source.length !== weight.length || target.length !== weight.length) check.fail(`${at}.edges`, "three lists of one length");
  if (!source.every((one) => Number.isInteger(one) && one >= 0 && one < shape[1]!)) check.fail(`${at}.edges.source`, "features of the earlier layer");
  if (!target.every((one) => Number.isInteger(one) && one >= 0 && one < shape[0]!)) check.fail(`${at}.edges.target`, "features of the later layer");
  const truncated = check.object(section.truncated, `${at}.truncated`);
  check.count(truncated["count"], `${at}.truncated.count`);
  check.number(truncated["largest"], `${at}.truncated.largest`);
}

class Checker {
  constructor(private readonly file: string) {}

  fail(field: string, expected: string): never {
    throw new FormatError(`${this.file} is a damaged result: "${field}" should be ${expected}. Delete the file and analyse again.`);
  }

  object(value: unknown, field: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail(field, "an object");
    return value as Fields;
  }

  text(value: unknown, field: string): void {
    if (typeof value !== "string" || value.length > limits.text) this.fail(field, "a text");
  }

  number(value: unknown, field: string): void {
    if (typeof value !== "number" || !Number.isFinite(value)) this.fail(field, "a finite number");
  }

  count(value: unknown, field: string): void {
    if (!Number.isSafeInteger(value) || (value as number) < 0) this.fail(field, "a whole number from 0");
  }

  oneOf(value: unknown, allowed: readonly string[], field: string): void {
    if (!allowed.includes(value as string)) this.fail(field, `one of ${allowed.join(", ")}`);
  }

  list(value: unknown, field: string, most: number): unknown[] {
    if (!Array.isArray(value) || value.length > most) this.fail(field, `a list of at most ${most}`);
    return value as unknown[];
  }

  numbers(value: unknown, field: string, most: number): number[] {
    const list = this.list(value, field, most);
    if (!list.every((one) => typeof one === "number" && Number.isFinite(one))) this.fail(field, "a list of finite numbers");
    return list as number[];
  }
}
