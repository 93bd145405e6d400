/** @file The pieces of a drawing as plain data: a view makes elements of them, a file text. */

export interface Mark {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Text, or further pieces in the order of drawing. */
  readonly children: readonly Mark[] | string;
}

export function element(name: string, attributes: Mark["attributes"], children: Mark["children"] = []): Mark {
  return { name, attributes, children };
}

/** What a pointer that rests on a mark is told. */
export const tip = (text: string): Mark => element("title", {}, text);

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it stands inside SVG or HTML. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);

/** A mark as SVG; attribute values and text are escaped. */
export function svgText({ name, attributes, children }: Mark): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(attributeText(value))}"`).join("");
  const inside = typeof children === "string" ? escaped(children) : children.map(svgText).join("");
  return inside === "" ? `<${name}${list}/>` : `<${name}${list}>${inside}</${name}>`;
}

/** Coordinates to a hundredth of a pixel. */
export const attributeText = (value: string | number): string => (typeof value === "number" ? rounded(value) : value);

export function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Points joined by straight lines. */
export function path(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], k) => `${k === 0 ? "M" : "L"}${rounded(x)} ${rounded(y)}`).join("");
}

export const shift = (x: number, y: number, children: readonly Mark[]): Mark => element("g", { transform: `translate(${rounded(x)} ${rounded(y)})` }, children);

/** Width of a text in pixels, roughly: enough to keep texts apart. */
export function textWidth(text: string, size = 11): number {
  return text.length * size * 0.58;
}

/** A text of at most `width` pixels, shortened in the middle. */
export function fitted(text: string, width: number, size = 11): string {
  const most = Math.max(4, Math.floor(width / (size * 0.58)));
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}
