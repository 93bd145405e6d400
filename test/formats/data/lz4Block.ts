/** @file LZ4's block format, written the plainest way that has matches. */

const shortest = 4;
/** The last match begins this far before the end at least, and the last five bytes are literals. */
const [lastMatch, lastLiterals] = [12, 5];

export function lz4Block(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  const seen = new Map<string, number>();
  let from = 0;
  const rest = (length: number): number[] => (length < 15 ? [] : [...new Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255]);
  const literals = (to: number, match: number): void => {
    out.push(Math.min(15, to - from) * 16 + Math.min(15, match), ...rest(to - from), ...bytes.subarray(from, to));
  };
  for (let at = 0; at + lastMatch < bytes.length;) {
    const key = bytes.subarray(at, at + shortest).join();
    const before = seen.get(key) ?? -1;
    seen.set(key, at);
    if (before < 0 || at - before > 65535) {
      at++;
      continue;
    }
    let length = shortest;
    while (at + length < bytes.length - lastLiterals && bytes[before + length] === bytes[at + length]) length++;
    literals(at, length - shortest);
    out.push((at - before) & 255, (at - before) >> 8, ...rest(length - shortest));
    at += length;
    from = at;
  }
  literals(bytes.length, 0);
  return Uint8Array.from(out);
}
