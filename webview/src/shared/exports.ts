/** @file Bytes of pictures and tables, for the editor to save. */

import type { Endpoint } from "./endpoint";

type Format = "png" | "svg" | "csv" | "json";

export const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function canvasBytes(canvas: HTMLCanvasElement): Promise<Uint8Array> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("The picture is too large for a PNG: zoom in, or export SVG.");
  return new Uint8Array(await blob.arrayBuffer());
}

export function sendExport(endpoint: Endpoint, name: string, format: Format, bytes: Uint8Array): void {
  endpoint.send({ kind: "export", name, format, bytes });
}

/** RFC 4180: a field with a comma, quote or line break is quoted. */
export function csv(header: readonly string[], rows: Iterable<readonly (string | number)[]>): string {
  const field = (value: string | number): string => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [header.map(field).join(",")];
  for (const row of rows) lines.push(row.map(field).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

export const escapeXml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
