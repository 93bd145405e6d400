/** @file The configuration that training code leaves beside a checkpoint, as plain data with positions. */

import { basename, dirname, extname, join } from "node:path";
import { isCollection, isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from "yaml";
import { FormatError } from "./modelFile";
import { withFile } from "./bytes/fileSource";

interface ConfigPosition {
  /** From 0, as in the language-server protocol. */
  readonly line: number;
  readonly character: number;
}

export interface SidecarConfig {
  readonly path: string;
  /** Plain data: what JSON can hold. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Where each value stands in the file, by dotted path ("model.hidden_sizes.0"); empty for JSON beyond 64 KiB. */
  readonly positions: ReadonlyMap<string, ConfigPosition>;
}

const largestConfig = 2 ** 20;
/** The YAML parser needs time that grows with the square of what it reads. */
const largestYaml = 2 ** 16;
/** Aliases may repeat contents this often: enough for defaults, too few for a "billion laughs". */
const mostAliases = 50;
const deepestNesting = 100;
const mostPositions = 20_000;

/**
 * Where a configuration is looked for, the most specific name first: those of the checkpoint itself ("model_a.yaml" or "config_a.json" for
 * "model_a.pt"), then the usual ones.
 */
export function sidecarPaths(modelPath: string): string[] {
  const stem = basename(modelPath, extname(modelPath));
  const extensions = [".yaml", ".yml", ".json"];
  const stems = [stem, ...(stem.startsWith("model") ? [stem.replace(/^model/, "config")] : []), "config"];
  const names = [...stems.flatMap((name) => extensions.map((extension) => name + extension)), "hparams.yaml"];
  return [...new Set(names)].filter((name) => name !== basename(modelPath)).map((name) => join(dirname(modelPath), name));
}

/**
 * The first configuration beside a model file that is a mapping; null when there is none. One that is damaged is an error rather than
 * passed over, because the user would otherwise not learn why it had no effect.
 * @throws FormatError when it is unreadable, larger than 1 MiB (YAML: 64 KiB), nested too deep or expands too much
 */
export async function readSidecarConfig(modelPath: string): Promise<SidecarConfig | null> {
  for (const path of sidecarPaths(modelPath)) {
    const text = await readText(path);
    if (text === null) continue;
    const config = parseConfig(text, path);
    if (config !== null) return config;
  }
  return null;
}

/** Null when there is no such file. */
async function readText(path: string): Promise<string | null> {
  try {
    return await withFile(path, async (source) => {
      if (source.size > largestConfig) throw new FormatError(`${path} has ${source.size} bytes, more than a configuration of at most ${largestConfig}; move it away or shorten it.`);
      return new TextDecoder().decode(await source.read(0, source.size));
    });
  } catch (error) {
    if (error instanceof FormatError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return null;
    throw error;
  }
}

/** The configuration that a text in YAML or JSON holds; null when it is not a mapping. @throws FormatError as readSidecarConfig */
export function parseConfig(text: string, path: string): SidecarConfig | null {
  requireShallow(text, path);
  const json = parseJson(text);
  if (text.length > largestYaml) {
    if (json === undefined) throw new FormatError(`${path} has ${text.length} characters, more than a configuration of at most ${largestYaml}; shorten it.`);
    return asConfig(json, path, new Map());
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, logLevel: "silent", stringKeys: true, prettyErrors: false, uniqueKeys: false });
    const problem = document.errors[0];
    if (problem !== undefined && json === undefined) {
      throw new FormatError(`${path} is not valid: line ${lines.linePos(problem.pos[0]).line}: ${problem.message.split("\n")[0] ?? ""}; correct it.`);
    }
    const data: unknown = json ?? document.toJS({ maxAliasCount: mostAliases });
    return asConfig(data, path, problem === undefined ? positionsOf(document, lines) : new Map());
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${path} cannot be read: ${error instanceof Error ? error.message.slice(0, 120) : "unknown error"}; correct it.`, { cause: error });
  }
}

function asConfig(data: unknown, path: string, positions: ReadonlyMap<string, ConfigPosition>): SidecarConfig | null {
  const isMapping = typeof data === "object" && data !== null && !Array.isArray(data);
  return isMapping ? { path, data: plain(data) as Record<string, unknown>, positions } : null;
}

/** Undefined when the text is not JSON (then it is YAML, of which JSON is nearly a subset). */
function parseJson(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parser recurses, and slows down with depth: more brackets or indentation than any configuration has are refused before it starts. */
function requireShallow(text: string, path: string): void {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth++;
    else if ((character === "]" || character === "}") && depth > 0) depth--;
    if (depth > deepestNesting) throw new FormatError(`${path} is nested more than ${deepestNesting} deep; correct it.`);
  }
  if (/^(?:[ \t]*[-?:](?=[ \t])){50}/m.test(text) || text.includes(" ".repeat(2000))) throw new FormatError(`${path} is nested too deep; correct it.`);
}

/** Dates become text, numbers that JSON lacks become their names, and mappings lose their prototype. */
function plain(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value !== "object" || value === null) return value ?? null;
  const record = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) record[key] = plain(item);
  return record;
}

function positionsOf(document: Document.Parsed, lines: LineCounter): Map<string, ConfigPosition> {
  const positions = new Map<string, ConfigPosition>();
  const visit = (node: unknown, name: string): void => {
    const range = (node as Node | null)?.range;
    if (positions.size >= mostPositions || !range) return;
    const { line, col } = lines.linePos(range[0]);
    if (name !== "") positions.set(name, { line: line - 1, character: col - 1 });
    if (!isCollection(node)) return;
    node.items.forEach((item, index) => {
      if (isMap(node)) {
        const pair = item as { key: unknown; value: unknown };
        if (isScalar(pair.key)) visit(pair.value, dotted(name, String(pair.key.value)));
      } else visit(item, dotted(name, String(index)));
    });
  };
  visit(document.contents, "");
  return positions;
}

const dotted = (prefix: string, key: string): string => (prefix === "" ? key : `${prefix}.${key}`);
