/** @file Connects one webview with the language server: a stored result, or a run that becomes one. */

import { commands, Uri, type Disposable, type Webview } from "vscode";
import type { RunCurve, RunEvent } from "../../server/src/protocol/events";
import type { LabelsAnswer } from "../../server/src/protocol/labels";
import type { BasisName, ResultMetadata } from "../../server/src/protocol/result";
import { viewCommands, type HostMessage, type ViewMessage, type ViewTarget } from "../../server/src/protocol/views";
import { saveExport } from "./export";
import { messageOf } from "./format";
import type { LensServer } from "./languageClient";
import { readMatrix } from "./matrixMessage";
import { readResult } from "./readResult";
import type { Runs } from "./runs";
import { revealLayer } from "./source";
import { parseViewMessage } from "./viewMessages";

export interface ViewServices {
  server: LensServer;
  runs: Runs;
  extensionUri: Uri;
}

/** What the view shows: a result, or a run that gets its result's URI when it is done; neither while a run is about to start. */
export interface ViewSource { uri: Uri | null; run: string | null }

type ShowMessage = Extract<HostMessage, { kind: "show" }>;

export class ResultView implements Disposable {
  private readonly subscriptions: Disposable[];
  private readonly labels = new Map<BasisName, LabelsAnswer>();
  private ready = false;
  /** When the result that the page knows was made. */
  private sent: string | null = null;
  private markReady: () => void = () => { /* set below */ };
  /** The page has loaded and listens. */
  readonly whenReady = new Promise<void>((resolve) => { this.markReady = resolve; });
  /** Where to look, asked for before the view was ready. */
  private pendingShow: ShowMessage | null = null;

  /** @param onResult is told whenever the stored result was read. */
  constructor(
    private readonly webview: Webview, private readonly services: ViewServices, private readonly source: ViewSource,
    private readonly onResult: (metadata: ResultMetadata) => void,
  ) {
    this.subscriptions = [
      webview.onDidReceiveMessage((raw: unknown) => {
        const message = parseViewMessage(raw);
        if (message === null) services.server.log("A view sent a message that is not part of the protocol; it was ignored.");
        else void this.receive(message);
      }),
      services.runs.onDidChange(({ event }) => {
        if (event.kind === "curve") this.curveEvent(event);
        else if (event.run === source.run) void this.runEvent(event);
      }),
    ];
  }

  get uri(): Uri | null {
    return this.source.uri;
  }

  get run(): string | null {
    return this.source.run;
  }

  /** Shows a run that has just been started. */
  follow(run: string): void {
    this.source.run = run;
    if (this.ready) void this.snapshot();
  }

  /** There is a result, or a run that will have one: not what is left of a run that was stopped. */
  get alive(): boolean {
    return this.source.uri !== null || (this.source.run !== null && this.services.runs.get(this.source.run)?.state === "active");
  }

  /** @param hidden the view is in the background: its page is made anew when it comes to the front, and would not know */
  show(message: ShowMessage, hidden: boolean): void {
    if (this.ready) this.post(message);
    if (!this.ready || hidden) this.pendingShow = message;
  }

  /** Reads the result again, for example after another run has written the same file. */
  async reload(): Promise<void> {
    if (this.ready && this.source.uri !== null) await this.sendResult(this.source.uri);
  }

  dispose(): void {
    for (const item of this.subscriptions) item.dispose();
  }

  private async receive(message: ViewMessage): Promise<void> {
    const request = "request" in message ? message.request : null;
    try {
      await this.handle(message);
    } catch (error) {
      this.post({ kind: "error", request, message: messageOf(error) });
    }
  }

  private async handle(message: ViewMessage): Promise<void> {
    const { server } = this.services;
    switch (message.kind) {
      case "ready": return this.snapshot();
      case "matrix": {
        const { request, tensor } = message;
        this.post({ kind: "matrix", request, tensor, matrix: await readMatrix(server, this.resultUri(), tensor) });
        return;
      }
      case "ablate": {
        const { basis, layer, remove } = message;
        const answer = await server.request("lib/ablate", { uri: this.resultUri(), basis, layer, remove });
        this.post({ kind: "ablation", request: message.request, ...answer });
        return;
      }
      case "modules": {
        const { request, resolution, basis } = message;
        this.post({ kind: "modules", request, modules: await server.request("lib/modules", { uri: this.resultUri(), resolution, basis }) });
        return;
      }
      case "architecture": {
        const { modules } = await server.request("lib/architecture", { uri: this.resultUri() });
        this.post({ kind: "architecture", request: message.request, modules });
        return;
      }
      case "openSource": return revealLayer(server, this.resultUri(), message.layer);
      case "export": return saveExport(this.source.uri, message);
      case "cancel":
        if (this.source.run !== null) await server.request("lib/cancel", { run: this.source.run });
        return;
      case "action":
        if (message.action === "showLog") server.showLog();
        else if (message.action === "ablate" || message.action === "findLabels") await commands.executeCommand(viewCommands[message.action], { uri: this.resultUri() } satisfies ViewTarget);
        else await commands.executeCommand("libLens.analyzeModel", this.spec());
        return;
    }
  }

  private async snapshot(): Promise<void> {
    this.ready = true;
    this.sent = null;
    this.markReady();
    const { uri, run } = this.source;
    if (uri !== null) await this.sendResult(uri);
    else if (run !== null) {
      const known = this.services.runs.get(run);
      if (known === undefined) {
        this.post({ kind: "run", event: { kind: "cancelled", run } });
      } else for (const event of known.events) this.post({ kind: "run", event });
    }
    if (this.pendingShow !== null) this.post(this.pendingShow);
    this.pendingShow = null;
  }

  private async runEvent(event: RunEvent): Promise<void> {
    if (event.kind === "done") this.source.uri = fileUri(event.file);
    if (!this.ready) return;
    this.post({ kind: "run", event });
    if (event.kind !== "done" || this.source.uri === null) return;
    try {
      await this.sendResult(this.source.uri);
    } catch (error) {
      this.post({ kind: "error", request: null, message: messageOf(error) });
    }
  }

  private async sendResult(uri: Uri): Promise<void> {
    const metadata = await readResult(this.services.server, uri.toString());
    this.onResult(metadata);
    this.post({ kind: "result", uri: uri.toString(), metadata });
    this.post({ kind: "curves", uri: uri.toString(), curves: await this.services.server.request("lib/curves", { uri: uri.toString() }) });
    // A result that was read again because of its labels file is the same one: the page still knows these.
    const known = this.sent === metadata.createdAt;
    this.sent = metadata.createdAt;
    if (known) return;
    for (const { basis, labels } of await this.services.server.request("lib/foundLabels", { uri: uri.toString() })) this.labels.set(basis, labels);
    for (const [basis, labels] of this.labels) this.post({ kind: "labels", uri: uri.toString(), basis, labels, news: false });
  }

  /** Shows what features respond to, also when the page is made anew. */
  showLabels(basis: BasisName, labels: LabelsAnswer): void {
    this.labels.set(basis, labels);
    if (this.ready && this.source.uri !== null) this.post({ kind: "labels", uri: this.source.uri.toString(), basis, labels, news: true });
  }

  /** An ablation is a run of its own; its curves belong to every view of the result. */
  private curveEvent({ file, curve }: RunCurve): void {
    const uri = fileUri(file);
    if (this.ready && this.source.uri?.fsPath === uri.fsPath) this.post({ kind: "curve", uri: this.source.uri.toString(), curve });
  }

  /** What to run again; undefined asks the user. */
  private spec(): { spec: string } | undefined {
    const spec = this.source.run === null ? null : this.services.runs.get(this.source.run)?.started?.spec;
    return spec ? { spec: fileUri(spec).toString() } : undefined;
  }

  private resultUri(): string {
    if (this.source.uri === null) throw new Error("The run has not finished: this needs its stored result.");
    return this.source.uri.toString();
  }

  private post(message: HostMessage): void {
    void this.webview.postMessage(message);
  }
}

/** Run events name the file by path; other places by URI. */
const fileUri = (file: string): Uri => (/^[a-z][a-z0-9+.-]+:\/\//i.test(file) ? Uri.parse(file) : Uri.file(file));
