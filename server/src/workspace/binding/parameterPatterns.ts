/** @file The state dict that a class would have: names (with `*` where only a run could tell), shapes and source lines. */

import type { DocumentFacts, LayerDefinition, Range, Value } from "../facts";
import { evaluate } from "../python/values";
import { type Dimension, type Filled, type Shape, knownParameters } from "./knownLayers";
import type { FoundModule, Symbols } from "./symbols";

/** One place in code, and the class (or variable) that it stands in. */
export interface LayerPlace { uri: string; range: Range; callee: string; owner: string }

export interface ParameterPattern {
  /** Name in the state dict; a segment may be `*` (one segment), and a last `**` stands for any tensors below. */
  name: string;
  /** null: the code does not tell. */
  shape: Shape | null;
  /** The line that makes the layer. */
  place: LayerPlace;
  /** The outer lines on the way to it: `self.blocks = …` around `self.fc = …`. */
  via: LayerPlace[];
  /** The tensor may be absent. */
  optional: boolean;
}

const maxDepth = 10;
const maxPatterns = 20_000;

export class PatternExpander {
  readonly #symbols: Symbols;
  #patterns: ParameterPattern[] = [];

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
  }

  /** @param parameters values of the constructor's parameters; what is absent is unknown. */
  expand(module: FoundModule, parameters: ReadonlyMap<string, Value>): ParameterPattern[] {
    this.#patterns = [];
    this.#module(module, parameters, "", [], 0);
    return this.#patterns;
  }

  #module(module: FoundModule, parameters: ReadonlyMap<string, Value>, prefix: string, via: LayerPlace[], depth: number): void {
    if (depth > maxDepth) return;
    const own = new Set(module.definition.layers.map((layer) => layer.key));
    if (module.definition.kind === "class") {
      for (const base of module.definition.bases) {
        const found = this.#symbols.find(base, module.facts);
        // What a base class is built with is up to the call of super().__init__, which is not followed.
        if (found && found.definition !== module.definition) {
          const inherited = { ...found, definition: { ...found.definition, layers: found.definition.layers.filter((layer) => !own.has(layer.key)) } };
          this.#module(inherited, parameters, prefix, via, depth + 1);
        }
      }
    }
    for (const layer of module.definition.layers) this.#layer(layer, module, parameters, prefix + layer.key, via, depth);
  }

  #layer(layer: LayerDefinition, module: FoundModule, parameters: ReadonlyMap<string, Value>, name: string, via: LayerPlace[], depth: number): void {
    if (this.#patterns.length > maxPatterns) return;
    const { facts, definition } = module;
    const place: LayerPlace = { uri: facts.uri, range: layer.range, callee: layer.callee, owner: definition.name };
    const add = (suffix: string, shape: Shape | null, optional: boolean): void => {
      this.#patterns.push({ name: suffix ? `${name}.${suffix}` : name, shape, place, via, optional });
    };
    switch (layer.kind) {
      case "tensor":
        add("", layer.shape && layer.shape.map((part) => asDimension(evaluate(part, parameters))), false);
        return;
      case "container":
        for (const entry of layer.entries) this.#layer(entry, module, parameters, `${name}.${entry.key}`, [...via, place], depth + 1);
        return;
      case "module": {
        const call = fill(layer, parameters);
        const found = this.#symbols.find(layer.callee, facts);
        if (found) {
          this.#module(found, constructorParameters(found, call), `${name}.`, [...via, place], depth + 1);
          return;
        }
        const tensors = knownParameters(layer.callee.slice(layer.callee.lastIndexOf(".") + 1), call);
        if (!tensors) add("**", null, true);
        else for (const tensor of tensors) add(tensor.name, tensor.shape, tensor.optional ?? false);
      }
    }
  }
}

function asDimension(value: Value): Dimension {
  return typeof value === "number" ? value : null;
}

function fill(layer: LayerDefinition, parameters: ReadonlyMap<string, Value>): Filled {
  return {
    positional: layer.arguments.positional.map((part) => evaluate(part, parameters)),
    keyword: new Map(layer.arguments.keyword.map(([name, part]) => [name, evaluate(part, parameters)])),
    open: layer.arguments.open,
  };
}

/** Values of a class's constructor parameters in one call: what is not passed has its default. */
function constructorParameters(module: FoundModule, call: Filled): Map<string, Value> {
  const values = new Map<string, Value>();
  module.definition.parameters.forEach((parameter, position) => {
    const given = call.keyword.has(parameter.name) ? call.keyword.get(parameter.name) : call.positional[position];
    values.set(parameter.name, given !== undefined ? given : call.open ? null : parameter.default);
  });
  return values;
}

/**
 * Values of constructor parameters that all calls of a class in the workspace agree on; the defaults when nothing calls it.
 * A default that some call overrides says nothing about the checkpoint.
 */
export function agreedParameters(module: FoundModule, documents: Iterable<DocumentFacts>, symbols: Symbols): Map<string, Value> {
  let agreed: Map<string, Value> | null = null;
  const name = module.definition.name;
  for (const facts of documents) {
    for (const construction of facts.constructions) {
      if (!construction.callee.endsWith(name) && !facts.imports.some((imported) => imported.as === construction.callee)) continue;
      if (symbols.find(construction.callee, facts)?.definition !== module.definition) continue;
      const call: Filled = {
        positional: construction.arguments.positional.map((part) => evaluate(part, new Map())),
        keyword: new Map(construction.arguments.keyword.map(([key, part]) => [key, evaluate(part, new Map())])),
        open: construction.arguments.open,
      };
      const values = constructorParameters(module, call);
      if (!agreed) agreed = values;
      else for (const [key, value] of agreed) if (JSON.stringify(value) !== JSON.stringify(values.get(key))) agreed.set(key, null);
    }
  }
  return agreed ?? constructorParameters(module, { positional: [], keyword: new Map(), open: false });
}
