import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WhileVisible } from "../../client/src/whileVisible";

type Listener = (event: { visible: boolean }) => unknown;

/** A view as the editor gives it, to be shown and hidden by hand. */
class View {
  readonly listeners = new Set<Listener>();
  constructor(public visible: boolean) {}

  readonly onDidChangeVisibility = (listener: Listener): { dispose(): void } => {
    this.listeners.add(listener);
    return { dispose: () => { this.listeners.delete(listener); } };
  };

  show(visible: boolean): void {
    this.visible = visible;
    for (const listener of this.listeners) listener({ visible });
  }
}

describe("what is done while a view is visible", () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it("is done again and again while it is, at once when it comes into sight, and never while it is hidden", () => {
    const view = new View(false);
    let times = 0;
    const kept = new WhileVisible(view, 60_000, () => { times++; });
    const after = (minutes: number): number => {
      times = 0;
      vi.advanceTimersByTime(60_000 * minutes);
      return times;
    };
    expect(after(5)).toBe(0);
    view.show(true);
    expect(times).toBe(1);
    expect(after(3)).toBe(3);
    // said twice, it is still one timer
    view.show(true);
    expect(after(2)).toBe(2);
    view.show(false);
    expect(after(5)).toBe(0);
    view.show(true);
    kept.dispose();
    expect(after(5)).toBe(0);
    expect([view.listeners.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it("begins with a view that is visible from the beginning", () => {
    let times = 0;
    const kept = new WhileVisible(new View(true), 1000, () => { times++; });
    vi.advanceTimersByTime(2500);
    kept.dispose();
    expect(times).toBe(2);
  });
});
