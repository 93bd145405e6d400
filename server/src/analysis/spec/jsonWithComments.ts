/**
 * @file JSON as people write it: line and block comments and trailing commas are allowed, and every value remembers where it
 * stands, so that an error can name the line. The input is untrusted: depth is bounded and names never become prototypes.
 */

type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** Zero-based, in UTF-16 code units, as the language server protocol counts. */
interface Position { line: number; character: number }
export interface Range { start: Position; end: Position }

export interface ParsedJson {
  value: JsonValue;
  /** Where values stand, by JSON pointer such as "/basis/threshold". */
  values: ReadonlyMap<string, Range>;
  /** Where the names of properties stand, by the pointer of the property. */
  names: ReadonlyMap<string, Range>;
}

export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  constructor(message: string, readonly range: Range) {
    super(message);
  }
}

const maxDepth = 64;

/** Name of a property inside a JSON pointer (RFC 6901). */
export function pointerPart(name: string): string {
  return name.replace(/~/g, "~0").replace(/\//g, "~1");
}

/** @throws JsonSyntaxError with the place of the first mistake. */
export function parseJsonWithComments(text: string): ParsedJson {
  return new Reader(text).document();
}

class Reader {
  private at = 0;
  private readonly values = new Map<string, Range>();
  private readonly names = new Map<string, Range>();
  private readonly lineStarts: number[] = [0];

  constructor(private readonly text: string) {
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.lineStarts.push(i + 1);
    if (text.startsWith("\uFEFF")) this.at = 1;
  }

  document(): ParsedJson {
    const value = this.value("", 0);
    this.skip();
    if (this.at < this.text.length) throw this.error("Nothing may follow the closing brace.");
    return { value, values: this.values, names: this.names };
  }

  private value(pointer: string, depth: number): JsonValue {
    this.skip();
    if (depth > maxDepth) throw this.error(`Values are nested more than ${maxDepth} deep.`);
    const start = this.at;
    const value = this.bareValue(pointer, depth);
    this.values.set(pointer, this.range(start, this.at));
    return value;
  }

  private bareValue(pointer: string, depth: number): JsonValue {
    const character = this.text[this.at];
    if (character === "{") return this.object(pointer, depth);
    if (character === "[") return this.array(pointer, depth);
    if (character === '"') return this.string();
    const word = /^[^\s,:{}[\]"/]+/.exec(this.text.slice(this.at, this.at + 64))?.[0];
    if (!word) throw this.error(this.at < this.text.length ? `A value is expected here, not "${character}".` : "The text ends where a value is expected.");
    const value = literal(word);
    if (value === undefined) throw this.error(`"${word}" is no JSON value; text stands in double quotes.`, word.length);
    this.at += word.length;
    return value;
  }

  private object(pointer: string, depth: number): JsonValue {
    const result = Object.create(null) as { [name: string]: JsonValue };
    this.at += 1;
    for (;;) {
      this.skip();
      if (this.take("}")) return result;
      const start = this.at;
      if (this.text[this.at] !== '"') throw this.error("A field name in double quotes, or the closing brace, is expected here.");
      const name = this.string();
      const inner = `${pointer}/${pointerPart(name)}`;
      const range = this.range(start, this.at);
      if (name in result) throw new JsonSyntaxError(`"${name}" is given twice.`, range);
      this.names.set(inner, range);
      this.skip();
      if (!this.take(":")) throw this.error(`A colon is expected after "${name}".`);
      result[name] = this.value(inner, depth + 1);
      this.skip();
      if (this.take(",")) continue;
      if (this.take("}")) return result;
      throw this.error("A comma or the closing brace is expected here.");
    }
  }

  private array(pointer: string, depth: number): JsonValue {
    const result: JsonValue[] = [];
    this.at += 1;
    for (;;) {
      this.skip();
      if (this.take("]")) return result;
      result.push(this.value(`${pointer}/${result.length}`, depth + 1));
      this.skip();
      if (this.take(",")) continue;
      if (this.take("]")) return result;
      throw this.error("A comma or the closing bracket is expected here.");
    }
  }

  private string(): string {
    const start = this.at;
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at];
      if (character === "\\") this.at += 1;
      else if (character === "\n") break;
      else if (character === '"') {
        this.at += 1;
        try {
          return JSON.parse(this.text.slice(start, this.at)) as string;
        } catch {
          throw new JsonSyntaxError("This text holds a wrong escape; a backslash is written \\\\.", this.range(start, this.at));
        }
      }
    }
    throw new JsonSyntaxError("This text has no closing quote.", this.range(start, Math.min(this.at, this.text.length)));
  }

  /** Skips white space and comments. */
  private skip(): void {
    for (;;) {
      while (this.at < this.text.length && /\s/.test(this.text[this.at]!)) this.at += 1;
      if (this.text.startsWith("//", this.at)) {
        const end = this.text.indexOf("\n", this.at);
        this.at = end < 0 ? this.text.length : end;
      } else if (this.text.startsWith("/*", this.at)) {
        const end = this.text.indexOf("*/", this.at + 2);
        if (end < 0) throw this.error("This comment has no end.", 2);
        this.at = end + 2;
      } else {
        return;
      }
    }
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private error(message: string, length = 1): JsonSyntaxError {
    return new JsonSyntaxError(message, this.range(this.at, Math.min(this.at + length, this.text.length)));
  }

  private range(start: number, end: number): Range {
    return { start: this.position(start), end: this.position(end) };
  }

  private position(offset: number): Position {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: offset - this.lineStarts[low]! };
  }
}

function literal(word: string): null | boolean | number | undefined {
  if (word === "null") return null;
  if (word === "true" || word === "false") return word === "true";
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word) ? Number(word) : undefined;
}
