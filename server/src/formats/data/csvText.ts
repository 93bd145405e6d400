/** @file Text as fields of comma-separated rows (RFC 4180). */

/** One row, without a line break at its end; fields are quoted where they must be. */
export function csvRow(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll("\"", "\"\"")}"` : field)).join(",");
}
