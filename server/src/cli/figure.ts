/** @file `lib-lens figure`: a plot of one or several analyses as an SVG file. What it needs is taken from the store, or computed first. */

import { basename, resolve } from "node:path";
import type { AnalysisService } from "../analysis/analysisService";
import { InputError } from "../analysis/errors";
import { architectureFigure } from "../analysis/figures/architecture";
import { edgesFigure, nodesFigure, requiredFigure, type OfBases } from "../analysis/figures/curves";
import { explainedFigure } from "../analysis/figures/density";
import { directionsFigure, imageShape } from "../analysis/figures/directions";
import { graphFigure, pianoFigure } from "../analysis/figures/moduleFigures";
import { positionsFigure } from "../analysis/figures/positions";
import { modulesOfResult } from "../analysis/resultModules";
import { readMatrix, withResult } from "../analysis/store/resultFile";
import type { AblateNodesAnswer, AblationOptions, LabelKind, LabelledLayer, LabelsAnswer } from "../analysis/worker/messages";
import { writeFileAtomically } from "../formats/bytes/atomicFile";
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
  const analysed: Analysed[] = [];
  for (const file of files) {
    const done = await analyzeToEnd(service, file, false);
    analysed.push({ name: basename(file).replace(/(\.lib)?\.json$/i, ""), line: { ...line, file }, file: done.file, metadata: await service.metadata(done.file) });
  }
  const svg = await draw(service, wanted, analysed, line);
  const target = resolve(out);
  await writeFileAtomically(target, (append) => append(new TextEncoder().encode(svg)));
  await print(line.json ? JSON.stringify({ file: target }) : target);
}

async function draw(service: AnalysisService, wanted: FigureName, analysed: readonly Analysed[], line: CommandLine): Promise<string> {
  const [one] = analysed as [Analysed];
  switch (wanted) {
    case "nodes": return nodesFigure(await nodeAnswers(service, analysed));
    case "edges": return edgesFigure(await edgeAnswers(service, analysed, { schedule: "exponential", base: 1.5 }));
    case "required": return requiredFigure(await edgeAnswers(service, analysed, { schedule: "bisect" }));
    case "explained": return explainedFigure(await labelAnswers(service, analysed), (model, layer) => {
      const found = analysed.find(({ name }) => name === model)?.metadata.layers.find(({ name }) => name === layer);
      return found?.needed ?? found?.kept ?? 0;
    });
    case "graph": return graphFigure(one.metadata, await modulesOfResult(one.file, line.gamma, await studyOf(service, one.line, one.file)));
    case "piano": return pianoFigure(one.metadata, await modulesOfResult(one.file, line.gamma, await studyOf(service, one.line, one.file)));
    case "positions": return positionsFigure(await profileOf(service, one, "position"));
    case "directions": return directions(service, one);
    case "architecture": return architectureFigure(basename(one.metadata.model.path), await service.nodeLayerNames(one.file), one.metadata.layers);
  }
}

/** `--basis` chooses one; else LIB against PCA. */
function basesOf({ basis, basisTyped }: CommandLine): readonly BasisName[] {
  if (!basisTyped) return ["lib", "pca"];
  return basis === "all" ? allBases : [basis];
}

async function ofBases<T>(analysed: readonly Analysed[], ask: (one: Analysed, basis: BasisName) => Promise<T>): Promise<OfBases<T>> {
  const models: { name: string; answers: [BasisName, T][] }[] = [];
  for (const one of analysed) {
    const answers: [BasisName, T][] = [];
    for (const basis of basesOf(one.line)) answers.push([basis, await ask(one, basis)]);
    models.push({ name: one.name, answers });
  }
  return models;
}

function nodeAnswers(service: AnalysisService, analysed: readonly Analysed[]): Promise<OfBases<AblateNodesAnswer>> {
  return ofBases(analysed, async (one, basis) => {
    const options = await optionsOf(one.line, "nodes");
    return workToEnd((onEvent, signal) => service.ablateNodes(one.file, { ...options, basis }, onEvent, signal));
  });
}

/** @param usual the schedule where neither the spec nor the command line names one */
function edgeAnswers(service: AnalysisService, analysed: readonly Analysed[], usual: NonNullable<AblationOptions["schedule"]>): ReturnType<typeof ofBases<Awaited<ReturnType<AnalysisService["ablateEdges"]>>>> {
  return ofBases(analysed, async (one, basis) => {
    const options = await optionsOf(one.line, "edges");
    const schedule = Object.keys(options.schedule ?? {}).length > 0 ? options.schedule! : usual;
    return workToEnd((onEvent, signal) => service.ablateEdges(one.file, { ...options, schedule, basis }, onEvent, signal));
  });
}

function labelAnswers(service: AnalysisService, analysed: readonly Analysed[]): Promise<OfBases<LabelsAnswer>> {
  return ofBases(analysed, (one, basis) => workToEnd((onEvent, signal) => service.labels(one.file, one.line.kind, basis, onEvent, signal)));
}

/** The layer of `--layer`, or the first. @throws InputError for one that has no features. */
async function profileOf(service: AnalysisService, one: Analysed, kind: LabelKind): Promise<LabelledLayer> {
  const { layers } = await workToEnd((onEvent, signal) => service.labels(one.file, kind, "lib", onEvent, signal));
  const { layer } = one.line;
  const found = layer === null ? layers[0] : layers.find(({ name }) => name === layer);
  if (!found) throw new InputError(`The result has no features at "${layer}": the layers with features are ${layers.map(({ name }) => name).join(", ")}.`);
  return found;
}

/** Features drawn; the constant is none. */
const drawnFeatures = 12;

async function directions(service: AnalysisService, one: Analysed): Promise<string> {
  const layer = await profileOf(service, one, "class");
  const { index, dimension } = one.metadata.layers.find(({ name }) => name === layer.name)!;
  const shape = imageShape(dimension - 1);
  if (!shape) throw new InputError(`The ${dimension - 1} components of "${layer.name}" are no square picture of one or three channels: choose another --layer.`);
  const CPinv = await withResult(one.file, (opened) => readMatrix(opened, resultTensorName.CPinv(index)));
  if (!CPinv) throw new InputError(`${one.file} holds no features of "${layer.name}": analyse again.`);
  const features = Array.from({ length: Math.max(0, Math.min(drawnFeatures, CPinv.rows - 1)) }, (_, k) => k + 1);
  return directionsFigure(layer, CPinv, shape, features);
}
