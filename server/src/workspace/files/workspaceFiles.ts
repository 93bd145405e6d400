/** @file The files of the workspace folders that matter: sources to scan and models. Bounded in number, depth and time. */

import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { isModelPath, sourceKind } from "../fileKinds";

const ignoredFolders = new Set([
  "node_modules", "site-packages", "dist-packages", "__pycache__", "venv", "env", "dist", "build", "target", "wandb", "mlruns",
]);
const maxEntries = 50_000;
const maxSources = 3_000;
const maxModels = 2_000;
const maxDepth = 12;
const maxMilliseconds = 10_000;

export interface WorkspaceFiles {
  /** Absolute paths. */
  sources: string[];
  models: string[];
  /** Which bound stopped the listing; null when it is complete. */
  stopped: string | null;
}

/** Lists one folder after the other; awaits between directory reads, so that the event loop stays free. */
export async function listWorkspaceFiles(folders: readonly string[], now: () => number = Date.now): Promise<WorkspaceFiles> {
  const files: WorkspaceFiles = { sources: [], models: [], stopped: null };
  const deadline = now() + maxMilliseconds;
  let entries = 0;
  // Breadth first, so that a bound cuts what is deep and not what is last in the alphabet.
  let level = [...folders];
  for (let depth = 0; depth <= maxDepth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      const directory = await opendir(folder).catch(() => null);
      if (!directory) continue;
      for await (const entry of directory) {
        if (++entries > maxEntries) return { ...files, stopped: `more than ${maxEntries} files` };
        const path = join(folder, entry.name);
        if (entry.isDirectory()) {
          if (!isPassedOver(entry.name)) next.push(path);
        } else if (await isOwnFile(entry, path, folders)) {
          if (sourceKind(entry.name) !== null && files.sources.length < maxSources) files.sources.push(path);
          else if (isModelPath(entry.name) && files.models.length < maxModels) files.models.push(path);
        }
      }
      if (now() > deadline) return { ...files, stopped: `listing took more than ${maxMilliseconds / 1000} s` };
    }
    level = next;
  }
  return files;
}

/** Hidden folders, foreign code and what tools make. */
const isPassedOver = (folder: string): boolean => folder.startsWith(".") || ignoredFolders.has(folder);

/** Whether the listing would come to this file: not inside a folder that it passes over, such as a store of results. */
export function isListed(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isBelow(path, folder) && !relative(folder, path).split(sep).slice(0, -1).some(isPassedOver));
}

/** Links count when they stay inside the workspace. */
async function isOwnFile(entry: Dirent, path: string, folders: readonly string[]): Promise<boolean> {
  if (entry.isFile()) return true;
  return entry.isSymbolicLink() && (sourceKind(entry.name) !== null || isModelPath(entry.name)) && await insideWorkspace(path, folders) !== null;
}

/**
 * The path with links resolved when it is an existing file inside one of the folders, else null. Nothing outside the
 * workspace is ever opened, also not through a link that points out of it.
 */
export async function insideWorkspace(path: string, folders: readonly string[]): Promise<string | null> {
  try {
    const real = await realpath(path);
    for (const folder of folders) {
      if (isBelow(real, await realpath(folder))) return (await stat(real)).isFile() ? real : null;
    }
  } catch {
    // Absent, or not readable: nothing to open.
  }
  return null;
}

export function isBelow(path: string, folder: string): boolean {
  const tail = relative(folder, path);
  return tail !== "" && tail !== ".." && !tail.startsWith(`..${sep}`) && !/^([A-Za-z]:)?[\\/]/.test(tail);
}
