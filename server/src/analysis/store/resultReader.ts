/** @file Reads results in the thread that it lives in, which is not the host's: parsing and checking long lists of edges takes a while. */

import { stat } from "node:fs/promises";
import type { EdgesMessage, MatrixMessage } from "../../protocol/requests";
import type { ResultMetadata, ResultOutline } from "../../protocol/result";
import { outlineOf } from "./outline";
import { LabelFiles, labelsOf, type LabelledResult } from "./labelsFile";
import { readForView, readMetadata, type ViewTensor } from "./resultFile";

/** Numbers of a matrix in one message: a host writes it in a few milliseconds. */
const largestPart = 1 << 18;
const mostUnfinished = 3;

export class ResultReader {
  private readonly labelFiles = new LabelFiles();
  /** Matrices that clients fetch part by part: a view draws up to three beside each other. */
  private readonly unfinished = new Map<string, ViewTensor>();
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

  /**
   * A tensor for drawing, whole or (`firstRow`) some rows of it; null when the result has none of that name, or when it ends before that row.
   * @throws FormatError for a damaged file or a tensor too large to draw.
   */
  async matrix(file: string, tensor: string, firstRow: number | null): Promise<MatrixMessage | null> {
    const { size, modified } = await factsOf(file);
    const name = JSON.stringify([file, size, modified, tensor]);
    const matrix = this.unfinished.get(name) ?? await readForView(file, tensor);
    this.unfinished.delete(name);
    if (matrix === null) return null;
    const { rows, cols, values } = matrix;
    if (firstRow === null) return { rows, cols, float32: base64(values) };
    if (firstRow > 0 && firstRow >= rows) return null;
    const end = Math.min(rows, firstRow + Math.max(1, Math.floor(largestPart / Math.max(1, cols))));
    if (end < rows) this.unfinished.set(name, matrix);
    if (this.unfinished.size > mostUnfinished) this.unfinished.delete(this.unfinished.keys().next().value!);
    return { rows, cols, float32: base64(values.subarray(firstRow * cols, end * cols)) };
  }

  /** Labels that files in these folders give the features of a result, by node layer. */
  async labels(folders: readonly string[], result: LabelledResult): Promise<[layer: string, labels: (string | null)[]][]> {
    const rows = [];
    for (const folder of folders) rows.push(...await this.labelFiles.rows(folder));
    return [...labelsOf(rows, result)];
  }

  private async metadata(file: string): Promise<ResultMetadata> {
    const { size, modified } = await factsOf(file);
    const { last } = this;
    if (last?.file === file && last.size === size && last.modified === modified) return last.metadata;
    const metadata = await readMetadata(file);
    this.last = { file, size, modified, metadata };
    return metadata;
  }
}

async function factsOf(file: string): Promise<{ size: number; modified: number }> {
  const { size, mtimeMs: modified } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
  return { size, modified };
}

/** Little-endian, as every machine that Node runs on stores numbers. */
function base64({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array | Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
