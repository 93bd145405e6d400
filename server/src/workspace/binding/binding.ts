/**
 * @file Which class a checkpoint was made by, and which line made each tensor. Ambiguity is reported, never guessed.
 */

import type { TensorInfo } from "../../formats/modelFile";
import type { DocumentFacts } from "../facts";
import { type Agreement, type Match, agreement } from "./matching";
import { type ParameterPattern, PatternExpander, agreedParameters } from "./parameterPatterns";
import { candidatePrefixes } from "./prefixes";
import type { Symbols } from "./symbols";
import { type FoundModule } from "./symbols";

export interface ModelTensors {
  /** Absolute path of the model file. */
  path: string;
  tensors: readonly TensorInfo[];
  /** Documents that read or write this file. */
  referencedBy: ReadonlySet<string>;
}

/** A class that explains a model, with what it explains. */
export interface Binding {
  model: string;
  module: { name: string; uri: string; kind: "class" | "variable" };
  prefix: string;
  matches: Match[];
  names: number;
  shapes: number;
  /** 2: the document that names the file defines the class; 1: it imports it; 0: they only look alike. */
  proximity: 0 | 1 | 2;
}

export interface ModelBinding {
  model: string;
  /** null when nothing fits, or when several classes fit equally well. */
  bound: Binding | null;
  /** The classes that fit equally well, when there are several. */
  ambiguous: Binding[];
}

/** A class must explain more than this share of the names; unknown layers alone reach exactly one half. */
const leastNames = 0.5;

export interface Candidate { module: FoundModule; patterns: ParameterPattern[] }

/** Every class and variable that would have a state dict. */
export function bindingCandidates(documents: ReadonlyMap<string, DocumentFacts>, symbols: Symbols): Candidate[] {
  const expander = new PatternExpander(symbols);
  const candidates: Candidate[] = [];
  for (const facts of documents.values()) {
    for (const definition of facts.modules) {
      const module = { facts, definition };
      const patterns = expander.expand(module, agreedParameters(module, documents.values(), symbols));
      if (patterns.length > 0) candidates.push({ module, patterns });
    }
  }
  return candidates;
}

export function bindModel(model: ModelTensors, candidates: readonly Candidate[], documents: ReadonlyMap<string, DocumentFacts>, symbols: Symbols): ModelBinding {
  const reached = new Set<string>();
  for (const uri of model.referencedBy) {
    const facts = documents.get(uri);
    if (facts) for (const other of symbols.reachable(facts)) reached.add(other);
  }
  const prefixes = candidatePrefixes(model.tensors.map((tensor) => tensor.name));
  const fits = candidates.flatMap((candidate) => {
    const best = prefixes
      .map((prefix) => ({ prefix, ...agreement(candidate.patterns, model.tensors, prefix) }))
      .reduce((a, b) => (better(b, a) ? b : a));
    return best.names > leastNames ? [bindingOf(model, candidate.module, best, reached)] : [];
  });
  fits.sort((a, b) => compare(b, a));
  const [first, ...rest] = fits;
  if (!first) return { model: model.path, bound: null, ambiguous: [] };
  const equal = rest.filter((other) => compare(first, other) === 0 && !samePlaces(first, other));
  return equal.length === 0
    ? { model: model.path, bound: first, ambiguous: [] }
    : { model: model.path, bound: null, ambiguous: [first, ...equal] };
}

function bindingOf(model: ModelTensors, module: FoundModule, fit: Agreement & { prefix: string }, reached: ReadonlySet<string>): Binding {
  const uri = module.facts.uri;
  return {
    model: model.path,
    module: { name: module.definition.name, uri, kind: module.definition.kind },
    prefix: fit.prefix, matches: fit.matches, names: fit.names, shapes: fit.shapes,
    proximity: model.referencedBy.has(uri) ? 2 : reached.has(uri) ? 1 : 0,
  };
}

function better(a: Agreement, b: Agreement): boolean {
  return a.names !== b.names ? a.names > b.names : a.shapes > b.shapes;
}

/**
 * Names decide, then whether the code that names the file can see the class, then shapes, then the longer explanation.
 * Shapes come late, so that a checkpoint with an outdated size is reported against its own class.
 */
function compare(a: Binding, b: Binding): number {
  return step(a.names, b.names) || a.proximity - b.proximity || step(a.shapes, b.shapes) || b.prefix.length - a.prefix.length;
}

/** Differences below 1 % are no evidence. */
function step(a: number, b: number): number {
  return Math.abs(a - b) < 0.01 ? 0 : a - b;
}

/** Two classes that lead to the same lines (a subclass that adds nothing) are no ambiguity. */
function samePlaces(a: Binding, b: Binding): boolean {
  const places = (binding: Binding): string => binding.matches
    .map(({ tensor, pattern }) => `${tensor.name} ${pattern.place.uri} ${pattern.place.range.start.line}:${pattern.place.range.start.character}`)
    .join("\n");
  return places(a) === places(b);
}
