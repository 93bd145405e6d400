/**
 * @file Text for hovers. Names from model files are untrusted: they are always inside code spans with what could end the
 * span removed, so that no file can smuggle a link into a hover.
 */

/** A code span, safe in running text and in table cells. */
export function code(text: string): string {
  const plain = text.replace(/[`|\r\n\\<>[\]]/g, "·");
  return `\`${plain.length > 120 ? `${plain.slice(0, 119)}…` : plain}\``;
}

/** Running text that may quote a file: nothing in it is markup. */
export function prose(text: string): string {
  return text.replace(/[\\`*_{}[\]()#!<>|~]/g, "\\$&");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A link that runs a command with one argument, as VS Code's trusted markdown has it. */
export function commandLink(title: string, command: string, argument: unknown): string {
  return `[${title}](command:${command}?${encodeURIComponent(JSON.stringify([argument]))})`;
}

/** The same text without markup, for clients that show plain text. */
export function toPlainText(markdown: string): string {
  return markdown
    .replace(/!\[[^\]]*\]\([^)]*\)\n*/g, "")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\|( ?-+ ?\|)+\n?/gm, "")
    .replace(/^\| (.*) \|$/gm, (_line, cells: string) => cells.replaceAll(" | ", "  "))
    .replace(/\*\*|`/g, "")
    .replace(/^---$/gm, "")
    .replace(/\\([^\w\s])/g, "$1");
}

/** A whole number in groups of three digits. Not by `toLocaleString`: its first call loads the locales and keeps the event loop for about 20 ms. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function shapeText(shape: readonly (number | null)[]): string {
  return shape.length === 0 ? "scalar" : shape.map((size) => (size === null ? "?" : count(size))).join(" × ");
}

/** Two significant digits, never in exponent form between 0.001 and 999. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1000 || size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(2)));
}

/** "3 minutes ago" */
export function ageText(milliseconds: number): string {
  const steps: [limit: number, divisor: number, unit: string][] = [
    [3_600_000, 60_000, "minute"], [86_400_000, 3_600_000, "hour"], [Infinity, 86_400_000, "day"],
  ];
  if (milliseconds < 60_000) return "just now";
  const [, divisor, unit] = steps.find(([limit]) => milliseconds < limit) ?? [0, 1, ""];
  return `${plural(Math.floor(milliseconds / divisor), unit)} ago`;
}
