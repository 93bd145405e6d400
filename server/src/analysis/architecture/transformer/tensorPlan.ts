/** @file Tensors that a network takes from a checkpoint: each is asked for by name and shape, and what is left over is known in the end. */

import type { TensorInfo } from "../../../formats/modelFile";
import { InputError } from "../../errors";
import { listed } from "../mlpChain";

export class TensorPlan {
  private readonly tensors: ReadonlyMap<string, TensorInfo>;
  private readonly taken = new Set<string>();

  /**
   * @param layout the kind of checkpoint, for messages, such as "GPT-2 checkpoint"
   * @param prefix of all names that are asked for
   */
  constructor(private readonly model: string, tensors: readonly TensorInfo[], private readonly layout: string, readonly prefix: string) {
    this.tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }

  has(name: string): boolean {
    return this.tensors.has(this.prefix + name);
  }

  /** Sizes of a tensor with this many axes, from which those of others follow. @throws InputError when it is missing or has others. */
  sizes(name: string, axes: number): readonly number[] {
    return this.found(name, Array.from({ length: axes }, () => null)).shape;
  }

  /** @param shape `null` allows any size. @returns the full name. @throws InputError when the tensor is missing, quantised or of another shape */
  take(name: string, shape: readonly (number | null)[]): string {
    const { name: full } = this.found(name, shape);
    this.taken.add(full);
    return full;
  }

  /** The same for a tensor that may be absent. */
  takeIfThere(name: string, shape: readonly (number | null)[]): string | null {
    return this.has(name) ? this.take(name, shape) : null;
  }

  /** Names of all tensors that were taken, in the order in which they were asked for. */
  get used(): readonly string[] {
    return [...this.taken];
  }

  /** Numbers in the tensors that were taken. */
  get parameterCount(): number {
    return this.used.reduce((sum, name) => sum + this.tensors.get(name)!.shape.reduce((product, size) => product * size, 1), 0);
  }

  /** Names of all others, but for buffers that such checkpoints usually carry. */
  unused(buffers: RegExp): string[] {
    return [...this.tensors.keys()].filter((name) => !this.taken.has(name) && !buffers.test(name));
  }

  /** How many blocks there are, whose names begin with `stem` and a number from 0. @throws InputError for a gap */
  countBlocks(stem: string): number {
    const start = this.prefix + stem;
    const numbers = new Set<number>();
    for (const name of this.tensors.keys()) {
      const digits = name.startsWith(start) ? /^\d{1,6}(?=\.)/.exec(name.slice(start.length)) : null;
      if (digits) numbers.add(Number(digits[0]));
    }
    for (let block = 0; block < numbers.size; block += 1) {
      if (!numbers.has(block)) throw new InputError(`${this.model} has ${numbers.size} transformer blocks but none with number ${block}: the checkpoint is incomplete.`);
    }
    if (numbers.size === 0) throw new InputError(`${this.model} looks like a ${this.layout} but has no block "${start}0": the checkpoint is incomplete.`);
    return numbers.size;
  }

  private found(name: string, shape: readonly (number | null)[]): TensorInfo {
    const full = this.prefix + name;
    const info = this.tensors.get(full);
    if (!info) {
      throw new InputError(`${this.model} looks like a ${this.layout} but has no tensor "${full}" (it has ${listed([...this.tensors.keys()].slice(0, 20))}): name the family in "architecture" if it is another kind of network.`);
    }
    const fits = info.shape.length === shape.length && shape.every((size, axis) => size === null || size === info.shape[axis]);
    if (!fits) {
      const wanted = shape.map((size) => size ?? "any").join(", ");
      throw new InputError(`${this.model} looks like a ${this.layout}, but the tensor "${full}" is [${info.shape.join(", ")}] where [${wanted}] is expected: the checkpoint and its config do not belong together, or its weights are packed.`);
    }
    if (!/^b?float(64|32|16)$/.test(info.dtype)) {
      throw new InputError(`The tensor "${full}" of ${this.model} is of type ${info.dtype}: quantised weights cannot be analysed, use the checkpoint before quantisation.`);
    }
    return info;
  }
}
