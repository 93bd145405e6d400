/**
 * @file What a scan of one document yields: plain data that crosses threads. Positions are zero-based, columns in
 * UTF-16 units, exactly as in LSP.
 */

export interface Position { line: number; character: number }
export interface Range { start: Position; end: Position }

/** A place in code or configuration that names a file. */
export interface FileReference {
  /** The expression that names the file (what a link underlines). */
  range: Range;
  /**
   * The path with `/` separators; parts that only a run could tell are `*`.
   * It is relative to the document or to a workspace folder, unless `anchor` says otherwise.
   */
  path: string;
  anchor: "relative" | "document" | "absolute";
  what: "model" | "data";
  how: "load" | "save" | "mention";
  /** The function that is called, or the key of the configuration entry. */
  by: string;
}

/**
 * A constant that may depend on parameters of the function around it: `hidden * 2` in `def __init__(self, hidden=64)`.
 * null: only a run could tell.
 */
export type Value =
  | number | boolean | string | null
  | { parameter: string }
  | { op: "+" | "-" | "*" | "//"; left: Value; right: Value }
  | Value[];

export interface CallArguments {
  positional: Value[];
  keyword: [name: string, value: Value][];
  /** `*args` or `**kwargs` are among the arguments, so that nothing is certain about the rest. */
  open: boolean;
}

export interface Parameter { name: string; default: Value }

/** One module, tensor or container that a class (or a variable) holds. */
export interface LayerDefinition {
  /** Name of the attribute or entry; `*` when the code makes it in a loop. */
  key: string;
  /** The defining expression. */
  range: Range;
  kind: "module" | "container" | "tensor";
  /** Callee as written, for example `nn.Linear`. */
  callee: string;
  arguments: CallArguments;
  /** Entries of a container, in order. */
  entries: LayerDefinition[];
  /** Shape of a tensor when the code says it. */
  shape: Value[] | null;
}

/** A class with layers, or a variable that holds an `nn.Sequential`. */
export interface ModuleDefinition {
  name: string;
  kind: "class" | "variable";
  bases: string[];
  range: Range;
  parameters: Parameter[];
  layers: LayerDefinition[];
}

/** A call of something that may be a class of the workspace: `model = MLP(784, hidden=100)`. */
export interface Construction {
  callee: string;
  arguments: CallArguments;
  range: Range;
}

export interface ImportedName {
  /** Dotted module without leading dots. */
  module: string;
  /** Number of leading dots. */
  level: number;
  /** The name taken from the module; null for `import module`, `*` for a star import. */
  name: string | null;
  /** The name it has in this document. */
  as: string;
}

export interface DocumentFacts {
  uri: string;
  references: FileReference[];
  modules: ModuleDefinition[];
  constructions: Construction[];
  imports: ImportedName[];
  /** Set for a `*.lib.json` document: the model that it names. */
  spec: { model: string; range: Range } | null;
}

export function emptyFacts(uri: string): DocumentFacts {
  return { uri, references: [], modules: [], constructions: [], imports: [], spec: null };
}

export function contains(range: Range, position: Position): boolean {
  return compare(range.start, position) <= 0 && compare(position, range.end) <= 0;
}

function compare(a: Position, b: Position): number {
  return a.line - b.line || a.character - b.character;
}
