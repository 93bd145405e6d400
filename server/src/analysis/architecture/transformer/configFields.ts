/** @file Fields of a model's config, each checked where it is read: what is wrong or not supported becomes one sentence. */

import { InputError } from "../../errors";

/** A larger size or count than any model has. */
const largestCount = 2 ** 31;

/** A field under several names, the usual one first: libraries have renamed some. */
type Names = string | readonly string[];

export class ConfigFields {
  /** @param file for messages; null when there is no config, then every field has its default. */
  constructor(readonly file: string | null, private readonly data: Readonly<Record<string, unknown>>) {}

  /** A whole number from 1. @returns null when it is absent or null. @throws InputError, like all that follow */
  count(names: Names): number | null {
    return this.checked(names, (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) < largestCount, "a whole number from 1") as number | null;
  }

  /** Whether the field is there, even with the value null. */
  has(name: string): boolean {
    return Object.hasOwn(this.data, name);
  }

  number(names: Names): number | null {
    return this.checked(names, (value) => typeof value === "number" && Number.isFinite(value), "a number") as number | null;
  }

  /** A number above 0. */
  positive(names: Names): number | null {
    return this.checked(names, (value) => typeof value === "number" && value > 0 && Number.isFinite(value), "a number above 0") as number | null;
  }

  flag(names: Names): boolean | null {
    return this.checked(names, (value) => typeof value === "boolean", "true or false") as boolean | null;
  }

  text(names: Names): string | null {
    return this.checked(names, (value) => typeof value === "string", "a text") as string | null;
  }

  list(names: Names): readonly unknown[] | null {
    return this.checked(names, Array.isArray, "a list") as readonly unknown[] | null;
  }

  /** A field with fields of its own. */
  inner(names: Names): ConfigFields | null {
    const value = this.checked(names, (one) => typeof one === "object" && !Array.isArray(one), "an object");
    return value === null ? null : new ConfigFields(this.file, value as Record<string, unknown>);
  }

  /** @throws InputError unless the field is absent, null or the value that is supported. `why` follows "because". */
  only(names: Names, supported: boolean | number | string | null, why: string): void {
    const found = this.find(names);
    if (found === null || found.value === supported) return;
    throw new InputError(`${this.file} says "${found.name}": ${shown(found.value)}, which cannot be analysed, because ${why}: choose a model with ${shown(supported)} there.`);
  }

  /** @throws InputError when the config says another size than the weights have. */
  agrees(names: Names, fromWeights: number, tensor: string): void {
    const written = this.count(names);
    if (written === null || written === fromWeights) return;
    throw new InputError(`${this.file} says "${this.find(names)!.name}": ${written}, but the tensor "${tensor}" says ${fromWeights}: put the config of this checkpoint beside it.`);
  }

  private checked(names: Names, fits: (value: unknown) => boolean, wanted: string): unknown {
    const found = this.find(names);
    if (found === null) return null;
    if (fits(found.value)) return found.value;
    throw new InputError(`${this.file} says "${found.name}": ${shown(found.value)}; ${wanted} is expected: correct it.`);
  }

  /** The first of the names that is there and not null. */
  private find(names: Names): { name: string; value: unknown } | null {
    for (const name of typeof names === "string" ? [names] : names) {
      const value = Object.hasOwn(this.data, name) ? this.data[name] : null;
      if (value !== null && value !== undefined) return { name, value };
    }
    return null;
  }
}

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? "nothing";
