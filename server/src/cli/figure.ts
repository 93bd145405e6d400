/** @file `lib-lens figure`: a plot of one or several analyses as an SVG file. What it needs is taken from the store, or computed first. */

import { basename, resolve, sep } from "node:path";
import type { AnalysisService } from "../analysis/analysisService";
import { InputError } from "../analysis/errors";
import { numbersOf } from "../analysis/moduleNumbers";
import { modulesOfResult, type ResultModules } from "../analysis/resultModules";
import { storedLabels } from "../analysis/store/foundLabels";
import { readMatrix, withResult } from "../analysis/store/resultFile";
import type { AblationOptions } from "../analysis/worker/messages";
import { architectureFigure } from "../figures/architecture";
import { scoreFigure, type ModelCurves } from "../figures/curves";
import { directionsFigure, imageShape } from "../figures/directions";
import { fileWidth, svgFile, type Drawing } from "../figures/drawing";
import { explainedFigure, type ModelLabels } from "../figures/explained";
import { graphFigure } from "../figures/graph";
import { neededFigure } from "../figures/needed";
import { pianoFigure } from "../figures/piano";
import { positionsFigure } from "../figures/positions";
import { spansFigure } from "../figures/spans";
import { spectraFigure } from "../figures/spectra";
import { requireWritable, writeFileAtomically } from "../formats/bytes/atomicFile";
import type { AblationCurve, ModuleNumbers } from "../protocol/ablation";
import type { LabelKind, LabelledLayer, LabelsAnswer } from "../protocol/labels";
import { resultTensorName, type BasisName, type ResultMetadata } from "../protocol/result";
import { allBases, optionsOf } from "./ablate";
import type { CommandLine, FigureName } from "./arguments";
import { studyOf } from "./cluster";
import { analyzeToEnd, workToEnd } from "./runToEnd";
import { print } from "./terminal";

interface Analysed { readonly name: string; readonly line: CommandLine; readonly file: string; readonly metadata: ResultMetadata }

const several: readonly FigureName[] = ["nodes", "edges", "required", "explained"];

export async function figure(service: AnalysisService, line: CommandLine): Promise<void> {
  const { figure: wanted, files, out } = line;
  if (out === null) throw new InputError("A figure needs a file to write: add --out FILE.svg.");
  if (files.length > 1 && !several.includes(wanted)) throw new InputError(`The figure "${wanted}" shows one analysis: name one spec.`);
  const target = resolve(out);
  await requireWritable(target);
  const analysed: Analysed[] = [];
  const names = distinctNames(files);
  for (const [place, file] of files.entries()) {
    const done = await analyzeToEnd(service, file, false);
    analysed.push({ name: names[place]!, line: { ...line, file }, file: done.file, metadata: await service.metadata(done.file) });
  }
  const drawing = await draw(service, wanted, analysed, line);
  await writeFileAtomically(target, (append) => append(new TextEncoder().encode(svgFile(drawing))));
  await print(line.json ? JSON.stringify({ file: target }) : target);
}

/** The specs' names; with as many folders before them as it takes to tell them apart. */
export function distinctNames(files: readonly string[]): string[] {
  const parts = files.map((file) => resolve(file).replace(/(\.lib)?\.json$/i, "").split(sep));
  const longest = Math.max(...parts.map(({ length }) => length));
  for (let folders = 1; ; folders += 1) {
    const names = parts.map((one) => one.slice(-folders).join("/"));
    if (folders >= longest || new Set(names).size === names.length) return names;
  }
}

async function draw(service: AnalysisService, wanted: FigureName, analysed: readonly Analysed[], line: CommandLine): Promise<Drawing> {
  const [one] = analysed as [Analysed];
  const { metadata } = one;
  const order = [...new Set(analysed.flatMap(({ metadata: { layers } }) => layers.map(({ name }) => name)))];
  const names = metadata.layers.map(({ name }) => name);
  switch (wanted) {
    case "spectra": return spectraFigure(metadata.layers, metadata.spec.basis?.center !== false, fileWidth);
    case "nodes": return scoreFigure("nodes", await nodeCurves(service, analysed), order, fileWidth);
    case "edges": return scoreFigure("edges", await edgeCurves(service, analysed, { schedule: "exponential", base: 1.5 }), order, fileWidth);
    case "required": return neededFigure("edges", await edgeCurves(service, analysed, { schedule: "bisect" }), order, fileWidth);
    case "explained": return explainedFigure(await modelLabels(service, analysed), (model, layer) => {
      const found = analysed.find(({ name }) => name === model)?.metadata.layers.find(({ name }) => name === layer);
      return found?.needed ?? found?.kept ?? 0;
    }, fileWidth);
    case "graph": {
      const { numbers, hint } = await modules(service, one, line);
      return graphFigure(metadata, numbers, hint);
    }
    case "piano": {
      const { numbers, hint } = await modules(service, one, line);
      return pianoFigure(numbers, names, hint, fileWidth);
    }
    case "spans": return spansFigure((await modules(service, one, line)).numbers, fileWidth);
    case "positions": return positionsFigure(await profileOf(service, one, "position"), fileWidth);
    case "directions": return directions(service, one);
    case "architecture": return architectureFigure(basename(metadata.model.path), await service.nodeLayerNames(one.file), metadata.layers, fileWidth);
  }
}

async function modules(service: AnalysisService, one: Analysed, line: CommandLine): Promise<{ numbers: ModuleNumbers; hint: string }> {
  const found = await modulesOfResult(one.file, line.gamma, await studyOf(service, one.line, one.file));
  return { numbers: numbersOf(one.metadata, found), hint: summary(found) };
}

function summary({ clusters, modularity, edgesInside, gamma, norm }: ResultModules): string {
  const count = clusters.filter(({ length }) => length > 1).length;
  return `${count} modules, modularity ${modularity.toFixed(3)}, ${(100 * edgesInside).toFixed(0)} % of the edges' size inside, at gamma ${Number(gamma.toPrecision(3))}, ${norm} norm`;
}

/** `--basis` chooses one; else LIB against PCA. */
function basesOf({ basis, basisTyped }: CommandLine): readonly BasisName[] {
  if (!basisTyped) return ["lib", "pca"];
  return basis === "all" ? allBases : [basis];
}

async function ofBases<T>(analysed: readonly Analysed[], ask: (one: Analysed, basis: BasisName) => Promise<T>): Promise<{ name: string; answers: [BasisName, T][] }[]> {
  const models: { name: string; answers: [BasisName, T][] }[] = [];
  for (const one of analysed) {
    const answers: [BasisName, T][] = [];
    for (const basis of basesOf(one.line)) answers.push([basis, await ask(one, basis)]);
    models.push({ name: one.name, answers });
  }
  return models;
}

const joined = (models: readonly { name: string; answers: readonly (readonly [BasisName, AblationCurve[]])[] }[]): ModelCurves[] =>
  models.map(({ name, answers }) => ({ name, curves: answers.flatMap(([, curves]) => curves) }));

async function nodeCurves(service: AnalysisService, analysed: readonly Analysed[]): Promise<ModelCurves[]> {
  return joined(await ofBases(analysed, async (one, basis) => {
    const options = await optionsOf(one.line, "nodes");
    const { curves, needed, metric, base, tolerance } = await workToEnd((onEvent, signal) => service.ablateNodes(one.file, { ...options, basis }, onEvent, signal));
    const widths = new Map(one.metadata.layers.map(({ name, dimension }) => [name, dimension]));
    return Object.entries(curves).map(([layer, points]): AblationCurve =>
      ({ what: "nodes", basis, layer, metric, base, tolerance, points, needed: needed[layer]!, total: widths.get(layer)! }));
  }));
}

/** @param usual the schedule where neither the spec nor the command line names one */
async function edgeCurves(service: AnalysisService, analysed: readonly Analysed[], usual: NonNullable<AblationOptions["schedule"]>): Promise<ModelCurves[]> {
  return joined(await ofBases(analysed, async (one, basis) => {
    const options = await optionsOf(one.line, "edges");
    const schedule = Object.keys(options.schedule ?? {}).length > 0 ? options.schedule! : usual;
    const { probes, required, total, metric, base, tolerance } = await workToEnd((onEvent, signal) => service.ablateEdges(one.file, { ...options, schedule, basis }, onEvent, signal));
    return Object.entries(probes).map(([layer, points]): AblationCurve =>
      ({ what: "edges", basis, layer, metric, base, tolerance, points, needed: required[layer]!, total: total[layer]! }));
  }));
}

/** What `lib-lens labels` or the editor kept, else found now. */
async function labelsOf(service: AnalysisService, { file, metadata }: Analysed, kind: LabelKind | "auto", basis: BasisName): Promise<LabelsAnswer> {
  return await storedLabels(file, metadata, kind, basis) ?? workToEnd((onEvent, signal) => service.labels(file, kind, basis, onEvent, signal));
}

function modelLabels(service: AnalysisService, analysed: readonly Analysed[]): Promise<ModelLabels[]> {
  return ofBases(analysed, (one, basis) => labelsOf(service, one, one.line.kind, basis));
}

/** The layer of `--layer`, or the first. @throws InputError for one that has no features. */
async function profileOf(service: AnalysisService, one: Analysed, kind: LabelKind): Promise<LabelledLayer> {
  const { layers } = await labelsOf(service, one, kind, "lib");
  const { layer } = one.line;
  const found = layer === null ? layers[0] : layers.find(({ name }) => name === layer);
  if (!found) throw new InputError(`The result has no features at "${layer}": the layers with features are ${layers.map(({ name }) => name).join(", ")}.`);
  return found;
}

/** Features drawn; the constant is none. */
const drawnFeatures = 12;

async function directions(service: AnalysisService, one: Analysed): Promise<Drawing> {
  const layer = await profileOf(service, one, "class");
  const { index, dimension } = one.metadata.layers.find(({ name }) => name === layer.name)!;
  const shape = imageShape(dimension - 1);
  if (!shape) throw new InputError(`The ${dimension - 1} components of "${layer.name}" are no square picture of one or three channels: choose another --layer.`);
  const CPinv = await withResult(one.file, (opened) => readMatrix(opened, resultTensorName.CPinv(index)));
  if (!CPinv) throw new InputError(`${one.file} holds no features of "${layer.name}": analyse again.`);
  const features = Array.from({ length: Math.max(0, Math.min(drawnFeatures, CPinv.rows - 1)) }, (_, k) => k + 1);
  return directionsFigure(layer, { cols: CPinv.cols, values: CPinv.data }, shape, features, fileWidth);
}
