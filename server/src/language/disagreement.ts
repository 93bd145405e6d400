/** @file Where the sizes in the code and in the checkpoint differ. */

import { basename } from "node:path";
import type { Match } from "../workspace/binding/matching";
import type { BoundLayer } from "../workspace/snapshot";

export interface Disagreement {
  /** `fc2 is 256x10 in code, 128x10 in mlp.pt (tensor fc2.weight).` */
  text: string;
  tensor: string;
}

/** A class must explain this share of the names before its sizes are held against a file. */
const leastNames = 0.8;

/** The first disagreement of a line; weights come before what follows from them. null when all agree. */
export function disagreementOf(layer: BoundLayer): Disagreement | null {
  const { binding, matches, outer } = layer;
  // A class that nothing connects with the file may only look alike; an outer line repeats what the inner one says.
  if (outer || binding.proximity === 0 || binding.names < leastNames) return null;
  const wrong = matches.filter((match) => !match.shapeAgrees && match.pattern.shape !== null);
  const first = wrong.find(({ tensor }) => tensor.shape.length > 1) ?? wrong[0];
  if (!first) return null;
  const { tensor, pattern } = first;
  const name = tensor.name.slice(binding.prefix.length).replace(/\.(weight|bias|W|b)$/, "");
  return {
    tensor: tensor.name,
    text: `${name} is ${sizes(first, pattern.shape ?? [])} in code, ${sizes(first, tensor.shape)} in ${basename(binding.model)} (tensor ${tensor.name}).`,
  };
}

/** `nn.Linear(256, 10)` is 256x10 as it is written, though its weight is stored as [10, 256]. */
function sizes({ pattern, tensor }: Match, shape: readonly (number | null)[]): string {
  const linear = /(^|\.)(Lazy)?Linear$/.test(pattern.place.callee) && tensor.shape.length === 2;
  const order = linear ? [...shape].reverse() : shape;
  return order.length === 0 ? "a scalar" : order.map((size) => size ?? "?").join("x");
}
