/** @file The error of a network that cannot be built or cut as asked. */

/** Bad input: one sentence that says what is wrong, where, and what to do. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
}
