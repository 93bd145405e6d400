/** @file Stands in for the editor inside the test page: answers what a view asks, keeps what it sends. */

import type { HostMessage, ViewMessage } from "../../../server/src/protocol/views";
import { resultTensorName, type BasisName } from "../../../server/src/protocol/result";
import type { AblationCurve, ModuleNumbers } from "../../../server/src/protocol/ablation";
import { ablationCurves, fixture, labelsOf, modulesOfModel, modularAddition, modulesOf, perceptron, runEvents, type Fixture } from "../fixtures";

const uri = "file:///tmp/result.libresult";

const saved = sessionStorage.getItem("state");
const sent: ViewMessage[] = [];
let current: Fixture | null = null;
let given: ModuleNumbers | null = null;

/** As VS Code does: messages come by postMessage, after the present task. */
const give = (message: HostMessage): void => window.postMessage(message, "*");

function answer(message: ViewMessage): void {
  sent.push(message);
  if (message.kind === "matrix") give({ kind: "matrix", request: message.request, tensor: message.tensor, matrix: current?.matrices.get(message.tensor) ?? null });
  if (message.kind === "modules") give({ kind: "modules", request: message.request, modules: given ?? modulesOf(current!.metadata, message.resolution) });
  if (message.kind === "architecture") give({ kind: "architecture", request: message.request, modules: modulesOfModel(current!.metadata) });
  if (message.kind === "ablate") {
    if (message.layer === 2) give({ kind: "error", request: message.request, message: "The model file has changed since this result was computed: run the analysis again." });
    else give({ kind: "ablation", request: message.request, metric: "accuracy", base: 0.99955, score: 0.6213 });
  }
}

const api = { postMessage: (message: unknown) => answer(message as ViewMessage), getState: () => (saved === null ? undefined : (JSON.parse(saved) as unknown)), setState: (state: unknown) => sessionStorage.setItem("state", JSON.stringify(state)) };

const harness = {
  sent,
  give,
  showResult(which: "modular" | "perceptron" | "signed" = "modular"): void {
    current = which === "perceptron" ? fixture(perceptron, 2) : fixture(modularAddition, 1, which === "signed");
    give({ kind: "result", uri, metadata: current.metadata });
  },
  /** A real result, as JSON. */
  showGiven(metadata: Fixture["metadata"], matrices: Record<string, { rows: number; cols: number; values: number[] }>, modules: ModuleNumbers | null = null, curves: AblationCurve[] = []): void {
    given = modules;
    current = { metadata, matrices: new Map(Object.entries(matrices).map(([name, { rows, cols, values }]) => [name, { rows, cols, values: Float32Array.from(values) }])) };
    give({ kind: "result", uri, metadata });
    give({ kind: "curves", uri, curves });
  },
  /** What the features respond to. */
  labels(kind: "class" | "position" | "token" | "fourier"): void {
    for (const basis of ["lib", "pca"] as const) give({ kind: "labels", uri, basis, labels: labelsOf(current!.metadata, kind, basis), news: true });
  },
  /** The same result, read again after somebody has written into its labels file. */
  relabel(layer: number, feature: number, label: string): void {
    const { metadata } = current!;
    const layers = metadata.layers.map((one, index) => (index === layer ? { ...one, labels: Array.from({ length: one.kept }, (_, place) => (place === feature ? label : null)) } : one));
    give({ kind: "result", uri, metadata: { ...metadata, layers } });
  },
  /** What an ablation finds, one curve after the other. */
  ablate(): void {
    for (const curve of ablationCurves(current!.metadata)) give({ kind: "curve", uri, curve });
  },
  /** What the user does in a menu that a narrow view hides behind another. */
  colourByModule(): void {
    const dropdown = document.querySelector<HTMLElement & { value: string }>(".graph-view vscode-dropdown[aria-label=Colour]")!;
    dropdown.value = "modules";
    dropdown.dispatchEvent(new Event("change"));
  },
  /** The first `count` events of a run; all when negative. */
  run(count: number): number {
    current = fixture(modularAddition);
    const events = runEvents(current.metadata);
    for (const event of events.slice(0, count < 0 ? undefined : count)) give({ kind: "run", event });
    return events.length;
  },
  /** The mean Jacobian of a section, as the run tells it before there is a result. */
  tellJacobian(basis: BasisName, section: number): { cols: number; values: number[] } {
    const { rows, cols, values } = current!.matrices.get(resultTensorName.jacobian(basis, section))!;
    const float32 = btoa(Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), (byte) => String.fromCharCode(byte)).join(""));
    give({ kind: "run", event: { kind: "jacobian", run: "run-1", basis, section, mean: { rows, cols, float32 } } });
    return { cols, values: [...values] };
  },
};
export type Harness = typeof harness;
Object.assign(window, { acquireVsCodeApi: () => api, harness });
