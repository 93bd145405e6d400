/** @file The error that says: this backend is gone or cannot do this; another one can go on. */

import type { BackendName } from "../protocol/result";

export class BackendFailure extends Error {
  constructor(readonly backend: BackendName, message: string) {
    super(message);
    this.name = "BackendFailure";
  }
}
