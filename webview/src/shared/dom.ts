/** @file Elements without a framework, and without inline styles (the content security policy forbids them). */

export type Child = Node | string | null;

interface Options {
  class?: string;
  /** Attributes; null leaves one out, true gives an empty one. */
  attributes?: Record<string, string | number | true | null>;
  on?: Partial<{ [Name in keyof HTMLElementEventMap]: (event: HTMLElementEventMap[Name]) => void }>;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, options: Options = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  configure(node, options);
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

/** The same for custom elements, whose tag the type system does not know. */
export function customElement<Type extends HTMLElement>(tag: string, options: Options = {}, ...children: Child[]): Type {
  const node = document.createElement(tag) as Type;
  configure(node, options);
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

function configure(node: HTMLElement, options: Options): void {
  if (options.class !== undefined) node.className = options.class;
  for (const [name, value] of Object.entries(options.attributes ?? {})) {
    if (value !== null) node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [name, listener] of Object.entries(options.on ?? {})) node.addEventListener(name, listener as EventListener);
}

/** Replaces the children only when the text differs, so that a live region does not repeat itself. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** In a narrow view the secondary controls of a toolbar wait behind this button. */
export function moreButton(): HTMLElement {
  const node = element("button", { class: "quiet more", attributes: { type: "button", "aria-expanded": "false" }, on: { click: () => {
    const open = node.closest(".toolbar")!.classList.toggle("expanded");
    node.setAttribute("aria-expanded", String(open));
    node.textContent = open ? "Fewer options" : "More options";
  } } }, "More options");
  return node;
}

export function svg(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const node = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}
