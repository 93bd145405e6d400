/** @file The checksum of ZIP (CRC-32, polynomial 0xEDB88320). Node's own is missing before 20.15. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1) === 0 ? remainder >>> 1 : (remainder >>> 1) ^ 0xedb88320;
  return remainder;
});

export class Crc32 {
  private remainder = 0xffffffff;

  update(bytes: Uint8Array): void {
    let remainder = this.remainder;
    for (let i = 0; i < bytes.length; i++) remainder = table[(remainder ^ bytes[i]!) & 0xff]! ^ (remainder >>> 8);
    this.remainder = remainder;
  }

  /** Of everything seen so far. */
  get value(): number { return (this.remainder ^ 0xffffffff) >>> 0; }
}
