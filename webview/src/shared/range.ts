/** @file A native slider on a logarithmic scale (the toolkit has none). */

import { element } from "./dom";

const steps = 1000;

export interface LogRange {
  node: HTMLInputElement;
  set(value: number): void;
  /** New ends of the scale; both positive. */
  setEnds(smallest: number, largest: number): void;
}

/**
 * @param spoken text for a screen reader, such as "0.013, 240 edges".
 */
export function logRange(name: string, spoken: (value: number) => string, onInput: (value: number) => void): LogRange {
  let low = Math.log(1e-6);
  let high = 0;
  const node = element("input", { class: "range", attributes: { type: "range", min: 0, max: steps, step: 1, "aria-label": name } });
  const valueOf = (position: number): number => Math.exp(low + (position / steps) * (high - low));
  const speak = (value: number): void => node.setAttribute("aria-valuetext", spoken(value));
  node.addEventListener("input", () => {
    const value = valueOf(node.valueAsNumber);
    onInput(value);
    speak(value);
  });
  return {
    node,
    set(value) {
      const position = high > low ? Math.round(((Math.log(value) - low) / (high - low)) * steps) : 0;
      node.value = String(Math.min(steps, Math.max(0, position)));
      speak(value);
    },
    setEnds(smallest, largest) {
      low = Math.log(smallest);
      high = Math.log(Math.max(largest, smallest));
    },
  };
}
