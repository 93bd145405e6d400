/** @file A button that opens a list of actions. */

import { button, setName, setPopup } from "./controls";
import { element } from "./dom";

export interface MenuItem { label: string; run: () => void }

export interface MenuButton { node: HTMLElement; name(name: string): void }

/** @returns the button with its list; `name` says what the actions are about, where there are several such buttons. */
export function menuButton(label: string, items: () => MenuItem[]): MenuButton {
  const list = element("div", { class: "menu", attributes: { role: "menu", "aria-label": label, hidden: true } });
  const close = (focus: boolean): void => {
    list.hidden = true;
    setPopup(opener, false);
    if (focus) opener.focus();
  };
  const open = (): void => {
    list.replaceChildren(...items().map((item) => element("button", {
      class: "menu-item", attributes: { role: "menuitem", tabindex: -1 },
      on: { click: () => { close(true); item.run(); } },
    }, item.label)));
    list.hidden = false;
    setPopup(opener, true);
    (list.firstElementChild as HTMLElement | null)?.focus();
  };
  const opener = button(label, () => (list.hidden ? open() : close(true)));
  setPopup(opener, false);
  const box = element("span", { class: "menu-box" }, opener, list);
  list.addEventListener("keydown", (event) => {
    const entries = [...list.children] as HTMLElement[];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Escape") close(true);
    else if (step !== 0) entries[(at + step + entries.length) % entries.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget as Node | null)) close(false);
  });
  return { node: box, name: (name) => { setName(opener, name); list.setAttribute("aria-label", name); } };
}
