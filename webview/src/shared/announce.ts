/** @file One sentence at a time for screen readers. */

import { element } from "./dom";

export interface Announcer { node: HTMLElement; say(sentence: string): void }

export function announcer(): Announcer {
  const node = element("div", { class: "visually-hidden", attributes: { "aria-live": "polite", role: "log", "aria-label": "Announcements" } });
  return {
    node,
    say(sentence) {
      node.replaceChildren(element("p", {}, sentence));
    },
  };
}
