/**
 * @file How features depend on a grouping of the data: classes, positions or tokens. Mean and deviation of every feature in every group,
 * and how much of its variance the grouping explains.
 */

export interface GroupProfile {
  /** Groups that occur, ascending. */
  readonly groups: readonly number[];
  /** Members of each group. */
  readonly counts: readonly number[];
  /** [feature][group] */
  readonly means: readonly (readonly number[])[];
  /** Standard deviation within the group, [feature][group]. */
  readonly deviations: readonly (readonly number[])[];
  /** Mean and standard deviation of every feature over everything. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Share of every feature's variance that lies between the groups, 0 to 1; 0 for a feature that does not vary. */
  readonly explained: readonly number[];
}

/** Numbers that the sums of one profile may take. */
const largestProfile = 1 << 25;

/** Adds up rows of features, group by group, in float64. */
export class ProfileSums {
  private readonly places = new Map<number, number>();
  private readonly counts: number[] = [];
  private readonly sums: Float64Array[] = [];
  private readonly squares: Float64Array[] = [];

  constructor(private readonly features: number) {}

  /**
   * @param values [rows, features]
   * @param groups the group of every row
   * @throws RangeError when there are too many groups to keep
   */
  add(values: ArrayLike<number>, groups: ArrayLike<number>): void {
    const { features } = this;
    for (let row = 0; row < groups.length; row += 1) {
      const place = this.placeOf(groups[row]!);
      const [sums, squares] = [this.sums[place]!, this.squares[place]!];
      this.counts[place]! += 1;
      for (let feature = 0; feature < features; feature += 1) {
        const value = values[row * features + feature]!;
        sums[feature]! += value;
        squares[feature]! += value * value;
      }
    }
  }

  finish(): GroupProfile {
    const order = [...this.places].sort(([a], [b]) => a - b);
    const all = this.counts.reduce((sum, count) => sum + count, 0);
    const perFeature = Array.from({ length: this.features }, (_, feature) => this.ofFeature(feature, order.map(([, place]) => place), all));
    return {
      groups: order.map(([group]) => group),
      counts: order.map(([, place]) => this.counts[place]!),
      means: perFeature.map(({ means }) => means),
      deviations: perFeature.map(({ deviations }) => deviations),
      mean: perFeature.map(({ mean }) => mean),
      deviation: perFeature.map(({ deviation }) => deviation),
      explained: perFeature.map(({ explained }) => explained),
    };
  }

  private placeOf(group: number): number {
    const known = this.places.get(group);
    if (known !== undefined) return known;
    const place = this.places.size;
    if ((place + 1) * this.features * 2 > largestProfile) throw new RangeError(`A profile of ${this.features} features over more than ${place} groups is too large.`);
    this.places.set(group, place);
    this.counts.push(0);
    this.sums.push(new Float64Array(this.features));
    this.squares.push(new Float64Array(this.features));
    return place;
  }

  private ofFeature(feature: number, places: readonly number[], all: number): { means: number[]; deviations: number[]; mean: number; deviation: number; explained: number } {
    const count = (place: number): number => this.counts[place]!;
    const means = places.map((place) => this.sums[place]![feature]! / count(place));
    const variances = places.map((place, k) => Math.max(0, this.squares[place]![feature]! / count(place) - means[k]! ** 2));
    const mean = places.reduce((sum, place, k) => sum + means[k]! * count(place), 0) / all;
    const within = places.reduce((sum, place, k) => sum + variances[k]! * count(place), 0) / all;
    const between = places.reduce((sum, place, k) => sum + (means[k]! - mean) ** 2 * count(place), 0) / all;
    const variance = within + between;
    // What rounding leaves of a feature that is the same everywhere is no variance.
    const varies = variance > 1e-12 * mean * mean;
    return { means, deviations: variances.map(Math.sqrt), mean, deviation: varies ? Math.sqrt(variance) : 0, explained: varies ? between / variance : 0 };
  }
}

/** Groups named on each side. */
const named = 3;
/** A group stands out from here, in deviations of the feature. */
const standsOut = 0.5;
/** A mean over fewer members says little. */
export const fewestMembers = 3;

/**
 * "71% class|high 3 5|low 0": how much the grouping explains, and the groups that stand out, the strongest first. A feature that does not vary
 * is "constant".
 */
export function describeProfile(profile: GroupProfile, feature: number, what: string, name: (group: number) => string): string {
  const deviation = profile.deviation[feature]!;
  if (deviation === 0) return "constant";
  const scores = profile.groups
    .map((group, k) => ({ group, members: profile.counts[k]!, score: (profile.means[feature]![k]! - profile.mean[feature]!) / deviation }))
    .filter(({ score, members }) => Math.abs(score) >= standsOut && members >= fewestMembers);
  const side = (sign: number): string => scores
    .filter(({ score }) => score * sign > 0)
    .sort((a, b) => Math.abs(b.score) - Math.abs(a.score) || a.group - b.group)
    .slice(0, named).map(({ group }) => name(group)).join(" ");
  const [high, low] = [side(1), side(-1)];
  return [`${Math.round(100 * profile.explained[feature]!)}% ${what}`, ...(high ? [`high ${high}`] : []), ...(low ? [`low ${low}`] : [])].join("|");
}
