/** @file The sheet of keyboard shortcuts, made from the registry. */

import { element } from "../shared/dom";
import { shortcuts } from "./keyboard";

export function helpSheet(): { node: HTMLDialogElement; open(): void } {
  const node = element("dialog", { class: "help", attributes: { "aria-label": "Keyboard shortcuts of the graph" } },
    element("h2", {}, "Keyboard"),
    element("p", { class: "hint" }, "These keys act while the graph has the focus. Drag to move, wheel to zoom, Shift and wheel to stretch, Ctrl and click to pin."),
    element("dl", { class: "keys" }, ...shortcuts.flatMap((shortcut) => [element("dt", {}, element("kbd", {}, shortcut.label)), element("dd", {}, shortcut.does)])),
    element("form", { attributes: { method: "dialog" } }, element("button", { class: "quiet" }, "Close")),
  );
  return { node, open: () => node.showModal() };
}
