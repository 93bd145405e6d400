/** @file The smallest number of vectors (edges, features) that keeps the score, found by bisection (method section 4.3, step 4). */

/** The schedule whose probes depend on the scores. */
export type BisectSchedule = { readonly kind: "bisect"; readonly specificPoints?: readonly number[] } & BisectOptions;

export interface BisectOptions {
  /**
   * "linear" halves the interval of ablated counts. "logarithmic" takes the geometric mean of the REMAINING counts: the axis
   * on which few edges of many are told apart.
   */
  readonly scaling?: "linear" | "logarithmic";
  /** The search ends when the interval is not wider than this; 1 (exact) when absent. */
  readonly tolerance?: number;
}

export interface BisectRun {
  /** Vectors that must remain: `total` minus the largest ablated count seen to be good. */
  readonly required: number;
  /** Remaining counts in the order of probing, and whether the score held. */
  readonly probes: [remaining: number, good: boolean][];
}

/**
 * Bisects the ablated count in (0, total), where 0 is taken as good and `total` as bad without looking.
 * The score is not monotone in general: the search then finds one of its crossings.
 * @param isGood whether the score holds with `remaining` vectors left
 * @throws RangeError for a tolerance below 1
 */
export async function bisect(
  total: number, isGood: (remaining: number) => Promise<boolean>, options: BisectOptions = {},
): Promise<BisectRun> {
  const tolerance = options.tolerance ?? 1;
  if (!(tolerance >= 1)) throw new RangeError(`The tolerance of a bisection must be at least 1, got ${tolerance}.`);
  const probes: [number, boolean][] = [];
  let good = 0;
  let bad = total;
  while (bad - good > tolerance) {
    const middle = options.scaling === "logarithmic"
      ? total - Math.floor(Math.sqrt((total - good) * (total - bad)))
      : Math.floor((good + bad) / 2);
    const ablated = Math.min(Math.max(middle, good + 1), bad - 1);
    const holds = await isGood(total - ablated);
    probes.push([total - ablated, holds]);
    if (holds) good = ablated;
    else bad = ablated;
  }
  return { required: total - good, probes };
}
