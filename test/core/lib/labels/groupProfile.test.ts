import { describe, expect, it } from "vitest";
import { describeProfile, ProfileSums } from "../../../../server/src/core/lib/labels/groupProfile";
import { seededRandom } from "../../../../server/src/core/random";

/** Rows of 3 features: a constant, one that tells group 2 from the others, noise. */
function sample(seed: number, rows: number): { values: number[]; groups: number[] } {
  const random = seededRandom(seed);
  const groups = Array.from({ length: rows }, (_, row) => [7, 2, 5][row % 3]!);
  return { groups, values: groups.flatMap((group) => [1.5, (group === 2 ? 3 : 0) + 0.1 * (random() - 0.5), random() - 0.5]) };
}

describe("profiles of features over groups", () => {
  it("have the means and deviations of their members, whatever the batches", () => {
    const { values, groups } = sample(1, 300);
    const [whole, parts] = [new ProfileSums(3), new ProfileSums(3)];
    whole.add(values, groups);
    for (let row = 0; row < 300; row += 70) parts.add(values.slice(3 * row, 3 * (row + 70)), groups.slice(row, row + 70));
    const profile = whole.finish();
    expect(parts.finish()).toEqual(profile);
    expect([profile.groups, profile.counts]).toEqual([[2, 5, 7], [100, 100, 100]]);
    profile.groups.forEach((group, k) => {
      const own = values.filter((_, at) => at % 3 === 2 && groups[Math.floor(at / 3)] === group);
      const mean = own.reduce((a, b) => a + b) / own.length;
      expect(profile.means[2]![k]).toBeCloseTo(mean, 12);
      expect(profile.deviations[2]![k]).toBeCloseTo(Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length), 10);
    });
  });

  it("explain all of what follows the group, and next to nothing of noise", () => {
    const sums = new ProfileSums(3);
    const { values, groups } = sample(2, 3000);
    sums.add(values, groups);
    const profile = sums.finish();
    expect(profile.explained[0]).toBe(0);
    expect(profile.explained[1]).toBeGreaterThan(0.999);
    expect(profile.explained[2]).toBeLessThan(0.01);
    const describeFeature = (feature: number): string => describeProfile(profile, feature, "class", (group) => `#${group}`);
    expect(describeFeature(0)).toBe("constant");
    expect(describeFeature(1)).toBe("100% class|high #2|low #5 #7");
    expect(describeFeature(2)).toBe("0% class");
  });

  it("refuse more groups than memory is meant for", () => {
    const sums = new ProfileSums(1 << 22);
    expect(() => sums.add(new Float32Array(5 << 22), [1, 2, 3, 4, 5])).toThrow("too large");
  });
});
