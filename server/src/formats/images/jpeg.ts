/** @file JPEG images, by jpeg-js. Size and components are read from the frame header first, so that nothing large is decoded. */

import { decode } from "jpeg-js";
import { FormatError } from "../modelFile";
import { imageDamage, requireSize, type Pixels } from "./pixels";

const mostMegabytes = 256;

export const looksLikeJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

/**
 * Colours between the samples of a subsampled channel are repeated, not interpolated as libjpeg does: pixels differ a little from those of PIL.
 * @throws FormatError when the image is damaged or of a kind that is not read
 */
export function decodeJpeg(bytes: Uint8Array, name: string): Pixels {
  const { width, height, components } = frameHeader(bytes, name);
  requireSize(width, height, name);
  if (components !== 1 && components !== 3) throw new FormatError(`${name} is a JPEG of ${components} colour components; save it in grey or red, green and blue.`);
  let decoded: { width: number; height: number; data: Uint8Array };
  try {
    decoded = decode(bytes, { useTArray: true, formatAsRGBA: false, maxMemoryUsageInMB: mostMegabytes });
  } catch (error) {
    throw new FormatError(`${name} is damaged: it cannot be decoded as JPEG; copy or download it again.`, { cause: error });
  }
  if (decoded.width !== width || decoded.height !== height || decoded.data.length !== 3 * width * height) throw imageDamage(name, "it has more than one frame");
  const values = components === 3 ? decoded.data : decoded.data.filter((_, i) => i % 3 === 0);
  return { width, height, channels: components, values };
}

/** The first start-of-frame marker. */
function frameHeader(bytes: Uint8Array, name: string): { width: number; height: number; components: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 10 <= bytes.length;) {
    if (bytes[at] !== 0xff) throw imageDamage(name, `there is no marker at byte ${at}`);
    const marker = bytes[at + 1]!;
    if (marker === 0xff) { at++; continue; }
    // C4, C8 and CC define tables.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (marker > 0xc2) throw new FormatError(`${name} is a JPEG of a rare kind (frame ${marker.toString(16)}); save it as baseline JPEG or PNG.`);
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), components: bytes[at + 9]! };
    }
    at += 2 + view.getUint16(at + 2);
  }
  throw imageDamage(name, "it has no frame");
}
