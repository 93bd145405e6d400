/** @file Entry of the result view. */

import "../result.css";
import { effect, signal } from "@preact/signals-core";
import type { AblationCurve } from "../../server/src/protocol/ablation";
import type { LabelsAnswer } from "../../server/src/protocol/labels";
import { type BasisName, type ResultMetadata, resultTensorName } from "../../server/src/protocol/result";
import type { HostMessage } from "../../server/src/protocol/views";
import { createApp } from "./app";
import { announcer } from "./shared/announce";
import type { News, ViewContext } from "./shared/context";
import { registerControls } from "./shared/controls";
import { afterEvent, emptyData, fromResult, type LensData } from "./shared/data";
import { styleDrawings } from "./shared/drawing";
import { Endpoint, type VsCodeApi } from "./shared/endpoint";
import { Matrices } from "./shared/matrices";
import { restoreState, stateWriter } from "./shared/savedState";
import { watchTheme } from "./shared/theme";

declare function acquireVsCodeApi(): VsCodeApi;

registerControls();
const api = acquireVsCodeApi();
const state = signal(restoreState(api.getState()));
const data = signal<LensData>(emptyData);
const curves = signal<readonly AblationCurve[]>([]);
const labels = signal<ReadonlyMap<BasisName, LabelsAnswer>>(new Map());
const news = signal<News | null>(null);
const problem = signal<string | null>(null);
const { node: live, say } = announcer();

const endpoint = new Endpoint(api, (message) => receive(message));
const matrices = new Matrices(endpoint);
const context: ViewContext = {
  endpoint, data, state, matrices, curves, labels, news, say,
  theme: watchTheme(),
  fail: (message) => { problem.value = message; },
};
styleDrawings(context.theme);
const app = createApp(context, problem);
document.querySelector("#app")!.replaceChildren(app.node, live);

const write = stateWriter(api);
effect(() => write(state.value));
effect(() => {
  const { uri, run } = data.value;
  if (uri !== state.peek().uri || run !== state.peek().run) state.value = { ...state.peek(), uri, run };
});

const shownLabels = ({ layers }: ResultMetadata): string => JSON.stringify(layers.map(({ labels: own }) => own ?? null));

function receive(message: HostMessage): void {
  switch (message.kind) {
    case "result": {
      const { metadata } = data.value;
      if (data.value.uri === message.uri && metadata?.key === message.metadata.key && metadata.createdAt === message.metadata.createdAt) {
        // The end of a run is told twice, by the run and by the store. What can be new is what somebody has written into the labels file.
        if (shownLabels(metadata) !== shownLabels(message.metadata)) data.value = fromResult(message.uri, message.metadata, data.value.run);
        return;
      }
      matrices.reset(message.uri);
      labels.value = new Map();
      news.value = null;
      data.value = fromResult(message.uri, message.metadata, data.value.run);
      problem.value = null;
      return;
    }
    case "run": {
      const { event } = message;
      if (event.run !== data.value.run) matrices.reset(null);
      if (event.kind === "jacobian") matrices.add(resultTensorName.jacobian(event.basis, event.section), event.mean);
      data.value = afterEvent(data.value, event);
      return;
    }
    case "labels": {
      if (message.uri !== data.value.uri) return;
      // Labels of another kind do not compare.
      const alike = [...labels.value].filter(([, { kind }]) => kind === message.labels.kind);
      labels.value = new Map([...alike, [message.basis, message.labels]]);
      if (!message.news) return;
      news.value = "labels";
      context.say(`Labels of the ${message.basis} features are there.`);
      return;
    }
    case "curves":
      if (message.uri === data.value.uri) curves.value = message.curves;
      return;
    case "curve": {
      const { curve } = message;
      if (message.uri !== data.value.uri) return;
      curves.value = [...curves.value.filter(({ what, basis, layer }) => what !== curve.what || basis !== curve.basis || layer !== curve.layer), curve];
      news.value = curve.what;
      context.say(`${curve.layer}: ${curve.needed} of ${curve.total} ${curve.what === "nodes" ? "features" : "edges"} keep the score in the ${curve.basis} basis.`);
      return;
    }
    case "show":
      app.show(message);
      return;
    case "error":
      problem.value = message.message;
      return;
    default:
      // The answer to a request that nobody waits for any more.
      return;
  }
}

// For tests and for the editor: the script has run, clicks will be heard.
document.body.dataset["ready"] = "1";
endpoint.send({ kind: "ready" });
