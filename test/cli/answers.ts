/** @file What the command line prints with --json. */

import { expect } from "vitest";
import type { Finished } from "../analysis/bundles";

/** Exactly one JSON value on standard output. */
export function json<T>({ code, stdout, stderr }: Finished): T {
  expect(code, stderr).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(stdout) as T;
}

export interface Analysis {
  key: string; file: string; backend: string; seconds: number; phases: Record<string, number>; cached: boolean;
  nodeLayers: { name: string; dim: number; kept: number; lambda: number[] }[];
  sections: { from: string; to: string; shape: [number, number] }[];
}
