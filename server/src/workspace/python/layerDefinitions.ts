/** @file Classes that hold layers, and variables that hold an `nn.Sequential`, with what they are made of. */

import type { Node } from "web-tree-sitter";
import type { LayerDefinition, ModuleDefinition, Parameter } from "../facts";
import { children, dottedName, field, lastPart, rangeOf, walk } from "../syntax/nodes";
import { type PythonCall, literal, readCall } from "./calls";
import { LayerReader } from "./layerExpressions";
import type { PathFolder } from "./pathExpressions";
import { type Scopes, enclosingFunction, isConditional, parametersOf } from "./scopes";
import { type ValueFolder, constructorNames } from "./values";

/** Nodes of the document that may define a module. */
export interface DefinitionNodes { class_definition: readonly Node[]; assignment: readonly Node[] }

export function readModuleDefinitions(root: Node, nodes: DefinitionNodes, scopes: Scopes, values: ValueFolder, paths: PathFolder): ModuleDefinition[] {
  const layers = new LayerReader(root, values, paths);
  const classes = nodes.class_definition.map((node) => readClass(node, layers, values, paths));
  const variables = nodes.assignment.flatMap((node) => readVariable(node, layers, scopes) ?? []);
  return [...classes, ...variables].filter((definition) => definition.layers.length > 0 || definition.bases.length > 0);
}

function readClass(node: Node, layers: LayerReader, values: ValueFolder, paths: PathFolder): ModuleDefinition {
  const definition: ModuleDefinition = {
    name: field(node, "name")?.text ?? "",
    kind: "class",
    bases: readBases(node),
    range: rangeOf(field(node, "name") ?? node),
    parameters: [],
    layers: [],
  };
  const byName = new Map<string, LayerDefinition>();
  for (const method of methodsOf(node)) {
    if (!constructorNames.has(field(method, "name")?.text ?? "")) continue;
    definition.parameters = readParameters(method, values);
    walk(method, (inner) => {
      if (inner.type === "class_definition") return false;
      if (inner.type === "assignment") readAttribute(inner, layers, byName);
      else if (inner.type === "call") readRegistration(inner, layers, paths, byName);
      return true;
    });
  }
  definition.layers = [...byName.values()];
  return definition;
}

function readBases(node: Node): string[] {
  const list = field(node, "superclasses");
  return list ? children(list).flatMap((base) => dottedName(base) ?? []) : [];
}

function methodsOf(node: Node): Node[] {
  const body = field(node, "body");
  if (!body) return [];
  return children(body).flatMap((child) => {
    const method = child.type === "decorated_definition" ? field(child, "definition") : child;
    return method?.type === "function_definition" ? [method] : [];
  });
}

function readParameters(method: Node, values: ValueFolder): Parameter[] {
  return parametersOf(method)
    .filter((parameter) => parameter.name !== "self")
    .map((parameter) => ({ name: parameter.name, default: values.fold(parameter.default) }));
}

/** `self.fc1 = nn.Linear(784, 100)` */
function readAttribute(assignment: Node, layers: LayerReader, byName: Map<string, LayerDefinition>): void {
  const target = field(assignment, "left");
  const value = field(assignment, "right");
  if (target?.type !== "attribute" || field(target, "object")?.text !== "self" || !value) return;
  const key = field(target, "attribute")?.text ?? "";
  const layer = layers.read(value, key);
  if (layer) byName.set(key, layer);
}

/** `self.blocks.append(…)`, `self.net.add_module("fc", …)`, `self.register_buffer("mask", …)` */
function readRegistration(node: Node, layers: LayerReader, paths: PathFolder, byName: Map<string, LayerDefinition>): void {
  const call = readCall(node);
  const parts = call?.callee.split(".") ?? [];
  if (!call || parts[0] !== "self") return;
  if (parts.length === 2) registerOnSelf(call, parts[1] ?? "", layers, paths, byName);
  else if (parts.length === 3) {
    const container = byName.get(parts[1] ?? "");
    if (container?.kind === "container") addToContainer(call, parts[2] ?? "", container, layers, paths);
  }
}

function registerOnSelf(call: PythonCall, method: string, layers: LayerReader, paths: PathFolder, byName: Map<string, LayerDefinition>): void {
  const [name, value] = call.positional;
  if (!name || !value) return;
  const key = paths.fold(name);
  if (key === null) return;
  if (method === "register_buffer" || method === "register_parameter") {
    // Buffers with persistent=False are not in the state dict.
    if (call.keyword.get("persistent")?.type === "false") return;
    byName.set(key, layers.tensor(value, key, method));
  } else if (method === "add_module" || method === "register_module") {
    const layer = layers.read(value, key);
    if (layer) byName.set(key, layer);
  }
}

function addToContainer(call: PythonCall, method: string, container: LayerDefinition, layers: LayerReader, paths: PathFolder): void {
  const [first, second] = call.positional;
  const repeated = isConditional(call.node);
  const add = (node: Node | undefined, key: string): void => {
    const layer = node && layers.read(node, repeated && /^\d+$/.test(key) ? "*" : key);
    if (layer) container.entries.push(layer);
  };
  if (method === "append") add(first, nextKey(container));
  else if (method === "add_module") add(second, literal(first) ?? (first && paths.fold(first)) ?? "*");
  else if (method === "extend" && first) {
    const entry = layers.entries(first);
    container.entries.push(...entry.map((layer) => ({ ...layer, key: "*" })));
  }
}

function nextKey(container: LayerDefinition): string {
  return container.entries.some((entry) => entry.key === "*") ? "*" : String(container.entries.length);
}

/** `model = nn.Sequential(…)` outside of classes. */
function readVariable(assignment: Node, layers: LayerReader, scopes: Scopes): ModuleDefinition | null {
  const target = field(assignment, "left");
  const value = field(assignment, "right");
  if (target?.type !== "identifier" || !value || value.type !== "call") return null;
  const container = layers.read(value, target.text);
  if (container?.kind !== "container" || lastPart(container.callee) !== "Sequential") return null;
  const scope = enclosingFunction(assignment);
  // A Sequential that a later line stores in `self.x` belongs to the class that reads it there.
  if (scope && scopes.assignments(scope, target.text).length > 1) return null;
  return {
    name: target.text, kind: "variable", bases: [container.callee],
    range: rangeOf(target), parameters: [], layers: container.entries,
  };
}
