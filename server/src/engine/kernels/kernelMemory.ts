/** @file A memory for compiled kernels, whose addresses the caller hands out: a few areas that stay, and areas that last until the next are asked for. */

const pageBytes = 65536;
/** A line of the processor's cache: rows of several lines that began within one would touch one line more. */
const alignment = 64;

/** Pages that a shared memory may grow to: 4 GiB, as the kernels are compiled. */
const sharedPages = 65536;

export class KernelMemory {
  readonly memory: WebAssembly.Memory;
  /** First address after the areas that stay. Address 0 belongs to nothing. */
  #heap = pageBytes;

  /**
   * @param shared a memory that another thread can compute on, too; it never shrinks
   * @throws Error when a shared memory is not available.
   */
  constructor(shared: boolean) {
    this.memory = new WebAssembly.Memory(shared ? { initial: 2, maximum: sharedPages, shared } : { initial: 2 });
  }

  /** First address that `reserve` gives. */
  get heap(): number {
    return this.#heap;
  }

  /** All that the module exports, over this memory. */
  instantiate<Functions>(module: WebAssembly.Module): Functions {
    return new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports as unknown as Functions;
  }

  /** Address of an area that stays. Areas that `reserve` gave are gone. @throws RangeError when the memory cannot grow to hold it. */
  keep(bytes: number): number {
    const address = this.#heap;
    this.#heap = align(address + bytes);
    this.#growTo(this.#heap);
    return address;
  }

  /**
   * Addresses of consecutive areas of the given sizes in bytes, from the start of the heap: what was there before is gone.
   * @throws RangeError when the memory cannot grow to hold them.
   */
  reserve(...bytes: number[]): number[] {
    let top = this.#heap;
    const addresses = bytes.map((size) => {
      const address = top;
      top = align(top + size);
      return address;
    });
    this.#growTo(top);
    return addresses;
  }

  /** Views of the memory; they die with the next `keep` or `reserve`. */
  bytes(address: number, length: number): Uint8Array { return new Uint8Array(this.memory.buffer, address, length); }
  int32(address: number, length: number): Int32Array { return new Int32Array(this.memory.buffer, address, length); }
  float32(address: number, length: number): Float32Array { return new Float32Array(this.memory.buffer, address, length); }
  float64(address: number, length: number): Float64Array { return new Float64Array(this.memory.buffer, address, length); }

  #growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / pageBytes);
    if (missing > 0) this.memory.grow(missing);
  }
}

function align(address: number): number {
  return Math.ceil(address / alignment) * alignment;
}
