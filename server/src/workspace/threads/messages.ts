/** @file What the host asks of the workspace thread and the model thread (both run `workspaceWorker.ts`). */

import type { BindAnswer } from "../binding/bindWorkspace";
import type { ModelTensors } from "../binding/binding";
import type { DocumentFacts } from "../facts";
import type { ModelFacts, RankFacts } from "../models/modelFacts";
import type { ScanInput } from "../scanDocument";

/** Parameters and answers by method. */
export interface ThreadMethods {
  /** Scans a document and keeps its facts for `bind`; an older scan of the same document is replaced. */
  scan: { params: ScanInput; answer: DocumentFacts[] };
  forget: { params: { uris: string[] }; answer: null };
  bind: { params: { models: ModelTensors[]; shown: ReadonlySet<string> }; answer: BindAnswer };
  modelFacts: { params: { path: string }; answer: ModelFacts };
  rank: { params: { path: string; tensor: string }; answer: RankFacts | null };
}

export type ThreadRequest = {
  [Method in keyof ThreadMethods]: { id: number; method: Method; params: ThreadMethods[Method]["params"] }
}[keyof ThreadMethods];

export type ThreadReply =
  | { id: number; ok: true; answer: ThreadMethods[keyof ThreadMethods]["answer"] }
  | { id: number; ok: false; message: string };

export interface ThreadData { wasmFolder: string }
