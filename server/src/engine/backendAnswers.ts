/**
 * @file What the probes of the backends answered, kept in a file per state of the machine. The editor's Node and that of the command line
 * are two states: each finds its own answers.
 */

import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { BackendStatus } from "../protocol/requests";

interface Answers { key: string; statuses: BackendStatus[] }

/** Editors, command lines and upgrades of one person; what was answered longest ago goes. */
const keptKeys = 8;
const maxFileBytes = 1_000_000;

/** @param key of the state of the machine @returns null when nothing was kept for it, or the file is absent or damaged */
export function readAnswers(file: string, key: string): BackendStatus[] | null {
  return allAnswers(file).find((one) => one.key === key)?.statuses ?? null;
}

/** Keeps the answers beside those for other keys. The file only saves time: a folder that cannot be written is no reason to stop. */
export function keepAnswers(file: string, key: string, statuses: BackendStatus[]): void {
  try {
    const answers = [{ key, statuses }, ...allAnswers(file).filter((one) => one.key !== key)].slice(0, keptKeys);
    mkdirSync(dirname(file), { recursive: true });
    const temporary = `${file}.${randomUUID()}.tmp`;
    try {
      writeFileSync(temporary, `${JSON.stringify({ answers }, null, 2)}\n`);
      renameSync(temporary, file);
    } finally {
      rmSync(temporary, { force: true });
    }
  } catch {
    // Tried again next time.
  }
}

/** Newest first. */
function allAnswers(file: string): Answers[] {
  try {
    if (statSync(file).size > maxFileBytes) return [];
    const stored: unknown = JSON.parse(readFileSync(file, "utf8"));
    // Files of earlier versions are the answers for one key.
    const list: unknown = property(stored, "answers") ?? [stored];
    return Array.isArray(list) ? list.filter(isAnswers) : [];
  } catch {
    return [];
  }
}

function isAnswers(value: unknown): value is Answers {
  const statuses = property(value, "statuses");
  return typeof property(value, "key") === "string" && Array.isArray(statuses) && statuses.every((status) => typeof property(status, "name") === "string");
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
