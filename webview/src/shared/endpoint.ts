/** @file The view's end of the message channel. Every request settles: with its answer, or with the editor's sentence. */

import type { ModuleBasis, ModuleNumbers } from "../../../server/src/protocol/ablation";
import type { BasisName } from "../../../server/src/protocol/result";
import type { HostMessage, ViewMatrix, ViewMessage } from "../../../server/src/protocol/views";
import { parseHostMessage } from "./hostMessages";

/** The part of VS Code's webview API that is used; the page tests give their own. */
export interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

export interface AblationAnswer { metric: string; base: number; score: number }
type Answer = ViewMatrix | AblationAnswer | ModuleNumbers | string[] | null;
interface Pending { resolve(answer: Answer): void; reject(error: Error): void }

export class Endpoint {
  private readonly pending = new Map<number, Pending>();
  private lastRequest = 0;

  /** @param receive gets every message that is not the answer to a request. */
  constructor(private readonly api: VsCodeApi, private readonly receive: (message: HostMessage) => void) {
    window.addEventListener("message", (event: MessageEvent<unknown>) => {
      const message = parseHostMessage(event.data);
      if (message !== null) this.dispatch(message);
    });
  }

  send(message: ViewMessage): void {
    this.api.postMessage(message);
  }

  /** A tensor of the result; null when the result does not store it. */
  matrix(tensor: string): Promise<ViewMatrix | null> {
    return this.request((request) => ({ kind: "matrix", request, tensor })) as Promise<ViewMatrix | null>;
  }

  ablate(basis: BasisName, layer: number, remove: number[]): Promise<AblationAnswer> {
    return this.request((request) => ({ kind: "ablate", request, basis, layer, remove })) as Promise<AblationAnswer>;
  }

  /** Modules of the interaction graph. @param resolution larger gives more and smaller ones. */
  modules(resolution: number, basis: ModuleBasis): Promise<ModuleNumbers> {
    return this.request((request) => ({ kind: "modules", request, resolution, basis })) as Promise<ModuleNumbers>;
  }

  /** Names of the model's modules in order. */
  architecture(): Promise<string[]> {
    return this.request((request) => ({ kind: "architecture", request })) as Promise<string[]>;
  }

  private request(message: (request: number) => ViewMessage): Promise<Answer> {
    const request = ++this.lastRequest;
    return new Promise((resolve, reject) => {
      this.pending.set(request, { resolve, reject });
      this.send(message(request));
    });
  }

  private dispatch(message: HostMessage): void {
    const pending = "request" in message && message.request !== null ? this.pending.get(message.request) : undefined;
    if (pending === undefined || !("request" in message) || message.request === null) {
      this.receive(message);
      return;
    }
    this.pending.delete(message.request);
    if (message.kind === "matrix") pending.resolve(message.matrix);
    else if (message.kind === "modules" || message.kind === "architecture") pending.resolve(message.modules);
    else if (message.kind === "ablation") pending.resolve({ metric: message.metric, base: message.base, score: message.score });
    else pending.reject(new Error(message.message));
  }
}
