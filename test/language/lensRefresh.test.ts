import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LensRefresh } from "../../server/src/language/lensRefresh";

describe("LensRefresh", () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  const counted = (): { refresh: LensRefresh; sent: () => number } => {
    let count = 0;
    return { refresh: new LensRefresh(() => { count += 1; }), sent: () => count };
  };

  it("sends once where every document is asked for again, or none ever was", () => {
    const { refresh, sent } = counted();
    refresh.request();
    vi.runAllTimers();
    expect(sent()).toBe(1);
    for (const uri of ["a", "b"]) refresh.answered(uri);
    refresh.request();
    for (const uri of ["a", "b"]) refresh.answered(uri);
    vi.runAllTimers();
    expect(sent()).toBe(2);
  });

  it("sends again until the last document is asked for", () => {
    const { refresh, sent } = counted();
    for (const uri of ["a", "b"]) refresh.answered(uri);
    refresh.request();
    refresh.answered("a");
    vi.runOnlyPendingTimers();
    expect(sent()).toBe(2);
    refresh.answered("b");
    vi.runAllTimers();
    expect(sent()).toBe(2);
  });

  it("gives a document behind another tab up, and begins anew with the next change", () => {
    const { refresh, sent } = counted();
    refresh.answered("a");
    refresh.request();
    vi.runAllTimers();
    const first = sent();
    expect(first).toBeGreaterThan(1);
    expect(first).toBeLessThan(10);
    refresh.request();
    vi.runAllTimers();
    expect(sent()).toBe(2 * first);
  });

  it("waits for no closed document, and for nothing when it is disposed", () => {
    const { refresh, sent } = counted();
    refresh.answered("a");
    refresh.request();
    refresh.closed("a");
    vi.runAllTimers();
    expect(sent()).toBe(1);
    refresh.answered("a");
    refresh.request();
    refresh.dispose();
    vi.runAllTimers();
    expect(sent()).toBe(2);
  });
});
