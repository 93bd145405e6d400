/** @file Results and runs made from a seed: heavy-tailed edges in modules, spectra with a gap, as real ones have. */

import { seededRandom } from "../../server/src/core/random";
import type { AblationCurve, ModuleNumbers } from "../../server/src/protocol/ablation";
import type { LabelKind, LabelsAnswer } from "../../server/src/protocol/labels";
import type { RunEvent } from "../../server/src/protocol/events";
import { resultTensorName, type BasisName, type EdgeList, type LayerSummary, type ResultMetadata, type SectionSummary } from "../../server/src/protocol/result";
import type { ViewMatrix } from "../../server/src/protocol/views";

export interface LayerPlan { name: string; dimension: number; kept: number }

/** Like the modular-addition transformer: three rotated layers and the logits as they are. */
export const modularAddition: LayerPlan[] = [
  { name: "ln1.0", dimension: 129, kept: 24 },
  { name: "ln2.0", dimension: 129, kept: 19 },
  { name: "unembed", dimension: 129, kept: 21 },
  { name: "output", dimension: 113, kept: 0 },
];

export const perceptron: LayerPlan[] = [
  { name: "layers.0", dimension: 785, kept: 87 },
  { name: "layers.1", dimension: 101, kept: 62 },
  { name: "layers.2", dimension: 101, kept: 31 },
  { name: "output", dimension: 10, kept: 0 },
];

const featuresOf = ({ kept, dimension }: LayerPlan): number => (kept > 0 ? kept : dimension);

export interface Fixture { metadata: ResultMetadata; matrices: Map<string, ViewMatrix> }

export function fixture(plan: LayerPlan[], seed = 1, signed = false): Fixture {
  const next = seededRandom(seed);
  const matrices = new Map<string, ViewMatrix>();
  const layers = plan.map((layer, index): LayerSummary => ({
    index,
    name: layer.name,
    dimension: layer.dimension,
    kept: layer.kept,
    lambda: layer.kept === 0 ? [] : [1, ...falling(layer.kept - 1, next, 3)],
    gramEigenvalues: layer.kept === 0 ? [] : [1, ...falling(layer.dimension - 1, next, 6)],
    gramRank: layer.kept === 0 ? layer.dimension : layer.dimension - 4,
  }));
  const sections = plan.slice(1).map((to, index): SectionSummary => {
    const from = plan[index]!;
    const edges = edgeMatrix(featuresOf(to), featuresOf(from), next, signed);
    const ranks = (layer: LayerPlan): number => (layer.kept > 0 ? Math.min(60, layer.dimension - 4) : layer.dimension);
    matrices.set(resultTensorName.edges(index), edges);
    if (from.kept > 0) matrices.set(resultTensorName.CPinv(index), jacobian(from.kept, from.dimension, next, "lib"));
    matrices.set(resultTensorName.edgesPca(index), edgeMatrix(ranks(to), ranks(from), next, false, 0.4));
    for (const basis of ["neuron", "pca", "lib"] as BasisName[]) {
      const rows = basis === "neuron" ? to.dimension : basis === "pca" ? ranks(to) : featuresOf(to);
      const cols = basis === "neuron" ? from.dimension : basis === "pca" ? ranks(from) : featuresOf(from);
      const mean = jacobian(rows, cols, next, basis);
      matrices.set(resultTensorName.jacobian(basis, index), mean);
      matrices.set(resultTensorName.jacobianRms(basis, index), { ...mean, values: mean.values.map((value) => Math.abs(value) * 1.3) });
    }
    return { index, from: from.name, to: to.name, shape: [edges.rows, edges.cols], ...edgeSummary(edges) };
  });
  const metadata: ResultMetadata = {
    format: "lib-lens-result", version: 1, key: "3f9a1c77b2d04e58a6c1", algorithmVersion: 1, createdAt: "2026-11-20T10:00:00.000Z", complete: true,
    model: { path: "runs/seed0/model_epoch_60000.pt", sha256: "00", family: "transformer-lens", parameters: 226_816 },
    spec: { model: "runs/seed0/model_epoch_60000.pt", data: plan === perceptron ? { kind: "idx" } : { kind: "modular-addition", modulus: 113 } },
    backend: { name: "wasm", description: "wasm SIMD" }, precision: "float32", samples: 3830, seconds: 5.4, phases: { bases: 3, edges: 2 },
    layers, sections, evaluation: { metric: "accuracy", base: 0.99955, samples: 8939 },
    notes: ["The tensor blocks.0.attn.mask was ignored: it is a buffer, not a parameter."],
  };
  return { metadata, matrices };
}

/** A falling spectrum with a gap after two thirds. */
function falling(length: number, next: () => number, decades: number): number[] {
  const values = Array.from({ length }, (_, at) => 10 ** (-(decades * at) / length - (at > (2 * length) / 3 ? 1 : 0)) * (0.8 + 0.4 * next()));
  return values.sort((a, b) => b - a);
}

function edgeMatrix(rows: number, cols: number, next: () => number, signed: boolean, coupling = 0.05): ViewMatrix {
  const values = new Float32Array(rows * cols);
  const modules = 6;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const normal = Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
      const together = row % modules === col % modules ? 1 : coupling * next() ** 2;
      const sign = signed && next() < 0.3 ? -1 : 1;
      values[row * cols + col] = sign * together * Math.exp(1.6 * normal - 6 * (row / rows + col / cols)) * (col === 0 ? 40 : 1);
    }
  }
  return { rows, cols, values };
}

function jacobian(rows: number, cols: number, next: () => number, basis: BasisName): ViewMatrix {
  const values = new Float32Array(rows * cols);
  const clusters = 5;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const centred = next() - 0.5;
      const noise = centred ** 3 * 8;
      const near = (row * 7) % clusters === (col * 3) % clusters;
      values[row * cols + col] = noise * (basis === "neuron" ? 0.3 : near ? 1 : basis === "lib" ? 0.01 : 0.15) * Math.exp(basis === "neuron" ? 0 : -2 * (row / rows + col / cols));
    }
  }
  return { rows, cols, values };
}

function edgeSummary({ cols, values }: ViewMatrix): { total: number; edges: EdgeList; truncated: { count: number; largest: number } } {
  const order = Array.from(values.keys()).sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!));
  const kept = order.slice(0, 20_000);
  const total = order.reduce((sum, at) => sum + (at % cols === 0 ? 0 : Math.abs(values[at]!)), 0);
  return {
    total,
    edges: { source: kept.map((at) => at % cols), target: kept.map((at) => Math.floor(at / cols)), weight: kept.map((at) => values[at]!) },
    truncated: { count: order.length - kept.length, largest: order.length > kept.length ? Math.abs(values[order[20_000]!]!) : 0 },
  };
}

/** The stream that leads to the result: bases from the last layer backwards, then edges. */
export function runEvents(metadata: ResultMetadata, run = "run-1"): RunEvent[] {
  const { layers, sections } = metadata;
  const phase = (name: "means" | "bases" | "edges" | "write", overall: number, detail: string): RunEvent =>
    ({ kind: "phase", run, phase: name, fraction: overall, overall, detail, elapsedSeconds: overall * metadata.seconds });
  return [
    { kind: "started", run, key: metadata.key, model: metadata.model.path, spec: null, backend: metadata.backend, nodeLayers: layers.map(({ name, dimension }) => ({ name, dimension })), samples: metadata.samples },
    phase("means", 0.1, "batch 4 of 8"),
    ...[...layers].reverse().flatMap((layer, at): RunEvent[] => [{ kind: "layer", run, layer }, phase("bases", 0.2 + (0.3 * at) / layers.length, layer.name)]),
    ...[...sections].reverse().flatMap((section, at): RunEvent[] => [{ kind: "section", run, section }, phase("edges", 0.6 + (0.3 * at) / sections.length, `${section.from} to ${section.to}`)]),
    { kind: "note", run, message: metadata.notes[0]! },
    phase("write", 0.97, ""),
    { kind: "done", run, key: metadata.key, file: "/tmp/result.libresult", seconds: metadata.seconds, phases: metadata.phases, cached: false },
  ];
}

/** Scores that rise with what is kept, sooner in the LIB basis than in PCA. */
export function ablationCurves({ layers, sections }: ResultMetadata): AblationCurve[] {
  const common = { metric: "accuracy", base: 0.99955, tolerance: 0.001 } as const;
  const score = (kept: number, half: number): number => common.base * (1 - Math.exp(-((kept / half) ** 2)));
  const needs = (half: number): number => Math.ceil(half * Math.sqrt(-Math.log(common.tolerance)));
  return (["lib", "pca"] as const).flatMap((basis, place) => [
    ...layers.filter(({ kept }) => kept > 0).map(({ name, kept, dimension }): AblationCurve => {
      const half = (kept / 5) * (1 + 0.6 * place);
      return { ...common, what: "nodes", basis, layer: name, needed: needs(half), total: dimension, points: Array.from({ length: dimension + 1 }, (_, k) => [k, score(k, half)]) };
    }),
    ...sections.map(({ from, shape }): AblationCurve => {
      const half = 30 * (1 + 2 * place);
      const total = shape[0] * shape[1];
      return { ...common, what: "edges", basis, layer: from, needed: needs(half), total, points: [0, 1, 8, 20, 40, 60, 90, 130, 200, total].map((k) => [k, score(k, half)]) };
    }),
  ]);
}

/** The modules that the edges were made in (feature number modulo their number), more of them at a higher resolution; the constant feature is alone. */
export function modulesOf({ layers }: ResultMetadata, resolution: number): ModuleNumbers {
  const modules = Math.max(1, Math.round(6 * resolution));
  return { modularity: 0.5, edgesInside: 0.75, layers: layers.map(({ kept }) => Array.from({ length: kept }, (_, feature) => (feature === 0 ? -1 : feature % modules))) };
}

/** A place between the node layers, as a real network has them. */
export const modulesOfModel = ({ layers }: ResultMetadata): string[] => layers.flatMap(({ name }) => (name === "output" ? [name] : [name, `${name}.act`]));

/** Features that respond to one group each, LIB features more purely. */
export function labelsOf({ layers }: ResultMetadata, kind: LabelKind, basis: BasisName): LabelsAnswer {
  const groups = Array.from({ length: kind === "position" ? 32 : 10 }, (_, group) => group);
  const words = [" the", " a", " cat", "ing", "\\n", " of", "|", " to", " und", "…"];
  return {
    kind,
    layers: layers.filter(({ kept }) => kept > 0).map(({ name, kept }, layer) => {
      const next = seededRandom(17 + layer + (basis === "lib" ? 0 : 100));
      const explained = Array.from({ length: kept }, (_, feature) => (feature === 0 ? 0 : next() ** (basis === "lib" ? 0.5 : 1.2)));
      return {
        name, explained,
        labels: explained.map((share, feature) => (feature === 0 ? "constant" : `${Math.round(100 * share)}% ${kind}|high ${feature % 10}`)),
        ...(kind === "fourier" ? {} : { profile: explained.map((share, feature) => groups.map((group) => ({
          group, ...(kind === "token" ? { text: JSON.stringify(words[group]) } : {}), count: 200, deviation: 0.3,
          mean: kind === "position" ? share * Math.sin((group * feature) / 9) : group === feature % 10 ? 2 * share : -0.2 * next(),
        }))) }),
      };
    }),
  };
}
