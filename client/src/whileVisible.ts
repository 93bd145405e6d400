/** @file Keeps what depends on the time of day up to date in a view, such as "4 min ago", while somebody can see it. */

import type { Disposable, Event } from "vscode";

/** What is needed of a view. */
interface Visible {
  readonly visible: boolean;
  readonly onDidChangeVisibility: Event<{ readonly visible: boolean }>;
}

export class WhileVisible implements Disposable {
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly subscription: Disposable;

  /** @param action done when the view comes into sight and every `milliseconds` from then on, until it is hidden */
  constructor(view: Visible, private readonly milliseconds: number, private readonly action: () => void) {
    this.subscription = view.onDidChangeVisibility(({ visible }) => {
      if (visible) action();
      this.run(visible);
    });
    this.run(view.visible);
  }

  dispose(): void {
    this.subscription.dispose();
    this.run(false);
  }

  private run(visible: boolean): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = visible ? setInterval(this.action, this.milliseconds) : null;
  }
}
