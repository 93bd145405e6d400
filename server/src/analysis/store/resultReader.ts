/** @file Reads results in the thread that it lives in, which is not the host's: parsing and checking long lists of edges takes a while. */

import { stat } from "node:fs/promises";
import type { EdgesMessage } from "../../protocol/requests";
import type { ResultMetadata, ResultOutline } from "../../protocol/result";
import { outlineOf } from "./outline";
import { readMetadata } from "./resultFile";

export class ResultReader {
  /** The last result stays: a view asks for its sections one after the other. */
  private last: { file: string; size: number; modified: number; metadata: ResultMetadata } | null = null;

  /** @throws FormatError when the file is not a result or is damaged. */
  async outline(file: string): Promise<ResultOutline> {
    return outlineOf(await this.metadata(file));
  }

  /** The listed edges of a section; null when the result has no such section. @throws FormatError */
  async edges(file: string, section: number): Promise<EdgesMessage | null> {
    const edges = (await this.metadata(file)).sections[section]?.edges;
    if (!edges) return null;
    return { source: base64(Uint32Array.from(edges.source)), target: base64(Uint32Array.from(edges.target)), weight: base64(Float64Array.from(edges.weight)) };
  }

  private async metadata(file: string): Promise<ResultMetadata> {
    const { size, mtimeMs: modified } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
    const { last } = this;
    if (last?.file === file && last.size === size && last.modified === modified) return last.metadata;
    const metadata = await readMetadata(file);
    this.last = { file, size, modified, metadata };
    return metadata;
  }
}

/** Little-endian, as every machine that Node runs on stores numbers. */
function base64({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
