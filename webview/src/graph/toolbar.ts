/** @file The controls above the graph. */

import { checkbox, dropdown, textField, type Control } from "../shared/controls";
import { element, moreButton } from "../shared/dom";
import { parseNumber, plural } from "../shared/format";
import { menuButton, type MenuItem } from "../shared/menu";
import { logRange } from "../shared/range";
import type { EdgeNorm, EdgeScale, GraphState } from "../shared/savedState";
import { thresholdText } from "./describe";
import { basisChoices } from "./bases";

export interface ToolbarActions {
  change(change: Partial<GraphState>): void;
  threshold(value: number | null): void;
  search(query: string): void;
  nextHit(): void;
  fit(): void;
  help(): void;
  exports(): MenuItem[];
  /** Edges at or above a threshold, for the spoken text of the slider. */
  countAt(threshold: number): number;
}

export interface Toolbar {
  node: HTMLElement;
  /** @param merged the outputs are one node; null where they cannot be. */
  update(state: GraphState, shown: { threshold: number; ends: { smallest: number; largest: number } | null; above: number; merged: boolean | null }): void;
  showHits(found: number | null): void;
  focusSearch(): void;
}

const norms: { value: EdgeNorm; label: string }[] = [
  { value: "strongest", label: "Section maximum" },
  { value: "total", label: "Section total" },
  { value: "absolute", label: "Absolute" },
];
const scales: { value: EdgeScale; label: string }[] = [
  { value: "log", label: "Log" },
  { value: "sqrt", label: "Square root" },
  { value: "linear", label: "Linear" },
];

/** @param resolution the slider of the modules' resolution. */
export function graphToolbar(actions: ToolbarActions, resolution: HTMLElement): Toolbar {
  let norm: EdgeNorm = "strongest";
  const spoken = (value: number): string => `${thresholdText(value, norm)}, ${plural(actions.countAt(value), "edge")}`;
  const slider = logRange("Edge threshold", spoken, (value) => actions.threshold(value));
  const typed = textField("Edge threshold as a number", {
    size: 7,
    onCommit(text) {
      const value = parseNumber(text.replaceAll("\u202f", ""));
      actions.threshold(value !== null && value > 0 ? value : null);
    },
  });
  const amount = element("span", { class: "amount" });
  const threshold = element("span", { class: "field threshold" }, element("span", { class: "field-label", attributes: { "aria-hidden": "true" } }, "Edges ≥"), typed.node, slider.node, amount);

  const basis = dropdown("Basis", basisChoices, "lib", (value) => actions.change({ basis: value, threshold: null, selection: null, pinned: [] }));
  const norm_ = dropdown("Relative to", norms, "strongest", (value) => actions.change({ norm: value, threshold: null }));
  const width = dropdown("Width", scales, "log", (value) => actions.change({ scale: value }));
  const hops = dropdown("Follow", [
    { value: "1", label: "1 layer" }, { value: "2", label: "2 layers" }, { value: "99", label: "All layers" },
  ], "1", (value) => actions.change({ hops: Number(value) }));
  const constant = checkbox("Constant feature", false, (value) => actions.change({ showConstant: value }));
  const merge = checkbox("Merge outputs", false, (value) => actions.change({ mergeOutputs: value, threshold: null }));
  const colour = dropdown("Colour", [{ value: "none", label: "Sign" }, { value: "modules", label: "Modules" }], "none", (value) => actions.change({ colour: value as GraphState["colour"] }));
  const find = textField("Find a feature", { placeholder: "Find: f3, fc1 f3, M2", size: 14, onInput: (text) => actions.search(text) });
  find.field.addEventListener("keydown", (event) => { if (event.key === "Enter") actions.nextHit(); });
  const hits = element("span", { class: "amount", attributes: { role: "status" } });
  const simple = (label: string, title: string, run: () => void): HTMLElement =>
    element("button", { class: "quiet", attributes: { type: "button", title, "aria-label": title }, on: { click: run } }, label);

  const node = element("div", { class: "toolbar", attributes: { role: "group", "aria-label": "Graph" } },
    basis.node, threshold,
    element("span", { class: "secondary" }, colour.node, resolution, norm_.node, width.node, hops.node, constant.node, merge.node, element("span", { class: "field" }, find.node, hits)),
    element("span", { class: "field end" }, moreButton(), simple("Fit", "Fit the whole graph (0)", actions.fit), simple("?", "Keyboard shortcuts", actions.help), menuButton("Export", actions.exports).node),
  );
  const settable: [Control<string>, (state: GraphState) => string][] = [
    [basis, (state) => state.basis], [colour, (state) => state.colour], [norm_, (state) => state.norm], [width, (state) => state.scale], [hops, (state) => String(state.hops)],
  ] as [Control<string>, (state: GraphState) => string][];
  return {
    node,
    update(state, { threshold: value, ends, above, merged }) {
      norm = state.norm;
      for (const [control, read] of settable) control.set(read(state));
      constant.set(state.showConstant);
      resolution.hidden = state.colour !== "modules";
      merge.node.hidden = merged === null;
      merge.set(merged === true);
      slider.node.disabled = ends === null;
      if (ends === null) { amount.textContent = ""; typed.set(""); return; }
      slider.setEnds(ends.smallest, ends.largest);
      slider.set(value);
      typed.set(thresholdText(value, norm));
      amount.textContent = plural(above, "edge");
    },
    showHits(found) {
      hits.textContent = found === null ? "" : found === 0 ? "none" : `${found} found`;
    },
    focusSearch() {
      node.classList.add("expanded");
      find.focus();
    },
  };
}
