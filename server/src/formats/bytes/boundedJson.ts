/** @file JSON from files that are not trusted. */

import type { FormatError } from "../modelFile";

/** Configurations and headers nest a few levels; deeper brackets only serve to exhaust memory. */
const deepestNesting = 64;

/**
 * Parses a JSON object whose size the caller has bounded.
 * @param failure makes the error from what is wrong ("is not JSON (...)")
 * @throws what `failure` makes
 */
export function parseJsonObject(bytes: Uint8Array, failure: (what: string) => FormatError): Record<string, unknown> {
  if (isDeep(bytes)) throw failure(`is nested more than ${deepestNesting} deep`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw failure(`is not JSON (${error instanceof Error ? error.message.slice(0, 80) : "unreadable"})`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw failure("is not a JSON object");
  return value as Record<string, unknown>;
}

/**
 * Whether an object of the JSON text, or one inside it, gives a name twice: JSON.parse keeps the last of them, other readers the first.
 * @param value what `bytes` were parsed to
 */
export function repeatsNames(bytes: Uint8Array, value: Record<string, unknown>): boolean {
  return countNames(value) !== countColons(bytes);
}

/** Names in an object and in all inside it, which are nested no deeper than parseJsonObject allows. */
function countNames(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inside = Object.values(value).reduce<number>((sum, each) => sum + countNames(each), 0);
  return Array.isArray(value) ? inside : inside + Object.keys(value).length;
}

/** Colons outside texts: one per name. */
function countColons(bytes: Uint8Array): number {
  let [count, quoted] = [0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x5c) i++;
    else if (byte === 0x22) quoted = !quoted;
    else if (!quoted && byte === 0x3a) count++;
  }
  return count;
}

function isDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x5c) i++;
    else if (byte === 0x22) quoted = !quoted;
    else if (!quoted && (byte === 0x5b || byte === 0x7b) && ++depth > deepestNesting) return true;
    else if (!quoted && (byte === 0x5d || byte === 0x7d)) depth--;
  }
  return false;
}
