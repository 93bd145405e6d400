import { describe, expect, it } from "vitest";
import type { FloatArray } from "../../../server/src/engine/engine";
import { Arena } from "../../../server/src/engine/host/arena";
import { uniform } from "../../core/linalg/random";

const pages = 1024;

describe("Arena", () => {
  it("hands out arrays that never overlap, and takes them back in any order", () => {
    const arena = new Arena(1000, pages);
    const next = uniform(5);
    const held: { array: FloatArray; mark: number }[] = [];
    for (let step = 0; step < 4000; step++) {
      if (held.length > 0 && next() > 0.1) {
        const place = Math.floor(((next() + 1) / 2) * held.length);
        const [{ array, mark }] = held.splice(place, 1) as [typeof held[number]];
        expect(array[0]).toBe(mark);
        expect(array[array.length - 1]).toBe(mark);
        arena.give(array);
      } else {
        const array = arena.take(next() > 0 ? "float64" : "float32", 1 + Math.floor((next() + 1) * 20000));
        expect(array).not.toBeNull();
        array!.fill(step);
        held.push({ array: array!, mark: step });
      }
    }
    for (const { array } of held) arena.give(array);
    expect(arena.used).toBe(0);
    // Everything was joined again: one array can take all of it.
    const all = arena.take("float32", Math.floor((pages * 65536 - 2048) / 4));
    expect(all).not.toBeNull();
    expect(arena.take("float32", 100000)).toBeNull();
  });
});
