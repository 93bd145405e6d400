/** @file Which numbers of features or edges an ablation probes: the words of a spec or of the command line as a schedule of core (method section 4.2). */

import type { BisectSchedule } from "../../core/lib/ablation/bisect";
import type { Schedule } from "../../core/lib/ablation/schedules";
import type { AblationScheduleSpec, AblationSpec } from "../../protocol/spec";
import { InputError } from "../errors";

export interface ResolvedSchedule {
  /** null: every number of features of a layer of ordinary width. */
  schedule: BisectSchedule | Schedule | null;
  earlyStopping: number | null;
}

/** Of the published modular-addition curves. */
const nodeExponential = { base: 1.05, cutoff: 10 };
const edgeExponential = { base: 2, cutoff: 0 };
const linearPoints = 21;

/** Which of the numbers belong to which schedule. */
const understood: Record<NonNullable<AblationScheduleSpec["schedule"]>, readonly (keyof AblationScheduleSpec)[]> = {
  all: ["keep", "stopAt"],
  linear: ["points", "keep", "stopAt"],
  exponential: ["base", "cutoff", "keep", "stopAt"],
  bisect: ["interval", "keep"],
  logarithmic: ["interval", "keep"],
};

/** @throws InputError for a number that does not belong to the schedule, or a schedule that a network's edges are too many for. */
export function resolveSchedule(what: "nodes" | "edges", spec: AblationScheduleSpec): ResolvedSchedule {
  const { keep, stopAt } = spec;
  // Chosen numbers alone: with everything and with nothing kept beside them.
  if (spec.schedule === undefined && keep !== undefined) return { schedule: { kind: "linear", points: 2, specificPoints: keep }, earlyStopping: stopAt ?? null };
  const kind = spec.schedule ?? (what === "nodes" ? "all" : "bisect");
  for (const [name, value] of Object.entries(spec) as [keyof AblationScheduleSpec, unknown][]) {
    if (name === "schedule" || value === undefined || understood[kind].includes(name)) continue;
    throw new InputError(`"${name}" does not belong to the schedule "${kind}", which takes ${understood[kind].join(", ")}: remove it or choose another schedule.`);
  }
  const extra = keep !== undefined ? { specificPoints: keep } : {};
  const earlyStopping = stopAt ?? null;
  switch (kind) {
    case "all":
      if (what === "edges") throw new InputError('The schedule "all" would score every number of edges: choose "bisect", "logarithmic", "linear" or "exponential".');
      return { schedule: keep === undefined ? null : { kind, ...extra }, earlyStopping };
    case "linear":
      return { schedule: { kind, points: spec.points ?? linearPoints, ...extra }, earlyStopping };
    case "exponential": {
      const { base, cutoff } = what === "nodes" ? nodeExponential : edgeExponential;
      return { schedule: { kind, base: spec.base ?? base, everyCutoff: spec.cutoff ?? cutoff, ...extra }, earlyStopping };
    }
    case "bisect":
    case "logarithmic":
      return { schedule: { kind: "bisect", scaling: kind === "bisect" ? "linear" : "logarithmic", tolerance: spec.interval ?? 1, ...extra }, earlyStopping };
  }
}

/** What can be kept of one node layer (features) or section (edges). */
export interface Keepable { readonly name: string; readonly total: number }

/**
 * Layers differ in width, so a number that some of them have is probed there alone.
 * @param places where the schedule runs @throws InputError for numbers of `keep` that none of them has
 */
export function mustBeSomewhere(what: "nodes" | "edges", { keep = [] }: AblationScheduleSpec, places: readonly Keepable[]): void {
  const largest = places.reduce<Keepable | null>((most, one) => (most && most.total >= one.total ? most : one), null);
  if (!largest) return;
  const beyond = keep.filter((kept) => kept > largest.total);
  if (beyond.length === 0) return;
  const [things, place] = what === "nodes" ? ["features", "node layer"] : ["edges", "section"];
  const named = `${beyond.slice(0, 3).join(", ")}${beyond.length > 3 ? ` and ${beyond.length - 3} more` : ""}`;
  throw new InputError(`"keep" names ${named} ${things}, but no ${place} has more than ${largest.total}, those of ${what === "nodes" ? "" : "the one from "}"${largest.name}": name at most ${largest.total}.`);
}

/** What stands in the spec, with what was typed instead of it. A schedule that was typed leaves the numbers of the spec's own behind. */
export function overridden(spec: AblationSpec | undefined, what: "nodes" | "edges", typed: AblationScheduleSpec): AblationScheduleSpec {
  const own = spec?.[what] ?? {};
  const given = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined)) as AblationScheduleSpec;
  return given.schedule !== undefined && given.schedule !== own.schedule ? given : { ...own, ...given };
}

/** Loss of score that still counts as kept: a thousandth of the answers, or a tenth of a nat (method section 4.3). */
export function defaultTolerance(metric: "accuracy" | "ce-loss"): number {
  return metric === "accuracy" ? 0.001 : 0.1;
}
