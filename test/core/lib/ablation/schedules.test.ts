import { describe, expect, it } from "vitest";
import { bisect } from "../../../../server/src/core/lib/ablation/bisect";
import { ablatedCounts, runSchedule } from "../../../../server/src/core/lib/ablation/schedules";

describe("schedules with known answers (method 8.1 I)", () => {
  it("exponential, base 2", () => {
    expect(ablatedCounts({ kind: "exponential", everyCutoff: 0 }, 12)).toEqual([12, 11, 9, 5, 0]);
    expect(ablatedCounts({ kind: "exponential", everyCutoff: 3 }, 12)).toEqual([12, 11, 10, 9, 8, 6, 2, 0]);
    expect(ablatedCounts({ kind: "exponential", everyCutoff: 3 }, 24)).toEqual([24, 23, 22, 21, 20, 18, 14, 6, 0]);
  });

  it("linear", () => {
    expect(ablatedCounts({ kind: "linear", points: 3 }, 12)).toEqual([12, 6, 0]);
  });

  it("the published modular-addition schedule has 48 points, 0..11, 13, 15, ... remaining", () => {
    const remaining = ablatedCounts({ kind: "exponential", base: 1.05, everyCutoff: 10 }, 129).map((ablated) => 129 - ablated);
    expect(remaining).toHaveLength(48);
    expect(remaining.slice(0, 17)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 21]);
    expect(remaining.at(-1)).toBe(129);
  });

  it("adds specific remaining counts once and ignores those above the total", () => {
    expect(ablatedCounts({ kind: "linear", points: 3, specificPoints: [6, 5, 99] }, 12)).toEqual([12, 7, 6, 0]);
    expect(ablatedCounts({ kind: "all" }, 3)).toEqual([3, 2, 1, 0]);
  });

  it("says what does not fit", () => {
    expect(() => ablatedCounts({ kind: "linear", points: 1 }, 12)).toThrow(/2 to 13 points, got 1/);
    expect(() => ablatedCounts({ kind: "exponential", everyCutoff: 12 }, 12)).toThrow(/cutoff .* 0 to 11, got 12/);
  });

  it("stops early once the score has left the first one", async () => {
    const score = (remaining: number): Promise<number> => Promise.resolve(remaining >= 6 ? 1 : 0);
    const run = await runSchedule([12, 9, 6, 3, 0], 12, score, 0.5);
    expect(run).toEqual({ points: [[12, 1], [9, 1], [6, 1], [3, 0]], stoppedEarly: true });
    expect((await runSchedule([12, 6, 0], 12, score)).points).toEqual([[12, 1], [6, 1], [0, 0]]);
  });
});

describe("bisection", () => {
  it("probes 10, 15, 12, 11 of 20 and needs 9 when 11 may go (method 8.1 J)", async () => {
    const run = await bisect(20, (remaining) => Promise.resolve(20 - remaining < 12));
    expect(run.probes.map(([remaining]) => 20 - remaining)).toEqual([10, 15, 12, 11]);
    expect(run.required).toBe(9);
  });

  it.each(["linear", "logarithmic"] as const)("finds every threshold exactly (%s)", async (scaling) => {
    for (let needed = 1; needed <= 57; needed += 1) {
      const run = await bisect(57, (remaining) => Promise.resolve(remaining >= needed), { scaling });
      expect(run.required).toBe(needed);
    }
  });

  it("is off by no more than its tolerance", async () => {
    for (const tolerance of [2, 5, 9]) {
      const run = await bisect(1000, (remaining) => Promise.resolve(remaining >= 321), { tolerance });
      expect(run.required).toBeGreaterThanOrEqual(321);
      expect(run.required - 321).toBeLessThan(tolerance);
    }
  });

  it("needs few probes for few edges of many on the logarithmic scale", async () => {
    const run = await bisect(1_000_000, (remaining) => Promise.resolve(remaining >= 3), { scaling: "logarithmic" });
    expect(run.required).toBe(3);
    expect(run.probes.length).toBeLessThan(10);
  });
});
