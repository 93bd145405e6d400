/** @file PNG images of 8 bits per channel (ISO/IEC 15948): grey, colour and palette. Sizes are checked before anything is unpacked. */

import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { FormatError } from "../modelFile";
import { imageDamage, requireSize, type Pixels } from "./pixels";

const unpack = promisify(inflate);
const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Samples per pixel by colour type: grey, colour, palette, grey with alpha, colour with alpha. */
const samplesOf: ReadonlyMap<number, number> = new Map([[0, 1], [2, 3], [3, 1], [4, 2], [6, 4]]);

export const looksLikePng = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** An alpha channel must be opaque, and is left out. @throws FormatError when the image is damaged or of a kind that is not read */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Pixels> {
  const { header, palette, data } = chunks(bytes, name);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, interlaced] = [header[8]!, header[9]!, header[12]!];
  requireSize(width, height, name);
  const samples = samplesOf.get(colour);
  if (samples === undefined) throw imageDamage(name, `its colour type is ${colour}`);
  if (depth !== 8 || interlaced !== 0) throw new FormatError(`${name} is a PNG of ${depth} bits${interlaced === 0 ? "" : ", interlaced"}; save it with 8 bits per channel and not interlaced.`);
  const rowLength = width * samples;
  const expected = height * (rowLength + 1);
  const filtered = await unpack(data, { maxOutputLength: expected }).catch(() => { throw imageDamage(name, "its pixels cannot be unpacked"); });
  if (filtered.length !== expected) throw imageDamage(name, `it holds ${filtered.length} bytes of pixels instead of ${expected}`);
  return visible(unfiltered(filtered, height, rowLength, samples, name), { width, height, colour, samples }, palette, name);
}

/** Header, palette and compressed pixels; everything else is passed over. */
function chunks(bytes: Uint8Array, name: string): { header: Uint8Array; palette: Uint8Array | null; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let header: Uint8Array | null = null;
  let palette: Uint8Array | null = null;
  for (let at = signature.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    if (length > bytes.length - at - 12) throw imageDamage(name, "a chunk is longer than the file");
    const kind = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, 4).toString("latin1");
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR" && length === 13) header ??= content;
    else if (kind === "PLTE") palette = content;
    else if (kind === "IDAT") data.push(content);
    else if (kind === "IEND") break;
    at += 12 + length;
  }
  if (header === null || data.length === 0) throw imageDamage(name, "it has no header or no pixels");
  return { header, palette, data: Buffer.concat(data) };
}

/** Undoes the filter of every row (section 9 of the standard). */
function unfiltered(filtered: Uint8Array, height: number, rowLength: number, samples: number, name: string): Uint8Array {
  const out = new Uint8Array(height * rowLength);
  for (let row = 0; row < height; row++) {
    const from = row * (rowLength + 1);
    const to = row * rowLength;
    const filter = filtered[from]!;
    if (filter > 4) throw imageDamage(name, `row ${row} has the filter ${filter}`);
    for (let i = 0; i < rowLength; i++) {
      const left = i >= samples ? out[to + i - samples]! : 0;
      const up = row > 0 ? out[to + i - rowLength]! : 0;
      const corner = row > 0 && i >= samples ? out[to + i - rowLength - samples]! : 0;
      out[to + i] = filtered[from + 1 + i]! + predicted(filter, left, up, corner);
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1: return left;
    case 2: return up;
    case 3: return (left + up) >> 1;
    case 4: return paeth(left, up, corner);
    default: return 0;
  }
}

/** Of left, up and corner the one nearest to left + up - corner. */
function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function visible(raw: Uint8Array, { width, height, colour, samples }: { width: number; height: number; colour: number; samples: number }, palette: Uint8Array | null, name: string): Pixels {
  if (colour === 3) return { width, height, channels: 3, values: fromPalette(raw, palette, name) };
  const hasAlpha = colour >= 4;
  if (!hasAlpha) return { width, height, channels: samples, values: raw };
  const channels = samples - 1;
  const values = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (raw[pixel * samples + channels] !== 255) throw new FormatError(`${name} has transparent pixels, whose colour nobody knows; save it without transparency.`);
    for (let channel = 0; channel < channels; channel++) values[pixel * channels + channel] = raw[pixel * samples + channel]!;
  }
  return { width, height, channels, values };
}

function fromPalette(indices: Uint8Array, palette: Uint8Array | null, name: string): Uint8Array {
  const values = new Uint8Array(3 * indices.length);
  indices.forEach((index, pixel) => {
    if (palette === null || 3 * index + 3 > palette.length) throw imageDamage(name, `its palette has no colour ${index}`);
    values.set(palette.subarray(3 * index, 3 * index + 3), 3 * pixel);
  });
  return values;
}
