import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { memorySource, type ByteSource } from "../../server/src/formats/bytes/byteSource";
import { openModelFrom } from "../../server/src/formats/openModel";
import { sharedData } from "./sharedData";

/** Counts the bytes that are read. */
function counting(source: ByteSource): ByteSource & { bytes: number } {
  return {
    ...source,
    bytes: 0,
    read(offset, length) {
      this.bytes += length;
      return source.read(offset, length);
    },
  };
}

/** A safetensors file with one large and one small tensor. */
function large(size: number): Uint8Array {
  const json = JSON.stringify({ large: { dtype: "U8", shape: [size], data_offsets: [0, size] }, small: { dtype: "U8", shape: [3], data_offsets: [size, size + 3] } });
  const bytes = new Uint8Array(8 + json.length + size + 3);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(new TextEncoder().encode(json), 8);
  return bytes;
}

describe("listing a file reads what names its tensors, and reading one tensor reads that tensor", () => {
  it("safetensors", async () => {
    const source = counting(memorySource(large(10_000_000), "large"));
    const model = await openModelFrom(source);
    expect(source.bytes).toBeLessThan(2000);
    const before = source.bytes;
    await model.read("small");
    expect(source.bytes - before).toBe(3);
  });

  const files: [string[], string, number][] = [
    [["modadd", "seed0", "model_epoch_60000.pt"], "blocks.0.attn.b_Q", 4 * 32 * 4],
    [["tiny-gpt2", "pytorch_model.bin"], "transformer.h.0.ln_1.weight", 2 * 4],
  ];
  for (const [parts, tensor, tensorBytes] of files) {
    const path = sharedData(...parts);
    it.skipIf(path === null)(`${parts.join("/")} (skipped without the shared data)`, async () => {
      const whole = await readFile(path!);
      const source = counting(memorySource(whole, path!));
      const model = await openModelFrom(source);
      // The end of the archive, its directory and its pickle; or the pickles of a legacy file.
      expect(source.bytes).toBeLessThan(100_000);
      expect(source.bytes).toBeLessThan(whole.length / 2);
      const before = source.bytes;
      await model.read(tensor);
      // Archives: and the 30 bytes of the entry's own header.
      expect(source.bytes - before).toBeLessThanOrEqual(tensorBytes + 30);
    });
  }
});
