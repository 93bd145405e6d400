/** @file What people see: progress on standard error, results on standard output. */

import type { RunEvent } from "../protocol/events";

/** Shows the newest progress in one line of a terminal; a new line per phase where it is no terminal. */
export class ProgressLine {
  private readonly isTerminal = process.stderr.isTTY === true;
  private lastPhase = "";
  private shown = false;

  show(event: RunEvent): void {
    switch (event.kind) {
      case "phase": {
        const percent = `${Math.round(event.overall * 100)} %`.padStart(5);
        if (this.isTerminal) this.line(`${percent}  ${event.phase}${event.detail ? ` (${event.detail})` : ""}  ${event.elapsedSeconds.toFixed(1)} s`);
        else if (event.phase !== this.lastPhase) process.stderr.write(`${percent}  ${event.phase}\n`);
        this.lastPhase = event.phase;
        break;
      }
      case "note":
        this.message(event.message);
        break;
      case "layer":
        // Before any phase the layers come from the store, and the summary shows them.
        if (event.layer.kept > 0 && this.lastPhase !== "") this.message(`layer ${event.layer.name}: ${event.layer.kept} of ${event.layer.dimension} features kept`);
        break;
      default:
        break;
    }
  }

  /** Removes the line, so that what follows stands alone. */
  clear(): void {
    if (this.shown) process.stderr.write("\r\x1b[2K");
    this.shown = false;
  }

  private message(text: string): void {
    this.clear();
    process.stderr.write(`       ${text}\n`);
  }

  private line(text: string): void {
    process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    this.shown = true;
  }
}

/** Standard output may be a pipe: resolves when everything has been handed over. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
}

/** Columns side by side, two spaces apart; columns of `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  return rows
    .map((row) => row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  ").trimEnd())
    .join("\n");
}

const bars = "▁▂▃▄▅▆▇█";

/** A spectrum as one line of bars, on a logarithmic scale from the largest value down to a millionth of it. */
export function sparkline(values: readonly number[], width = 32): string {
  const largest = Math.max(...values);
  if (values.length === 0 || !(largest > 0)) return "";
  const step = Math.max(1, values.length / width);
  const picked = Array.from({ length: Math.min(width, values.length) }, (_, i) => values[Math.floor(i * step)]!);
  return picked.map((value) => bars[Math.round(Math.max(0, 1 + Math.log10(Math.max(value, 1e-300) / largest) / 6) * (bars.length - 1))]).join("");
}

/** Three significant digits, with an exponent only where it helps. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}
