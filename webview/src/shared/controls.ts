/**
 * @file The only file that knows the toolkit (@vscode/webview-ui-toolkit, archived by its authors): another one, such
 * as @vscode-elements/elements, would be swapped in here. The toolkit has no slider and its grid is slow, so ranges
 * and tables are native (range.ts, tables).
 */

import {
  provideVSCodeDesignSystem, vsCodeButton, vsCodeCheckbox, vsCodeDropdown, vsCodeOption, vsCodeProgressRing, vsCodeTextField,
} from "@vscode/webview-ui-toolkit";
import { customElement, element, type Child } from "./dom";

/** Must run once, before the first control is made. */
export function registerControls(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeCheckbox(), vsCodeDropdown(), vsCodeOption(), vsCodeProgressRing(), vsCodeTextField());
}

export interface Control<Value> {
  node: HTMLElement;
  set(value: Value): void;
}

export function button(label: Child, onClick: () => void, options: { look?: "primary" | "secondary" | "icon"; title?: string; name?: string } = {}): HTMLElement {
  return customElement("vscode-button", {
    attributes: {
      appearance: options.look ?? "secondary",
      title: options.title ?? null,
      "aria-label": options.name ?? null,
    },
    on: { click: onClick },
  }, label);
}

/** What a button opens, and whether it is open. The toolkit hands only names on to the button inside of its own. */
export function setPopup(node: HTMLElement, expanded: boolean): void {
  const root = node.shadowRoot!;
  const apply = (): boolean => {
    const inner = root.querySelector("button");
    inner?.setAttribute("aria-haspopup", "menu");
    inner?.setAttribute("aria-expanded", String(expanded));
    return inner !== null;
  };
  if (apply()) return;
  // It is made when the element comes into the page.
  const observer = new MutationObserver(() => { if (apply()) observer.disconnect(); });
  observer.observe(root, { childList: true });
}

export function setName(node: HTMLElement, name: string): void {
  node.setAttribute("aria-label", name);
}

export function setDisabled(node: HTMLElement, disabled: boolean): void {
  node.toggleAttribute("disabled", disabled);
  (node as HTMLElement & { disabled?: boolean }).disabled = disabled;
}

export function checkbox(label: string, checked: boolean, onChange: (checked: boolean) => void): Control<boolean> {
  const node = customElement<HTMLElement & { checked: boolean }>("vscode-checkbox", { class: "check" }, label);
  node.checked = checked;
  let known = checked;
  // The toolkit says "change" also when a script sets the box: only what the user did is passed on.
  node.addEventListener("change", () => {
    if (node.checked === known) return;
    known = node.checked;
    onChange(known);
  });
  return { node, set: (value) => { known = value; node.checked = value; } };
}

export interface Choice<Value extends string> { value: Value; label: string }

/** A dropdown with a visible label before it. */
export function dropdown<Value extends string>(
  label: string, choices: readonly Choice<Value>[], value: Value, onChange: (value: Value) => void,
): Control<Value> & { setChoices(choices: readonly Choice<Value>[], value: Value): void } {
  const node = customElement<HTMLElement & { value: string }>("vscode-dropdown", { attributes: { "aria-label": label } });
  const fill = (items: readonly Choice<Value>[], selected: Value): void => {
    node.replaceChildren(...items.map((item) => customElement("vscode-option", { attributes: { value: item.value, selected: item.value === selected ? true : null } }, item.label)));
    // The list reads its options in a microtask; the value must follow it.
    queueMicrotask(() => { node.value = selected; });
  };
  fill(choices, value);
  node.addEventListener("change", () => onChange(node.value as Value));
  return {
    node: element("span", { class: "field" }, element("span", { class: "field-label", attributes: { "aria-hidden": "true" } }, label), node),
    set: (selected) => { node.value = selected; },
    setChoices: fill,
  };
}

/** A text field; `onInput` at every key, `onCommit` on Enter or when the field is left. */
export function textField(
  name: string, options: { placeholder?: string; size?: number; onInput?: (text: string) => void; onCommit?: (text: string) => void } = {},
): Control<string> & { focus(): void; field: HTMLElement } {
  const node = customElement<HTMLElement & { value: string }>("vscode-text-field", {
    attributes: { "aria-label": name, placeholder: options.placeholder ?? null, size: options.size ?? null },
  });
  // The toolkit puts "Text field" in the place of the name when the element is connected.
  new MutationObserver(() => { if (node.getAttribute("aria-label") !== name) node.setAttribute("aria-label", name); })
    .observe(node, { attributes: true, attributeFilter: ["aria-label"] });
  node.addEventListener("input", () => options.onInput?.(node.value));
  node.addEventListener("change", () => options.onCommit?.(node.value));
  return { node, field: node, set: (value) => { if (node.value !== value) node.value = value; }, focus: () => node.focus() };
}

export const progressRing = (name: string): HTMLElement => customElement("vscode-progress-ring", { attributes: { "aria-label": name } });
