/** @file Command line -> what to do. Mistakes are named in one line. */

import { parseArgs } from "node:util";
import { InputError } from "../analysis/errors";
import { edgeNorms, type EdgeNorm } from "../core/lib/clustering/edgeNorms";
import { nearest } from "../analysis/spec/nearest";
import { isByteSize } from "../analysis/spec/resolveSpec";
import type { LabelKind } from "../protocol/labels";
import type { BackendName, BasisName } from "../protocol/result";
import type { AblationScheduleSpec } from "../protocol/spec";

const figureNames = ["spectra", "nodes", "edges", "required", "explained", "graph", "piano", "spans", "directions", "positions", "architecture"] as const;
export type FigureName = (typeof figureNames)[number];

export interface CommandLine {
  command: "inspect" | "analyze" | "ablate nodes" | "ablate edges" | "cluster" | "sparsity" | "labels" | "figure" | "backends" | "help" | "version";
  /** The model or spec; empty for commands without one. */
  file: string;
  /** All specs of a figure. */
  files: readonly string[];
  figure: FigureName;
  /** Node layer of a figure; null: the first. */
  layer: string | null;
  json: boolean;
  force: boolean;
  out: string | null;
  report: string | null;
  backend: BackendName | "auto";
  maxMemory: string | null;
  basis: BasisName | "all";
  /** `--basis` was given. */
  basisTyped: boolean;
  /** null: the spec's, or what is usual for the metric. */
  tolerance: number | null;
  metric: "accuracy" | "ce-loss" | null;
  /** Only what was typed. */
  schedule: AblationScheduleSpec;
  /** Resolution of the clustering. */
  gamma: number;
  norm: EdgeNorm;
  /** For the logarithmic norms; null: from an edge ablation. */
  epsilon: number | null;
  /** Wanted number of clusters. */
  clusters: number | null;
  mergeOutput: boolean;
  seeds: number;
  shuffles: number;
  /** What labels speak of. */
  kind: LabelKind | "auto";
}

const commands = ["inspect", "analyze", "ablate", "sparsity", "cluster", "labels", "figure", "backends"] as const;
const backends = ["auto", "tensorflow", "webgpu", "wasm", "cpu"] as const;

const options = {
  json: { type: "boolean" }, force: { type: "boolean" }, help: { type: "boolean", short: "h" }, version: { type: "boolean" },
  out: { type: "string" }, report: { type: "string" }, backend: { type: "string" }, "max-memory": { type: "string" },
  basis: { type: "string" }, tolerance: { type: "string" }, gamma: { type: "string" }, metric: { type: "string" },
  schedule: { type: "string" }, points: { type: "string" }, base: { type: "string" }, cutoff: { type: "string" }, interval: { type: "string" },
  keep: { type: "string" }, "stop-at": { type: "string" },
  norm: { type: "string" }, epsilon: { type: "string" }, clusters: { type: "string" }, "merge-output": { type: "boolean" },
  seeds: { type: "string" }, shuffles: { type: "string" }, kind: { type: "string" }, layer: { type: "string" },
} as const;

type OptionName = keyof typeof options;

const common = ["out", "backend", "max-memory"] as const;
const ablation = [...common, "basis", "tolerance", "metric", "schedule", "points", "base", "cutoff", "interval", "keep", "stop-at"] as const;

const modules = [...common, "gamma", "basis", "norm", "epsilon", "clusters", "merge-output", "tolerance", "metric"] as const;

/** Options that a figure understands besides --json and --help. */
const understoodByFigure: Record<FigureName, readonly OptionName[]> = {
  spectra: common, architecture: common,
  nodes: ablation, edges: ablation, required: ablation,
  explained: [...common, "basis", "kind"],
  graph: modules, piano: modules, spans: modules,
  directions: [...common, "layer"], positions: [...common, "layer"],
};

/** Options that the other commands understand. */
const understood: Record<Exclude<CommandLine["command"], "help" | "version" | "figure">, readonly OptionName[]> = {
  "inspect": [],
  "analyze": ["out", "backend", "force", "max-memory", "report"],
  "ablate nodes": ["force", ...ablation],
  "ablate edges": ["force", ...ablation],
  "sparsity": ["out", "backend", "force", "max-memory", "basis", "tolerance", "metric"],
  "cluster": [...modules, "seeds", "shuffles"],
  "labels": ["out", "backend", "max-memory", "basis", "kind"],
  "backends": [],
};

/** @throws InputError in one sentence that says what to type instead. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const result: CommandLine = {
    command: "help",
    file: "",
    files: [],
    figure: "nodes",
    layer: values.layer ?? null,
    basisTyped: values.basis !== undefined,
    json: values.json ?? false,
    force: values.force ?? false,
    out: values.out ?? null,
    report: values.report ?? null,
    backend: choice("--backend", values.backend ?? process.env["LIB_LENS_BACKEND"] ?? "auto", backends),
    maxMemory: values["max-memory"] === undefined ? null : size("--max-memory", values["max-memory"]),
    basis: choice("--basis", values.basis ?? (positionals[0] === "sparsity" ? "all" : "lib"), ["lib", "pca", "neuron", "all"]),
    tolerance: values.tolerance === undefined ? null : number("--tolerance", values.tolerance, 0.001),
    metric: values.metric === undefined ? null : choice<"accuracy" | "ce-loss">("--metric", values.metric, ["accuracy", "ce-loss"]),
    schedule: scheduleOf(values),
    gamma: number("--gamma", values.gamma, 1),
    norm: choice("--norm", values.norm ?? "sqrt", edgeNorms),
    epsilon: values.epsilon === undefined ? null : number("--epsilon", values.epsilon, 0.1),
    clusters: values.clusters === undefined ? null : whole("--clusters", values.clusters, 1, 3),
    mergeOutput: values["merge-output"] ?? false,
    seeds: values.seeds === undefined ? 0 : whole("--seeds", values.seeds, 2, 10),
    kind: choice<LabelKind | "auto">("--kind", values.kind ?? "auto", ["auto", "fourier", "class", "position", "token"]),
    shuffles: values.shuffles === undefined ? 0 : whole("--shuffles", values.shuffles, 1, 100),
  };
  if (result.epsilon !== null && !result.norm.endsWith("log")) throw new InputError("--epsilon belongs to the logarithmic norms: add --norm log or --norm node-log.");
  if (values.version) return { ...result, command: "version" };
  if (values.help || positionals[0] === "help" || args.length === 0) return result;
  const { command, rest } = commandOf(positionals);
  const typed = Object.keys(values).filter((name) => name !== "json") as OptionName[];
  if (command === "figure") {
    const wanted = figureOf(rest);
    const foreign = typed.find((name) => !understoodByFigure[wanted.figure].includes(name));
    if (foreign !== undefined) throw new InputError(`The figure "${wanted.figure}" has no option --${foreign}; it takes ${understoodByFigure[wanted.figure].map((name) => `--${name}`).join(", ")}.`);
    return { ...result, command, ...wanted };
  }
  const foreign = typed.find((name) => !understood[command].includes(name));
  if (foreign !== undefined) throw new InputError(`"lib-lens ${command}" has no option --${foreign}. Type "lib-lens --help" for the options.`);
  const wantsFile = command !== "backends";
  if (wantsFile && rest.length === 0) throw new InputError(`"lib-lens ${command}" needs a ${command === "inspect" ? "model file" : "spec file"}: lib-lens ${command} ${command === "inspect" ? "MODEL" : "SPEC"}.`);
  if (rest.length > (wantsFile ? 1 : 0)) throw new InputError(`"${rest.at(-1)}" is one argument too many for "lib-lens ${command}". Put quotes around a path with spaces.`);
  return { ...result, command, file: rest[0] ?? "" };
}

function figureOf(rest: readonly string[]): { figure: FigureName; file: string; files: readonly string[] } {
  const [name = "", ...files] = rest;
  if (!(figureNames as readonly string[]).includes(name)) {
    const meant = nearest(name, figureNames);
    throw new InputError(`There is no figure "${name}"${meant ? `: did you mean "${meant}"?` : `; the figures are ${figureNames.join(", ")}.`}`);
  }
  if (files.length === 0) throw new InputError(`"lib-lens figure ${name}" needs a spec file: lib-lens figure ${name} SPEC --out FILE.svg.`);
  return { figure: name as FigureName, file: files[0]!, files };
}

function parse(args: readonly string[]): ReturnType<typeof parseStrictly> {
  try {
    return parseStrictly(args);
  } catch (error) {
    const valueless = /^Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' argument (?:missing|is ambiguous)/.exec((error as Error).message)?.[1];
    if (valueless) throw new InputError(`${valueless} needs a value: ${valueless} VALUE, or ${valueless}=VALUE where it begins with a dash.`);
    const unknown = /Unknown option '(--?[^']+)'/.exec((error as Error).message)?.[1];
    if (!unknown) throw new InputError(`${(error as Error).message.split(". ")[0]}. Type "lib-lens --help" for the options.`);
    const meant = nearest(unknown.replace(/^-+/, ""), Object.keys(options));
    throw new InputError(`Unknown option ${unknown}${meant ? `: did you mean --${meant}?` : ". Type \"lib-lens --help\" for the options."}`);
  }
}

function parseStrictly(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
}

type CommandName = keyof typeof understood | "figure";

function commandOf(positionals: readonly string[]): { command: CommandName; rest: readonly string[] } {
  const [first = "", ...rest] = positionals;
  if (first === "ablate") {
    const [what = "", ...files] = rest;
    if (what === "nodes" || what === "edges") return { command: `ablate ${what}`, rest: files };
    throw new InputError(`"lib-lens ablate" is followed by nodes or edges: lib-lens ablate nodes SPEC.`);
  }
  if ((commands as readonly string[]).includes(first)) return { command: first as CommandName, rest };
  const meant = nearest(first, commands);
  throw new InputError(`Unknown command "${first}"${meant ? `: did you mean "${meant}"?` : `; the commands are ${commands.join(", ")}.`}`);
}

function scheduleOf(values: ReturnType<typeof parseStrictly>["values"]): AblationScheduleSpec {
  const { schedule, points, base, cutoff, interval, keep } = values;
  const stopAt = values["stop-at"];
  return {
    ...(schedule !== undefined ? { schedule: choice("--schedule", schedule, ["all", "linear", "exponential", "bisect", "logarithmic"]) } : {}),
    ...(points !== undefined ? { points: whole("--points", points, 2, 21) } : {}),
    ...(base !== undefined ? { base: atLeast("--base", number("--base", base, 1.05), 1, 1.05) } : {}),
    ...(cutoff !== undefined ? { cutoff: whole("--cutoff", cutoff, 0, 10) } : {}),
    ...(interval !== undefined ? { interval: whole("--interval", interval, 1, 1) } : {}),
    ...(keep !== undefined ? { keep: keep.split(",").map((one) => whole("--keep", one, 0, 10)) } : {}),
    ...(stopAt !== undefined ? { stopAt: number("--stop-at", stopAt, 0.5) } : {}),
  };
}

function whole(name: string, text: string, least: number, example: number): number {
  const value = atLeast(name, number(name, text, example), least, example);
  if (Number.isInteger(value)) return value;
  throw new InputError(`${name} is "${text}"; a whole number is expected, such as ${example}.`);
}

function atLeast(name: string, value: number, least: number, example: number): number {
  if (value >= least) return value;
  throw new InputError(`${name} is ${value}; it is at least ${least}, such as ${example}.`);
}

/** The text as it is, once it is known to be a size. */
function size(name: string, text: string): string {
  if (isByteSize(text)) return text;
  throw new InputError(`${name} is "${text}"; a size such as 4GB or 512MB is expected.`);
}

function choice<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new InputError(`${name} is "${value}"; it is one of ${allowed.join(", ")}.`);
}

function number(name: string, text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  if (text?.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new InputError(`${name} is "${text}"; a number from 0 is expected, such as ${fallback}.`);
}

export const help = `lib-lens: Local Interaction Basis analysis of neural networks

  lib-lens inspect MODEL               what a checkpoint holds: tensors, architecture, node layers
  lib-lens analyze SPEC                features and interactions of a network
  lib-lens ablate nodes SPEC           score against features kept, layer by layer
  lib-lens ablate edges SPEC           edges needed to keep the score, section by section
  lib-lens sparsity SPEC               how sparsely features interact, in the LIB, PCA and neuron bases
  lib-lens cluster SPEC                groups of features that interact among themselves
  lib-lens labels SPEC                 what the features respond to; kept in a text file beside the spec
  lib-lens figure NAME SPEC...         a plot as an SVG file (--out FILE.svg): ${figureNames.slice(0, 5).join(", ")},
                                       ${figureNames.slice(5).join(", ")}
  lib-lens backends                    what can compute on this machine

SPEC is a *.lib.json file (docs/analysis-spec.md), or a model when everything can be inferred.

  --json             one JSON object on standard output; progress goes to standard error
  --out DIR          folder of the result (default: .lib-lens beside the spec); labels: a further CSV file, one line
                     per layer; figure: the SVG file
  --backend NAME     auto, tensorflow, webgpu, wasm or cpu (default: auto, or LIB_LENS_BACKEND)
  --max-memory SIZE  overrides "maxMemory" of the spec, such as 8GB
  --force            compute even when it is stored: analyze the result; ablate, sparsity the ablation
  --report FILE      analyze: where the HTML report goes (default: beside the result, without --json)
  --basis NAME       ablate, sparsity, cluster, labels, figure: lib, pca, neuron, or all of them (default: lib;
                     sparsity: all; curves in a figure: lib and pca)
  --tolerance X      ablate: loss of score that still counts as kept (default 0.001 of accuracy, 0.1 nats)
  --metric NAME      ablate: accuracy or ce-loss instead of the spec's
  --schedule NAME    ablate: numbers kept: all (nodes), linear (--points), exponential (--base, --cutoff),
                     bisect or logarithmic (--interval)
  --keep N,N,...     ablate: further numbers to keep; without --schedule only these
  --stop-at X        ablate: stop once a score is further than X from the base score
  --gamma X          cluster: resolution; larger gives more and smaller groups (default 1)
  --clusters N       cluster: search a resolution that gives N groups
  --norm NAME        cluster: weight of an edge: sqrt (default), identity, abs, max, log or node-log
  --epsilon X        cluster: edges up to X weigh nothing in the logarithmic norms (default: from an edge ablation)
  --merge-output     cluster: the components of the output as one node
  --kind NAME        labels: auto (default), fourier, class, position or token
  --layer NAME       figure directions, positions: node layer (default: the first)
  --seeds N          cluster: agreement of N seeds (adjusted Rand index)
  --shuffles N       cluster: modularity against N graphs with shuffled edges
  --version, --help

Exit codes: 0 done, 1 failed, 2 bad input, 130 cancelled.`;
