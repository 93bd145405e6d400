/** @file The product's own methods (protocol/requests.ts, docs/protocol.md): check, look up, delegate. */

import { type CancellationToken, ErrorCodes, type Connection, LSPErrorCodes, ResponseError } from "vscode-languageserver";
import type { AnalysisService } from "../analysis/analysisService";
import { headingOf } from "../analysis/store/outline";
import type { FoundLabels, KeptLabelsAnswer } from "../protocol/labels";
import type { Requests } from "../protocol/requests";
import type { WorkspaceIndex } from "../workspace/workspaceIndex";
import { uriOf } from "../workspace/uris";
import type { LanguageContext } from "./context";
import { layerSource } from "./layerSource";
import { listModels } from "./models";
import { type Method, Params } from "./params";

export interface MethodHost {
  readonly connection: Connection;
  readonly analysis: AnalysisService;
  readonly index: WorkspaceIndex;
  context(): LanguageContext;
  refreshResults(): Promise<void>;
}

/** How long `lib/models` waits for the first scan of the workspace. */
const scanMilliseconds = 10_000;

export function registerMethods(host: MethodHost): void {
  const { analysis, index } = host;

  handle(host, "lib/models", async () => {
    await index.settled(scanMilliseconds);
    return listModels(index.snapshot);
  });

  handle(host, "lib/analyze", (params) => {
    requireTrust(host, "An analysis");
    const [spec, model] = [params.optionalPath("spec"), params.optionalPath("model")];
    if (spec === null && model === null) throw new ResponseError(ErrorCodes.InvalidParams, "lib/analyze: give \"spec\" or \"model\".");
    return analysis.start({ ...(spec === null ? {} : { spec }), ...(model === null ? {} : { model }), force: params.flag("force") });
  });

  handle(host, "lib/cancel", async (params) => ({ cancelled: await analysis.cancel(params.text("run")) }));
  handle(host, "lib/runs", () => analysis.runs());

  handle(host, "lib/results", async () => {
    await host.refreshResults();
    return host.context().results.all.map(({ file, metadata }) => ({ uri: uriOf(file), metadata: headingOf(metadata) }));
  });
  handle(host, "lib/result", (params) => analysis.outline(params.path("uri")));
  handle(host, "lib/edges", (params) => analysis.edges(params.path("uri"), params.index("section")));
  handle(host, "lib/matrix", (params) => analysis.matrix(params.path("uri"), params.text("tensor"), params.optionalIndex("firstRow")));
  handle(host, "lib/ablate", (params) => {
    requireTrust(host, "An ablation");
    return analysis.ablate(params.path("uri"), params.basis("basis"), params.index("layer"), params.indices("remove"));
  });

  handle(host, "lib/ablateCurves", (params) => {
    requireTrust(host, "An ablation");
    return analysis.startAblation({ file: params.path("uri"), what: params.target("what"), bases: params.bases("bases") });
  });
  handle(host, "lib/curves", (params) => analysis.curves(params.path("uri")));
  handle(host, "lib/modules", (params) => analysis.modules(params.path("uri"), params.positive("resolution"), params.moduleBasis("basis")));
  handle(host, "lib/labels", async (params, signal) => {
    requireTrust(host, "Finding labels");
    const [file, basis] = [params.path("uri"), params.basis("basis")];
    const found = await analysis.labels(file, params.labelKind("kind"), basis, () => undefined, signal);
    return signal.aborted ? found : kept(host, file, { basis, labels: found });
  });
  handle(host, "lib/foundLabels", (params) => analysis.foundLabels(params.path("uri")));
  handle(host, "lib/architecture", async (params) => {
    requireTrust(host, "Opening the model");
    return { modules: await analysis.nodeLayerNames(params.path("uri")) };
  });

  handle(host, "lib/layerSource", async (params) => {
    await index.settled(scanMilliseconds);
    return layerSource(host.context(), await analysis.outline(params.path("uri")), params.text("layer"));
  });
  handle(host, "lib/createSpec", async (params) => {
    requireTrust(host, "Writing a spec");
    const { file, text } = await analysis.createSpec(params.path("model"));
    return { uri: uriOf(file), text };
  });
  handle(host, "lib/backends", (params) => {
    requireTrust(host, "Probing backends");
    return analysis.backends(params.flag("refresh"));
  });
}

/** Labels that cannot be kept are still an answer. */
async function kept(host: MethodHost, result: string, found: FoundLabels): Promise<KeptLabelsAnswer> {
  try {
    const file = await host.analysis.keepLabels(result, found);
    if (file === null) return found.labels;
    await host.refreshResults();
    return { ...found.labels, kept: uriOf(file) };
  } catch (error) {
    return { ...found.labels, notKept: `The labels are not kept: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Registers one method: parameters are checked by `answer`, every failure becomes a response with one sentence. */
function handle<M extends Method>(
  host: MethodHost, method: M, answer: (params: Params, signal: AbortSignal) => Requests[M]["result"] | Promise<Requests[M]["result"]>,
): void {
  host.connection.onRequest(method, async (params: unknown, token: CancellationToken) => {
    const cancelled = (): ResponseError<void> => new ResponseError(LSPErrorCodes.RequestCancelled, `${method} was cancelled.`);
    const abort = new AbortController();
    const listener = token.onCancellationRequested(() => abort.abort());
    try {
      const result = await answer(new Params(method, params), abort.signal);
      if (token.isCancellationRequested) throw cancelled();
      return result;
    } catch (error) {
      if (token.isCancellationRequested) throw cancelled();
      if (error instanceof ResponseError) throw error;
      throw new ResponseError(LSPErrorCodes.RequestFailed, error instanceof Error ? error.message : String(error));
    } finally {
      listener.dispose();
    }
  });
}

function requireTrust(host: MethodHost, what: string): void {
  if (host.context().client.trusted) return;
  throw new ResponseError(LSPErrorCodes.RequestFailed, `${what} needs a trusted workspace: trust the folder first. Stored results stay readable.`);
}
