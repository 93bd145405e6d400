/** @file The part of WebAssembly that the engine uses; TypeScript declares it only with the DOM, which the server does not have. */

declare namespace WebAssembly {
  class Module { constructor(bytes: Uint8Array) }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    /** Pages of 64 KiB. @throws RangeError when there is no memory. */
    grow(pages: number): number;
  }
  function validate(bytes: Uint8Array): boolean;
}

declare module "*.wasm" {
  const bytes: Uint8Array;
  export default bytes;
}
