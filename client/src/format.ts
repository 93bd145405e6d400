/** @file Text for people. */

import type { ResultMetadata } from "../../server/src/protocol/result";

/** The last part of a path or URI. */
export function fileName(path: string): string {
  const last = path.split(/[\\/]/).at(-1) ?? path;
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(path) ? decodeURIComponent(last) : last;
}

/** Digits of a key that tell results apart. */
const shortKey = 7;

/** Title of a result's tab: "model.pt · 378d22a". */
export const resultTitle = ({ model, key }: ResultMetadata): string => `${fileName(model.path)} · ${key.slice(0, shortKey)}`;

/** "4 min ago" for an ISO time. */
export function ago(iso: string, now: number = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86400);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
