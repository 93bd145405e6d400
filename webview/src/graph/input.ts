/** @file Pointer, wheel and keys of the graph canvas. */

import type { Signal } from "@preact/signals-core";
import { actionOf, type GraphAction } from "./keyboard";
import { confine, zoomAt, type Camera, type Layout } from "./layout";
import { pick, type Picked } from "./pick";

export interface GraphInput {
  layout(): Layout;
  drawn(): readonly number[];
  camera: Signal<Camera>;
  hover: Signal<Picked>;
  act(action: GraphAction): void;
  /** @param extend Ctrl or Shift was held. */
  select(picked: Picked, extend: boolean): void;
  focus(has: boolean): void;
}

/** Pixels before a press becomes a drag. */
const dragDistance = 4;

export function attachInput(canvas: HTMLCanvasElement, input: GraphInput): void {
  let press: { x: number; y: number; camera: Camera; dragged: boolean } | null = null;
  const at = (event: MouseEvent): Picked => pick(input.layout(), input.drawn(), event.offsetX, event.offsetY);
  const setHover = (picked: Picked): void => {
    const last = input.hover.value;
    const same = last.node?.layer === picked.node?.layer && last.node?.feature === picked.node?.feature
      && last.edge?.section === picked.edge?.section && last.edge?.edge === picked.edge?.edge;
    if (!same) input.hover.value = picked;
    canvas.classList.toggle("pointing", picked.node !== null);
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    press = { x: event.offsetX, y: event.offsetY, camera: input.camera.value, dragged: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (press === null) { setHover(at(event)); return; }
    const dx = event.offsetX - press.x;
    const dy = event.offsetY - press.y;
    if (!press.dragged && Math.hypot(dx, dy) < dragDistance) return;
    press.dragged = true;
    canvas.classList.add("dragging");
    input.camera.value = confine({ ...press.camera, x: press.camera.x + dx, y: press.camera.y + dy }, input.layout());
  });
  canvas.addEventListener("pointerup", (event) => {
    const dragged = press?.dragged ?? true;
    press = null;
    canvas.classList.remove("dragging");
    if (!dragged) input.select(at(event), event.ctrlKey || event.metaKey || event.shiftKey);
  });
  canvas.addEventListener("pointercancel", () => { press = null; canvas.classList.remove("dragging"); });
  canvas.addEventListener("pointerleave", () => setHover({ node: null, edge: null }));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    // Browsers turn Shift and wheel into a horizontal one.
    const amount = event.deltaY !== 0 ? event.deltaY : event.deltaX;
    const factor = Math.exp(-amount * 0.0015);
    input.camera.value = confine(zoomAt(input.camera.value, factor, event.offsetX, event.offsetY, event.shiftKey), input.layout());
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const action = actionOf(event);
    if (action === null) return;
    event.preventDefault();
    event.stopPropagation();
    input.act(action);
  });
  canvas.addEventListener("focus", () => input.focus(true));
  canvas.addEventListener("blur", () => input.focus(false));
}
