/** @file The three ways in which an analysis ends early, told apart by class (and by exit code on the command line). */

/** The user's input cannot be used: one sentence that says what is wrong, where, and what to do. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}

/** The user asked for a stop. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
  constructor() {
    super("Cancelled.");
  }
}

const badInputNames = new Set(["InputError", "SpecError", "FormatError", "NetworkError"]);

/** @returns whether the cause is in what the user gave (spec, model, data), not in the run. */
export function isBadInput(error: unknown): boolean {
  return error instanceof Error && badInputNames.has(error.name);
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, " ").trim();
}
