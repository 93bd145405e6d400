/**
 * @file Which numbers of ablated vectors (features or edges) an ablation probes, known in advance (method section 4.2).
 * The bisection, whose probes depend on the scores, is in bisect.ts.
 */

/** Counts are of vectors out of the original, un-truncated number. */
export type Schedule =
  /** Every count. */
  | { readonly kind: "all"; readonly specificPoints?: readonly number[] }
  /** `points` counts, evenly spaced from everything ablated to nothing ablated. */
  | { readonly kind: "linear"; readonly points: number; readonly specificPoints?: readonly number[] }
  /**
   * Remaining counts 0..`everyCutoff` one by one, then the ablated count falls by `base`^0, `base`^1, ...
   * `base` is 2 when absent. The published modular-addition curves use base 1.05 and cutoff 10.
   */
  | { readonly kind: "exponential"; readonly base?: number; readonly everyCutoff: number; readonly specificPoints?: readonly number[] };

/**
 * Numbers of ablated vectors of a schedule, descending: the first is `total`, the last 0.
 * `specificPoints` are further REMAINING counts; those above `total` are ignored.
 * @throws RangeError when the schedule does not fit `total`.
 */
export function ablatedCounts(schedule: Schedule, total: number): number[] {
  if (!Number.isInteger(total) || total < 1) throw new RangeError(`An ablation needs at least one vector, got ${total}.`);
  const extra = (schedule.specificPoints ?? []).filter((remaining) => remaining >= 0 && remaining <= total);
  const counts = new Set([...regularCounts(schedule, total), ...extra.map((remaining) => total - remaining)]);
  return [...counts].sort((a, b) => b - a);
}

function regularCounts(schedule: Schedule, total: number): number[] {
  switch (schedule.kind) {
    case "all":
      return Array.from({ length: total + 1 }, (_, index) => total - index);
    case "linear":
      return linearCounts(schedule.points, total);
    case "exponential":
      return exponentialCounts(schedule.base ?? 2, schedule.everyCutoff, total);
  }
}

function linearCounts(points: number, total: number): number[] {
  if (!Number.isInteger(points) || points < 2 || points > total + 1) {
    throw new RangeError(`A linear schedule over ${total} vectors needs 2 to ${total + 1} points, got ${points}.`);
  }
  return Array.from({ length: points }, (_, index) => Math.trunc((total * (points - 1 - index)) / (points - 1)));
}

function exponentialCounts(base: number, everyCutoff: number, total: number): number[] {
  if (!(base >= 1)) throw new RangeError(`The base of an exponential schedule must be at least 1, got ${base}.`);
  if (!Number.isInteger(everyCutoff) || everyCutoff < 0 || everyCutoff >= total) {
    throw new RangeError(`The cutoff of an exponential schedule over ${total} vectors must be 0 to ${total - 1}, got ${everyCutoff}.`);
  }
  const counts = Array.from({ length: everyCutoff + 1 }, (_, remaining) => total - remaining);
  let previous = total - everyCutoff;
  for (let step = 1; previous > 0; step *= base) {
    previous = Math.max(0, Math.trunc(previous - step));
    counts.push(previous);
  }
  return counts;
}

/**
 * The schedule as it can be run over `total` vectors: layers of one network differ in width, so that more points, or a larger cutoff,
 * than a narrow one has means every count.
 */
export function fitted(schedule: Schedule, total: number): Schedule {
  if (schedule.kind === "linear") return { ...schedule, points: Math.min(schedule.points, total + 1) };
  if (schedule.kind === "exponential") return { ...schedule, everyCutoff: Math.min(schedule.everyCutoff, total - 1) };
  return schedule;
}

export interface ScheduleRun {
  /** [number remaining, score], in the order of evaluation: nothing ablated first. */
  readonly points: [remaining: number, score: number][];
  /** The run ended before the whole schedule was evaluated. */
  readonly stoppedEarly: boolean;
}

/**
 * Evaluates a schedule from nothing ablated upward, so that it can stop as soon as a score is further than
 * `earlyStopping` from the score of the first point.
 * @param counts ablated counts, in any order
 * @param evaluate score with `remaining` vectors left
 */
export async function runSchedule(
  counts: readonly number[], total: number, evaluate: (remaining: number) => Promise<number>, earlyStopping?: number,
): Promise<ScheduleRun> {
  const points: [number, number][] = [];
  for (const ablated of [...counts].sort((a, b) => a - b)) {
    const score = await evaluate(total - ablated);
    points.push([total - ablated, score]);
    if (earlyStopping !== undefined && Math.abs(score - points[0]![1]) > earlyStopping) {
      return { points, stoppedEarly: points.length < counts.length };
    }
  }
  return { points, stoppedEarly: false };
}
