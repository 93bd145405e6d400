/** @file Whether only the last position is kept after attention, and after which module. */

import type { ModelFacts } from "./architecture";

/** Modular addition is read off at the last position (method section 1.3). */
export function lastPosition(facts: ModelFacts): { after: string | null; notes: string[] } {
  if (facts.lastPositionOnly !== null) return { after: facts.lastPositionOnly, notes: [] };
  if (facts.data?.kind !== "modular-addition") return { after: null, notes: [] };
  return { after: "add_resid1", notes: ["Only the last position is kept after attention, as modular addition is read off there."] };
}
