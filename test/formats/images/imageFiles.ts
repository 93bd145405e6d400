/** @file Small valid images and archives, for tests. */

import { deflateSync } from "node:zlib";
import { encode } from "jpeg-js";
import { Crc32 } from "../../../server/src/formats/zip/crc32";
import { seededIntegers } from "../../fuzz/mutations";

/** Pixels [height, width, channels] that are the same at every call. */
export function somePixels(width: number, height: number, channels: number): Uint8Array {
  const random = seededIntegers(width * 31 + height * 7 + channels);
  return Uint8Array.from({ length: width * height * channels }, () => random(256));
}

function chunk(kind: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  const crc = new Crc32();
  crc.update(body);
  sum.writeUInt32BE(crc.value);
  return Buffer.concat([length, body, sum]);
}

/** A PNG whose rows use all five filters in turn. */
export function pngFile(width: number, height: number, samples: number, { pixels = somePixels(width, height, samples), palette = null as Uint8Array | null, depth = 8, interlaced = 0 } = {}): Uint8Array {
  const rowLength = width * samples;
  const at = (row: number, i: number): number => (row < 0 || i < 0 ? 0 : pixels[row * rowLength + i]!);
  const rows = Array.from({ length: height }, (_, row) => {
    const filter = row % 5;
    const out = Buffer.alloc(rowLength + 1);
    out[0] = filter;
    for (let i = 0; i < rowLength; i++) {
      const [left, up, corner] = [at(row, i - samples), at(row - 1, i), i < samples ? 0 : at(row - 1, i - samples)];
      const nearest = [left, up, corner].map((value, order) => ({ value, order, distance: Math.abs(left + up - corner - value) })).sort((a, b) => a.distance - b.distance || a.order - b.order)[0]!.value;
      out[i + 1] = (at(row, i) - [0, left, up, Math.floor((left + up) / 2), nearest][filter]!) & 255;
    }
    return out;
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = palette !== null ? 3 : [0, 0, 4, 2, 6][samples]!;
  header[12] = interlaced;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return new Uint8Array(Buffer.concat([signature, chunk("IHDR", header), ...(palette ? [chunk("PLTE", palette)] : []), chunk("tEXt", Buffer.from("a\0b")), chunk("IDAT", deflateSync(Buffer.concat(rows))), chunk("IEND", Buffer.alloc(0))]));
}

/** A JPEG of best quality with slowly changing colours. */
export function jpegFile(width: number, height: number): Uint8Array {
  const data = Buffer.alloc(4 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) data.set([8 * (pixel % width), 100, 8 * Math.floor(pixel / width), 255], 4 * pixel);
  return new Uint8Array(encode({ data, width, height }, 100).data);
}

export const smallImages = (): Map<string, Uint8Array> => new Map([
  ["./cat/b.png", pngFile(2, 2, 3)], ["./dog/a.png", pngFile(2, 2, 3, { pixels: new Uint8Array(12).fill(255) })], ["./cat/a.png", pngFile(2, 2, 3, { pixels: new Uint8Array(12) })],
]);

/** A ustar archive; paths beyond 100 bytes get a GNU long name. */
export function tarOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (name: string, content: Uint8Array, kind: string): void => {
    const header = Buffer.alloc(512);
    header.write(name.slice(0, 100), 0, "utf8");
    header.write("0000644\0", 100, "latin1");
    header.write(`${content.length.toString(8).padStart(11, "0")} `, 124, "latin1");
    header.write("        ", 148, "latin1");
    header.write(kind, 156, "latin1");
    header.write("ustar\x0000", 257, "latin1");
    header.write(`${header.reduce((a, b) => a + b, 0).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    parts.push(header, content, Buffer.alloc((512 - content.length % 512) % 512));
  };
  for (const [name, content] of files) {
    if (name.length > 100) add("././@LongLink", Buffer.from(`${name}\0`), "L");
    add(name, content, "0");
  }
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(1024)]));
}
