/** @file Reads the arguments of pickle opcodes, never past the end of the bytes at hand. */

import { FormatError } from "../modelFile";

/** The bytes end before the pickle does. `needed`: how many bytes from the start would get further. */
export class PickleTruncated extends FormatError {
  constructor(message: string, readonly needed: number) { super(message); }
}

const utf8 = new TextDecoder();
const latin1 = new TextDecoder("latin1");
const longestLine = 2 ** 16;

export class PickleCursor {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array, public position: number, private readonly name: string) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  damaged(what: string): FormatError {
    return new FormatError(`${this.name} is a damaged or hostile pickle: ${what} at byte ${this.position}; save the model again, best as safetensors.`);
  }

  uint8(): number { return this.view.getUint8(this.advance(1)); }
  uint16(): number { return this.view.getUint16(this.advance(2), true); }
  uint32(): number { return this.view.getUint32(this.advance(4), true); }
  int32(): number { return this.view.getInt32(this.advance(4), true); }
  /** The one big-endian argument of the format. */
  float64(): number { return this.view.getFloat64(this.advance(8), false); }
  /** A length of 64 bits; one that no file can have reaches past the end like any other. */
  uint64(): number { return Number(this.view.getBigUint64(this.advance(8), true)); }

  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }
  utf8(length: number): string { return utf8.decode(this.take(length)); }
  latin1(length: number): string { return latin1.decode(this.take(length)); }

  /** Text up to the next line feed, which is consumed (the arguments of protocol 0). */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) {
      if (this.bytes.length - this.position > longestLine) throw this.damaged("an endless line");
      throw new PickleTruncated(`${this.name}: the pickle ends within a line; the file is truncated.`, this.bytes.length + 1);
    }
    if (end - this.position > longestLine) throw this.damaged("a line that is too long");
    const text = latin1.decode(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return text;
  }

  private advance(length: number): number {
    const start = this.position;
    if (!Number.isSafeInteger(start + length)) throw this.damaged("an impossible length");
    if (start + length > this.bytes.length) {
      throw new PickleTruncated(`${this.name}: the pickle ends at byte ${this.bytes.length}, but refers to byte ${start + length}; the file is truncated or damaged, copy or save it again.`, start + length);
    }
    this.position = start + length;
    return start;
  }
}
