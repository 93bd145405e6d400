/** @file Matrices cross from the language server as base64, part by part so that it is never busy for long, and to the view as typed arrays. */

import type { MatrixMessage, Requests } from "../../server/src/protocol/requests";
import type { ViewMatrix } from "../../server/src/protocol/views";

interface Server {
  request(method: "lib/matrix", params: Requests["lib/matrix"]["params"]): Promise<MatrixMessage | null>;
}

/** A tensor of a stored result; null when the result has none of that name. @throws Error in one sentence when it changes meanwhile. */
export async function readMatrix(server: Server, uri: string, tensor: string): Promise<ViewMatrix | null> {
  const first = await server.request("lib/matrix", { uri, tensor, firstRow: 0 });
  if (first === null) return null;
  const { rows, cols } = first;
  // Own buffer: Node pools small Buffers, and posting a view would send the whole pool.
  const values = new Float32Array(rows * cols);
  let filled = addPart(values, 0, first);
  while (filled < values.length) {
    const part = await server.request("lib/matrix", { uri, tensor, firstRow: filled / cols });
    if (part?.rows !== rows || part.cols !== cols) throw new Error("The result has changed while it was read: open it again.");
    filled = addPart(values, filled, part);
  }
  return { rows, cols, values };
}

/** @returns how much is filled then. @throws RangeError when the part does not hold whole rows that fit. */
function addPart(values: Float32Array, filled: number, { cols, float32 }: MatrixMessage): number {
  const bytes = Buffer.from(float32, "base64");
  const count = bytes.length / 4;
  const fits = count % Math.max(1, cols) === 0 && filled + count <= values.length && (count > 0 || values.length === 0);
  if (!fits) throw new RangeError(`Expected rows of ${cols} float32 values, at most ${values.length - filled} values, got ${bytes.length} bytes.`);
  new Uint8Array(values.buffer, filled * 4, bytes.length).set(bytes);
  return filled + count;
}
