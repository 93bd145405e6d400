/** @file The stack of the unpickler with its marks: nothing is taken that is not there, and all that is built is charged to a budget. */

import type { PickleCursor } from "./pickleCursor";

export class PickleStack {
  /** Values above the last mark. */
  private values: unknown[] = [];
  /** Stacks below each open mark. */
  private readonly marked: unknown[][] = [];

  /** @param budget bytes that the values may take altogether */
  constructor(private readonly cursor: PickleCursor, private budget: number) {}

  /** Whether there is nothing above the last mark, or nothing at all. */
  get isAtMark(): boolean {
    return this.values.length === 0;
  }

  /** @throws FormatError when the budget is spent */
  charge(bytes: number): void {
    this.budget -= bytes;
    if (this.budget < 0) throw this.cursor.damaged("more data than any model needs (memory limit of the reader)");
  }

  push(value: unknown): void {
    this.values.push(value);
  }

  mark(): void {
    this.marked.push(this.values);
    this.values = [];
  }

  /** @throws FormatError when there is nothing above the last mark */
  pop(): unknown {
    if (this.isAtMark) throw this.cursor.damaged("an empty stack");
    return this.values.pop();
  }

  /** @throws as `pop` */
  top(): unknown {
    if (this.isAtMark) throw this.cursor.damaged("an empty stack");
    return this.values[this.values.length - 1];
  }

  /** Everything above the last mark, which goes, too. @throws FormatError without a mark */
  popToMark(): unknown[] {
    const below = this.marked.pop();
    if (below === undefined) throw this.cursor.damaged("a missing mark");
    const items = this.values;
    this.values = below;
    return items;
  }
}
