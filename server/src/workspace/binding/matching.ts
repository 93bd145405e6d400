/** @file How well the state dict that a class would have agrees with the one in a file. */

import type { TensorInfo } from "../../formats/modelFile";
import type { Shape } from "./knownLayers";
import type { ParameterPattern } from "./parameterPatterns";

/** One tensor of the file and the line of code that made it. */
export interface Match { tensor: TensorInfo; pattern: ParameterPattern; shapeAgrees: boolean }

export interface Agreement {
  matches: Match[];
  /** Share of names that correspond, in 0..1: 2 matched / (names in the file + names in the code). */
  names: number;
  /** Share of the matched tensors whose shape is known in the code and agrees. */
  shapes: number;
}

function shapesAgree(code: Shape | null, file: readonly number[]): boolean {
  return code === null || (code.length === file.length && code.every((size, axis) => size === null || size === file[axis]));
}

/** @param tensors those of the file below `prefix` and beside it. */
export function agreement(patterns: readonly ParameterPattern[], tensors: readonly TensorInfo[], prefix: string): Agreement {
  const exact = new Map<string, ParameterPattern[]>();
  const open: { expression: RegExp; pattern: ParameterPattern }[] = [];
  for (const pattern of patterns) {
    if (pattern.name.includes("*")) open.push({ expression: expressionOf(pattern.name), pattern });
    else exact.set(pattern.name, [...(exact.get(pattern.name) ?? []), pattern]);
  }

  const matches: Match[] = [];
  const used = new Set<ParameterPattern>();
  for (const tensor of tensors) {
    if (!tensor.name.startsWith(prefix)) continue;
    const name = tensor.name.slice(prefix.length);
    const candidates = [...(exact.get(name) ?? []), ...open.filter((entry) => entry.expression.test(name)).map((entry) => entry.pattern)];
    const best = candidates.sort((a, b) => rank(b, tensor) - rank(a, tensor))[0];
    if (!best) continue;
    used.add(best);
    matches.push({ tensor, pattern: best, shapeAgrees: shapesAgree(best.shape, tensor.shape) });
  }

  const expected = patterns.filter((pattern) => !pattern.optional || used.has(pattern));
  // A looped pattern stands for as many tensors as it matched, an unused one for one that is missing.
  const missing = expected.filter((pattern) => !used.has(pattern)).length;
  // Tensors under an unknown layer are weak evidence: half a match each.
  const matched = matches.reduce((sum, match) => sum + (match.pattern.name.endsWith("**") ? 0.5 : 1), 0);
  const total = tensors.length + matches.length + missing;
  const known = matches.filter((match) => match.pattern.shape !== null);
  return {
    matches,
    names: total === 0 ? 0 : (2 * matched) / total,
    shapes: known.length === 0 ? 0 : known.filter((match) => match.shapeAgrees).length / known.length,
  };
}

/** Prefers the pattern that says most about a tensor and does not contradict it. */
function rank(pattern: ParameterPattern, tensor: TensorInfo): number {
  const agrees = shapesAgree(pattern.shape, tensor.shape);
  const known = agrees ? pattern.shape?.filter((size) => size !== null).length ?? 0 : 0;
  return (agrees ? 100 : 0) + (pattern.name.endsWith("**") ? 0 : 50) + (pattern.name.includes("*") ? 0 : 25) + known;
}

function expressionOf(name: string): RegExp {
  const source = name.split(".").map((part) => {
    if (part === "**") return ".+";
    return part.split("*").map((text) => text.replace(/[^\w]/g, "\\$&")).join("[^.]+");
  });
  return new RegExp(`^${source.join("\\.")}$`);
}
