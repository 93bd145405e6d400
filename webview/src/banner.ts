/** @file How a run is going, or how it ended when it did not end well. */

import { effect } from "@preact/signals-core";
import { button } from "./shared/controls";
import type { ViewContext } from "./shared/context";
import { knownSections } from "./shared/data";
import { element, setText } from "./shared/dom";
import { duration } from "./shared/format";

export function runBanner(context: ViewContext): HTMLElement {
  const text = element("span", { class: "banner-text" });
  const percentText = element("span", { class: "banner-percent" });
  const bar = element("progress", { attributes: { max: 1, "aria-label": "Progress of the analysis" } });
  const stop = button("Stop", () => context.endpoint.send({ kind: "cancel" }), { title: "Stop the analysis; finished layers are kept" });
  const again = button("Analyze again", () => context.endpoint.send({ kind: "action", action: "analyzeAgain" }));
  const log = button("Show log", () => context.endpoint.send({ kind: "action", action: "showLog" }));
  const node = element("div", { class: "banner", attributes: { role: "group", "aria-label": "Run" } }, text, percentText, bar, stop, again, log);

  let spoken = "";
  effect(() => {
    const { status, progress, message, sections, metadata } = context.data.value;
    const running = status === "running";
    const ended = status === "failed" || status === "cancelled";
    node.hidden = !running && !ended;
    node.classList.toggle("problem", status === "failed");
    bar.hidden = !running;
    percentText.hidden = !running || progress === null;
    stop.hidden = !running;
    again.hidden = !ended;
    log.hidden = status !== "failed";
    const known = `${knownSections(context.data.value)} of ${sections.length} sections`;
    if (running) {
      if (progress === null) bar.removeAttribute("value");
      else bar.value = progress.overall;
      setText(percentText, progress === null ? "" : `${Math.round(progress.overall * 100)} %`);
      setText(text, progress === null ? "Starting…" : `${phaseWords[progress.phase]}${progress.detail === "" ? "" : ` · ${progress.detail}`} · ${duration(progress.elapsedSeconds)}`);
    } else if (status === "failed") {
      setText(text, `${message ?? "The analysis failed."} ${sections.length > 0 ? `Kept: ${known}.` : ""}`.trim());
    } else if (status === "cancelled") {
      setText(text, sections.length === 0 ? "This run ended with an earlier window. What was finished is kept: analyze again to go on."
        : `${metadata === null ? "Stopped" : "Partial result"}: ${known}. What is finished is kept.`);
    }
    const sentence = running ? (progress === null ? "" : phaseWords[progress.phase]) : ended ? text.textContent! : "";
    if (sentence !== spoken) {
      spoken = sentence;
      if (sentence !== "") context.say(sentence);
    }
  });
  return node;
}

const phaseWords = {
  read: "Reading model and data",
  means: "Means",
  grams: "Gram matrices",
  bases: "Bases, from the last layer back",
  edges: "Edges",
  jacobians: "Jacobians",
  evaluate: "Score of the model",
  write: "Writing the result",
} as const;
