/** @file Matrices cross from the language server as base64, and to the view as typed arrays. */

import type { MatrixMessage } from "../../server/src/protocol/requests";
import type { ViewMatrix } from "../../server/src/protocol/views";

/** @throws RangeError when the payload does not hold rows x cols float32 values. */
export function decodeMatrix(message: MatrixMessage): ViewMatrix {
  const bytes = Buffer.from(message.float32, "base64");
  const { rows, cols } = message;
  if (bytes.length !== rows * cols * 4) throw new RangeError(`Expected ${rows} x ${cols} float32 values, got ${bytes.length} bytes.`);
  // Own buffer: Node pools small Buffers, and posting a view would send the whole pool.
  const values = new Float32Array(rows * cols);
  new Uint8Array(values.buffer).set(bytes);
  return { rows, cols, values };
}
