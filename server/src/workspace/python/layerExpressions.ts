/** @file One expression that makes a layer, a container of layers or a tensor. */

import type { Node } from "web-tree-sitter";
import type { LayerDefinition, Value } from "../facts";
import { children, field, lastPart, rangeOf, walk } from "../syntax/nodes";
import { type PythonCall, argument, literal, readCall } from "./calls";
import type { PathFolder } from "./pathExpressions";
import { enclosingFunction, isConditional } from "./scopes";
import type { ValueFolder } from "./values";

const maxDepth = 12;
const noArguments = { positional: [], keyword: [], open: false };

export class LayerReader {
  readonly #values: ValueFolder;
  readonly #paths: PathFolder;
  readonly #functions = new Map<string, Node>();

  constructor(root: Node, values: ValueFolder, paths: PathFolder) {
    this.#values = values;
    this.#paths = paths;
    for (const node of children(root)) {
      const name = node.type === "function_definition" ? field(node, "name")?.text : undefined;
      if (name) this.#functions.set(name, node);
    }
  }

  /** The layer that an expression makes, under the name `key`; null when it makes none. */
  read(node: Node, key: string, depth = 0): LayerDefinition | null {
    if (depth > maxDepth) return null;
    switch (node.type) {
      case "parenthesized_expression": case "conditional_expression": {
        const first = children(node)[0];
        return first ? this.read(first, key, depth + 1) : null;
      }
      case "list": case "list_comprehension": {
        const entries = this.entries(node, depth + 1);
        return entries.length > 0 ? container(node, key, node.type, entries) : null;
      }
      case "call": {
        const call = readCall(node);
        return call && this.#readCall(call, key, depth + 1);
      }
      default: return null;
    }
  }

  /** `nn.Parameter(torch.zeros(4, 8))`, or the value of a buffer. */
  tensor(node: Node, key: string, callee: string): LayerDefinition {
    return {
      key, range: rangeOf(node), kind: "tensor", callee, arguments: noArguments, entries: [], shape: this.#shape(node),
    };
  }

  /** Layers of a list, a comprehension, or a list variable that is filled before. */
  entries(node: Node, depth = 0): LayerDefinition[] {
    if (depth > maxDepth) return [];
    switch (node.type) {
      case "list": case "tuple":
        return this.#inOrder(children(node), depth);
      case "list_comprehension": case "generator_expression": {
        const body = field(node, "body");
        const layer = body && this.read(body, "*", depth + 1);
        return layer ? [layer] : [];
      }
      case "list_splat": {
        const inner = children(node)[0];
        return inner ? this.entries(inner, depth + 1) : [];
      }
      case "identifier": return this.#listVariable(node, depth + 1);
      case "call": {
        const call = readCall(node);
        const first = call?.positional[0];
        if (first && lastPart(call.callee) === "OrderedDict") return this.#pairs(first, depth + 1);
        return first && lastPart(call.callee) === "list" ? this.entries(first, depth + 1) : [];
      }
      case "dictionary": return this.#pairs(node, depth + 1);
      default: return [];
    }
  }

  #readCall(call: PythonCall, key: string, depth: number): LayerDefinition | null {
    const callee = field(call.node, "function");
    // `nn.Linear(4, 8).to(device)` has no dotted callee, only a last part.
    const name = lastPart(call.callee) || (callee && field(callee, "attribute")?.text) || "";
    const first = call.positional[0];
    switch (name) {
      case "Parameter": case "UninitializedParameter":
        return first ? this.tensor(first, key, call.callee) : null;
      case "Sequential": case "ModuleList": {
        const only = call.positional.length === 1 && first && /^(list|list_comprehension|list_splat|generator_expression|identifier|call)$/.test(first.type)
          ? this.entries(first, depth) : [];
        return container(call.node, key, call.callee, only.length > 0 ? only : this.#inOrder(call.positional, depth));
      }
      case "ModuleDict": case "ParameterDict":
        return container(call.node, key, call.callee, first ? this.#pairs(first, depth) : []);
      case "ParameterList":
        return container(call.node, key, call.callee, first ? this.entries(first, depth) : []);
      default: {
        // Wrappers that keep the names of what they wrap, or only add to them.
        if (/^(to|cuda|cpu|half|float|double|eval|train|requires_grad_|apply)$/.test(name)) {
          const object = callee && field(callee, "object");
          return object ? this.read(object, key, depth) : null;
        }
        if (/^(spectral_norm|weight_norm|compile|checkpoint_wrapper|script)$/.test(name) && first) return this.read(first, key, depth);
        if (!call.callee) return null;
        if (!/^[A-Z]/.test(name)) return this.#fromFunction(call, key, depth);
        return {
          key, range: rangeOf(call.node), kind: "module", callee: call.callee,
          arguments: this.#values.arguments(call), entries: [], shape: null,
        };
      }
    }
  }

  /** A function of the document that returns a layer: `def weight(*shape): return nn.Parameter(torch.randn(shape))`. */
  #fromFunction(call: PythonCall, key: string, depth: number): LayerDefinition | null {
    const definition = this.#functions.get(call.callee);
    const value = definition && onlyReturn(definition);
    const layer = value ? this.read(value, key, depth + 1) : null;
    if (!definition || !layer) return null;
    const rest = field(definition, "parameters")?.namedChildren.some((parameter) => parameter.type === "list_splat_pattern") ?? false;
    // A tensor of `*shape` has the sizes of the call; every other parameter stays unknown.
    const shape = layer.kind === "tensor" && rest && layer.shape?.length === 1 && layer.shape[0] === null
      ? call.positional.map((part) => this.#values.fold(part)) : layer.shape;
    return { ...layer, shape, range: layer.kind === "container" ? layer.range : rangeOf(call.node) };
  }

  /** Entries numbered by position; `*` from the first splat of unknown length on. */
  #inOrder(nodes: Node[], depth: number): LayerDefinition[] {
    const entries: LayerDefinition[] = [];
    let position: number | null = 0;
    for (const node of nodes) {
      if (node.type === "list_splat") {
        const spliced = this.entries(node, depth + 1);
        const certain = spliced.length > 0 && spliced.every((entry) => entry.key !== "*");
        for (const entry of spliced) {
          entries.push({ ...entry, key: certain && position !== null ? String(position++) : "*" });
        }
        if (!certain) position = null;
        continue;
      }
      const key = position === null ? "*" : String(position++);
      const layer = this.read(node, key, depth + 1);
      // Something unknown (a function's result, a variable) still takes its place.
      if (layer) entries.push(layer);
    }
    return entries;
  }

  /** `[("fc", nn.Linear(…)), …]` or `{"fc": nn.Linear(…)}` */
  #pairs(node: Node, depth: number): LayerDefinition[] {
    if (node.type === "identifier") return this.#listVariable(node, depth + 1);
    if (node.type === "dictionary_comprehension" || node.type === "list_comprehension") {
      const body = field(node, "body");
      const value = body && (field(body, "value") ?? children(body)[1]);
      const layer = value && this.read(value, "*", depth + 1);
      return layer ? [layer] : [];
    }
    return children(node).flatMap((pair) => {
      const [first, second] = pair.type === "pair" ? [field(pair, "key"), field(pair, "value")] : children(pair);
      if (!first || !second) return [];
      const key = literal(first) ?? this.#paths.fold(first) ?? "*";
      const layer = this.read(second, key, depth + 1);
      return layer ? [layer] : [];
    });
  }

  /** `layers = []`, `layers.append(…)`, `layers += […]` before the use of `layers` in the same function. */
  #listVariable(use: Node, depth: number): LayerDefinition[] {
    const scope = enclosingFunction(use);
    const root = scope ?? use.tree.rootNode;
    const found: { node: Node; certain: boolean }[] = [];
    const add = (value: Node, statement: Node): void => {
      const certain = !isConditional(statement);
      const parts = value.type === "list" ? children(value) : [value];
      for (const part of parts) found.push({ node: part, certain });
    };
    walk(root, (node) => {
      if (node.startIndex >= use.startIndex) return false;
      if (node.type === "assignment" && field(node, "left")?.text === use.text) {
        const value = field(node, "right");
        if (value) add(value, node);
      } else if (node.type === "augmented_assignment" && field(node, "left")?.text === use.text) {
        const value = field(node, "right");
        if (value) add(value, node);
      } else if (node.type === "call") {
        const call = readCall(node);
        const value = call?.positional[0];
        if (value && (call.callee === `${use.text}.append` || call.callee === `${use.text}.extend`)) add(value, node);
      }
      return true;
    });
    const certain = found.every((part) => part.certain);
    return found.flatMap(({ node }, position) => {
      if (node.type === "list_comprehension") return this.entries(node, depth);
      if (node.type === "tuple") {
        const [first, second] = children(node);
        const layer = second && this.read(second, literal(first) ?? "*", depth);
        return layer ? [layer] : [];
      }
      const layer = this.read(node, certain ? String(position) : "*", depth);
      return layer ? [layer] : [];
    });
  }

  /** Shape of `torch.zeros(a, b)`, also where it is scaled: `torch.randn(a, b) / math.sqrt(a)`, `torch.ones(a).mul(2)`. */
  #shape(node: Node, depth = 0): Value[] | null {
    if (depth > maxDepth) return null;
    if (node.type === "binary_operator") {
      const [left, right] = [field(node, "left"), field(node, "right")];
      return (left && this.#shape(left, depth + 1)) ?? (right && this.#shape(right, depth + 1));
    }
    const call = readCall(node);
    if (!call) return null;
    if (/^(torch|np|numpy)\.(zeros|ones|empty|randn|rand|full)$/.test(call.callee)) {
      const size = argument(call, 0, "size");
      const parts = size && (size.type === "tuple" || size.type === "list") ? children(size) : call.positional;
      return parts.length > 0 ? parts.map((part) => this.#values.fold(part)) : null;
    }
    // Initialisers return their argument; methods that scale keep the shape of their object.
    const first = call.positional[0];
    if (first && /_$/.test(call.callee)) return this.#shape(first, depth + 1);
    const callee = field(node, "function");
    const object = callee?.type === "attribute" ? field(callee, "object") : null;
    return object ? this.#shape(object, depth + 1) : null;
  }
}

/** Value of the only return statement of a function. */
function onlyReturn(definition: Node): Node | null {
  const found: Node[] = [];
  walk(definition, (node) => {
    if (node.type === "return_statement") found.push(node);
    return node.id === definition.id || (node.type !== "function_definition" && node.type !== "class_definition");
  });
  return found.length === 1 && found[0] ? children(found[0])[0] ?? null : null;
}

function container(node: Node, key: string, callee: string, entries: LayerDefinition[]): LayerDefinition {
  return { key, range: rangeOf(node), kind: "container", callee, arguments: noArguments, entries, shape: null };
}
