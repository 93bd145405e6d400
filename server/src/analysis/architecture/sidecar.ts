/** @file Numbers from the configuration file that training code leaves beside a checkpoint, looked up by name. */

import { basename } from "node:path";
import { FormatError } from "../../formats/modelFile";
import { readSidecarConfig } from "../../formats/sidecarConfig";

/** Plain data of a config file; every read is checked, because the file may hold anything. */
export class Sidecar {
  constructor(readonly file: string, private readonly root: unknown) {}

  get name(): string {
    return basename(this.file);
  }

  /** The first of these dotted paths that holds a number. */
  number(...paths: string[]): number | null {
    return this.first(paths, (value): value is number => typeof value === "number" && Number.isFinite(value));
  }

  text(...paths: string[]): string | null {
    return this.first(paths, (value): value is string => typeof value === "string");
  }

  /** All fields; those of a section "model" come before those beside it. */
  modelFields(): Readonly<Record<string, unknown>> {
    return { ...fieldsOf(this.root), ...fieldsOf(this.at("model")) };
  }

  private first<T>(paths: string[], is: (value: unknown) => value is T): T | null {
    for (const path of paths) {
      const value = this.at(path);
      if (is(value)) return value;
    }
    return null;
  }

  private at(path: string): unknown {
    let value: unknown = this.root;
    for (const part of path.split(".")) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
      value = (value as Record<string, unknown>)[part];
    }
    return value;
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {});

/** The config beside a model, or null when there is none that can be read. */
export async function readSidecar(model: string): Promise<Sidecar | null> {
  try {
    const config = await readSidecarConfig(model);
    return config === null ? null : new Sidecar(config.path, config.data);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
