/** @file llama2.c exports made for tests: weights count up from 0, so that every number tells where in the file it stands. */

export interface ExportSizes {
  width: number; hiddenWidth: number; blocks: number; heads: number; keyValueHeads: number; vocabulary: number; context: number; tied: boolean;
}

export const smallExport: ExportSizes = { width: 8, hiddenWidth: 6, blocks: 2, heads: 4, keyValueHeads: 2, vocabulary: 5, context: 3, tied: false };

/** The file that llama2.c's own export script would write for a model of these sizes. */
export function llama2cExport(sizes: ExportSizes, version: 0 | 1): Uint8Array {
  const { width, hiddenWidth, blocks, heads, keyValueHeads, vocabulary, context, tied } = sizes;
  const fields = [width, hiddenWidth, blocks, heads, keyValueHeads, version === 0 && !tied ? -vocabulary : vocabulary, context];
  const keyValueWidth = (width / heads) * keyValueHeads;
  const perBlock = 2 * width + 2 * width * width + 2 * keyValueWidth * width + 3 * hiddenWidth * width;
  const tables = version === 0 ? context * (width / heads) : 0;
  const count = vocabulary * width * (tied ? 1 : 2) + blocks * perBlock + width + tables;
  const start = version === 0 ? 28 : 256;
  const bytes = new Uint8Array(start + 4 * count);
  const view = new DataView(bytes.buffer);
  if (version === 1) {
    view.setUint32(0, 0x616b3432, true);
    view.setInt32(4, 1, true);
    bytes[8 + 28] = tied ? 1 : 0;
  }
  fields.forEach((field, index) => view.setInt32((version === 0 ? 0 : 8) + 4 * index, field, true));
  for (let index = 0; index < count; index += 1) view.setFloat32(start + 4 * index, index, true);
  return bytes;
}
