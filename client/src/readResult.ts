/** @file A stored result as a view needs it. The edges come section by section, so that the language server is never busy for long. */

import type { EdgesMessage, Requests } from "../../server/src/protocol/requests";
import type { EdgeList, ResultMetadata, SectionSummary } from "../../server/src/protocol/result";

interface Server {
  request<M extends "lib/result" | "lib/edges">(method: M, params: Requests[M]["params"]): Promise<Requests[M]["result"]>;
}

/** @throws Error in one sentence when there is no readable result at `uri`. */
export async function readResult(server: Server, uri: string): Promise<ResultMetadata> {
  const outline = await server.request("lib/result", { uri });
  const sections: SectionSummary[] = [];
  for (const section of outline.sections.map(({ strongest: _strongest, ...facts }) => facts)) {
    const edges = await server.request("lib/edges", { uri, section: section.index });
    if (edges === null) throw new Error("The result has changed while it was read: open it again.");
    sections.push({ ...section, edges: decodeEdges(edges) });
  }
  return { ...outline, sections };
}

/** @throws RangeError when the three lists are not of one length. */
export function decodeEdges(message: EdgesMessage): EdgeList {
  const source = new Uint32Array(bytesOf(message.source));
  const target = new Uint32Array(bytesOf(message.target));
  const weight = new Float64Array(bytesOf(message.weight));
  if (source.length !== weight.length || target.length !== weight.length) {
    throw new RangeError(`Expected three lists of one length, got ${source.length} sources, ${target.length} targets and ${weight.length} weights.`);
  }
  return { source: [...source], target: [...target], weight: [...weight] };
}

/** In a buffer of its own: Node pools small Buffers at any offset. */
function bytesOf(base64: string): ArrayBuffer {
  const bytes = Buffer.from(base64, "base64");
  return new Uint8Array(bytes).buffer;
}
