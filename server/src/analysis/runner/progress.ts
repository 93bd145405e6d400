/** @file Progress of a run: named phases with a fraction, sent at most about ten times a second, and the time each took. */

import { phases as phaseNames, type PhaseName, type RunEvent } from "../../protocol/events";

/** Rough shares of a run, for the overall percentage only. */
const shares: Record<PhaseName, number> = { read: 0.06, means: 0.06, grams: 0.12, bases: 0.3, edges: 0.3, jacobians: 0.06, evaluate: 0.06, write: 0.04 };

const interval = 100;

export class Progress {
  private current: PhaseName | null = null;
  private phaseStart = 0;
  private lastSent = -Infinity;
  private lastOverall = 0;
  private readonly started = performance.now();
  private readonly times = new Map<PhaseName, number>();

  constructor(private readonly run: string, private readonly emit: (event: RunEvent) => void) {}

  /**
   * @param fraction of the phase, 0 to 1
   * @param isNews sent even when the last report was a moment ago
   */
  report(phase: PhaseName, fraction: number, detail = "", isNews = false): void {
    const now = performance.now();
    const changed = phase !== this.current;
    if (changed) this.enter(phase, now);
    if (!changed && !isNews && now - this.lastSent < interval) return;
    this.lastSent = now;
    const inside = Math.min(1, Math.max(0, fraction));
    const before = phaseNames.slice(0, phaseNames.indexOf(phase)).reduce((sum, name) => sum + shares[name], 0);
    // Work of one phase may come back after a later one (a basis, then edges); the bar never runs backwards.
    this.lastOverall = Math.max(this.lastOverall, before + shares[phase] * inside);
    this.emit({ run: this.run, kind: "phase", phase, fraction: inside, overall: this.lastOverall, detail, elapsedSeconds: this.seconds() });
  }

  seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Seconds per phase that ran. */
  phases(): Record<string, number> {
    if (this.current) this.enter(this.current, performance.now());
    return Object.fromEntries([...this.times].map(([phase, milliseconds]) => [phase, milliseconds / 1000]));
  }

  private enter(phase: PhaseName, now: number): void {
    if (this.current) this.times.set(this.current, (this.times.get(this.current) ?? 0) + now - this.phaseStart);
    this.current = phase;
    this.phaseStart = now;
  }
}
