/** @file The thread's side: answers requests one after the other. */

import type { MessagePort } from "node:worker_threads";
import { bindWorkspace } from "../binding/bindWorkspace";
import type { DocumentFacts } from "../facts";
import { readModelFacts, readRank } from "../models/modelFacts";
import { scanDocument } from "../scanDocument";
import { SyntaxParsers } from "../syntax/parsers";
import type { ThreadData, ThreadMethods, ThreadReply, ThreadRequest } from "./messages";

export function serveThread(port: MessagePort, data: ThreadData): void {
  const parsers = new SyntaxParsers(data.wasmFolder);
  /** Facts per scanned input (a notebook gives several documents), then per document. */
  const scanned = new Map<string, DocumentFacts[]>();

  async function answer(request: ThreadRequest): Promise<ThreadMethods[keyof ThreadMethods]["answer"]> {
    switch (request.method) {
      case "scan": {
        const facts = await scanDocument(request.params, parsers);
        scanned.set(request.params.uri, facts);
        return facts;
      }
      case "forget":
        for (const uri of request.params.uris) scanned.delete(uri);
        return null;
      case "bind": {
        const documents = new Map([...scanned.values()].flat().map((facts) => [facts.uri, facts]));
        return bindWorkspace(documents, request.params.models, request.params.shown);
      }
      case "modelFacts": return readModelFacts(request.params.path);
      case "rank": return readRank(request.params.path, request.params.tensor);
    }
  }

  let last: Promise<void> = Promise.resolve();
  port.on("message", (request: ThreadRequest) => {
    last = last.then(async () => {
      let reply: ThreadReply;
      try {
        reply = { id: request.id, ok: true, answer: await answer(request) };
      } catch (error) {
        reply = { id: request.id, ok: false, message: error instanceof Error ? error.message : String(error) };
      }
      port.postMessage(reply);
    });
  });
}
