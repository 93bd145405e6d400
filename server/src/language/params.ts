/** @file Checks of what a client sends to the methods of this product: one clear sentence instead of a crash later. */

import { ErrorCodes, ResponseError } from "vscode-languageserver";
import type { AblationTarget, ModuleBasis } from "../protocol/ablation";
import type { LabelKind } from "../protocol/labels";
import type { Requests } from "../protocol/requests";
import type { BasisName } from "../protocol/result";
import { pathOf } from "../workspace/uris";

export type Method = keyof Requests;

type Fields = Record<string, unknown>;

function invalid(method: string, message: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, `${method}: ${message}`);
}

const bases: readonly string[] = ["lib", "pca", "neuron"] satisfies BasisName[];
const labelKinds: readonly string[] = ["auto", "fourier", "class", "position", "token"] satisfies (LabelKind | "auto")[];
const maxRemoved = 100_000;
const maxName = 1_000;

/** Reads the fields of one request. Every method throws a ResponseError that names the method and the field. */
export class Params {
  readonly #method: Method;
  readonly #fields: Fields;

  constructor(method: Method, params: unknown) {
    this.#method = method;
    if (params !== undefined && params !== null && (typeof params !== "object" || Array.isArray(params))) {
      throw invalid(method, "the parameters must be an object.");
    }
    this.#fields = (params ?? {}) as Fields;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string" || value === "" || value.length > maxName * 8) throw invalid(this.#method, `"${name}" must be a text.`);
    return value;
  }

  /** Absolute path behind a file URI. */
  path(name: string): string {
    const path = pathOf(this.text(name));
    if (path === null) throw invalid(this.#method, `"${name}" must be a file URI.`);
    return path;
  }

  optionalPath(name: string): string | null {
    return this.#fields[name] === undefined || this.#fields[name] === null ? null : this.path(name);
  }

  flag(name: string): boolean {
    const value = this.#fields[name] ?? false;
    if (typeof value !== "boolean") throw invalid(this.#method, `"${name}" must be true or false.`);
    return value;
  }

  /** Index from 0. */
  index(name: string): number {
    const value = this.#fields[name];
    if (!isIndex(value)) throw invalid(this.#method, `"${name}" must be a whole number from 0.`);
    return value;
  }

  optionalIndex(name: string): number | null {
    return this.#fields[name] === undefined || this.#fields[name] === null ? null : this.index(name);
  }

  indices(name: string): number[] {
    const value = this.#fields[name];
    if (!Array.isArray(value) || value.length > maxRemoved || !value.every(isIndex)) {
      throw invalid(this.#method, `"${name}" must be a list of whole numbers from 0.`);
    }
    return value;
  }

  /** A finite number above 0. */
  positive(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== "number" || !(value > 0) || !Number.isFinite(value)) throw invalid(this.#method, `"${name}" must be a number above 0.`);
    return value;
  }

  target(name: string): AblationTarget {
    const value = this.#fields[name];
    if (value !== "nodes" && value !== "edges") throw invalid(this.#method, `"${name}" must be nodes or edges.`);
    return value;
  }

  /** At least one basis, none twice. */
  bases(name: string): BasisName[] {
    const value = this.#fields[name];
    if (!Array.isArray(value) || value.length === 0 || value.length > bases.length || !value.every((one) => bases.includes(one as string)) || new Set(value).size < value.length) {
      throw invalid(this.#method, `"${name}" must be a list of ${bases.join(", ")}.`);
    }
    return value as BasisName[];
  }

  /** "lib" when absent. */
  moduleBasis(name: string): ModuleBasis {
    const value = this.#fields[name] ?? "lib";
    if (value !== "lib" && value !== "pca") throw invalid(this.#method, `"${name}" must be lib or pca: neurons have no edges of their own.`);
    return value;
  }

  /** "auto" when absent. */
  labelKind(name: string): LabelKind | "auto" {
    const value = this.#fields[name] ?? "auto";
    if (typeof value !== "string" || !labelKinds.includes(value)) throw invalid(this.#method, `"${name}" must be one of ${labelKinds.join(", ")}.`);
    return value as LabelKind | "auto";
  }

  basis(name: string): BasisName {
    const value = this.#fields[name];
    if (typeof value !== "string" || !bases.includes(value)) throw invalid(this.#method, `"${name}" must be one of ${bases.join(", ")}.`);
    return value as BasisName;
  }
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
