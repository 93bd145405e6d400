import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { FormatError } from "../../../server/src/formats/modelFile";
import { ZipArchive } from "../../../server/src/formats/zip/zipArchive";

interface Entry { name: string; content: Buffer; deflate?: boolean; flags?: number; method?: number; size?: number; localExtra?: number }

/** A ZIP archive; with `zip64` all sizes and offsets stand in the 64-bit fields. */
function zip(entries: Entry[], zip64 = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflate = false, flags = 0, method = deflate ? 8 : 0, size = content.length, localExtra = 0 } of entries) {
    const stored = deflate ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(localExtra, 28);
    const chunk = Buffer.concat([local, Buffer.from(name), Buffer.alloc(localExtra), stored]);
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(zip64 ? 0xffffffff : deflate ? stored.length : size, 20);
    entry.writeUInt32LE(zip64 ? 0xffffffff : size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(zip64 ? 0xffffffff : offset, 42);
    if (zip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      [size, stored.length, offset].forEach((value, i) => extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
    }
    directory.push(entry, Buffer.from(name), extra);
    parts.push(chunk);
    offset += chunk.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : central.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16);
  if (!zip64) return Buffer.concat([...parts, central, end]);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(BigInt(entries.length), 32);
  end64.writeBigUInt64LE(BigInt(central.length), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + central.length), 8);
  return Buffer.concat([...parts, central, end64, locator, end]);
}
const open = (bytes: Uint8Array) => ZipArchive.open(memorySource(bytes, "test.zip"));
const text = Buffer.from("abcdefghij".repeat(1000));

describe("ZipArchive", () => {
  it.each([false, true])("reads ranges of stored and deflated entries (ZIP64: %s)", async (zip64) => {
    const archive = await open(zip([{ name: "a/stored", content: text, localExtra: 13 }, { name: "deflated", content: text, deflate: true }, { name: "empty", content: Buffer.alloc(0) }], zip64));
    expect([...archive.entries.keys()]).toEqual(["a/stored", "deflated", "empty"]);
    for (const name of ["a/stored", "deflated"]) {
      expect(Buffer.from(await archive.read(name, 9995, 5)).toString()).toBe("fghij");
      expect(Buffer.compare(await archive.readAll(name, 10_000), text)).toBe(0);
      await expect(archive.read(name, 9995, 6)).rejects.toThrow(FormatError);
      await expect(archive.readAll(name, 9_999)).rejects.toThrow("at most 9999");
    }
    expect((await archive.readAll("empty", 10)).length).toBe(0);
    await expect(archive.read("nothing", 0, 0)).rejects.toThrow("no entry \"nothing\"");
  });

  it("reads the head of a compressed entry without inflating the rest", async () => {
    const archive = await open(zip([{ name: "x", content: Buffer.concat([text, Buffer.alloc(5_000_000)]), deflate: true }]));
    const head = Buffer.from(await archive.readHead("x", 10));
    expect(Buffer.compare(head, text.subarray(0, head.length))).toBe(0);
    expect((await archive.readHead("x", 4096)).length).toBe(4096);
  });

  it("is found in front of a comment", async () => {
    const bytes = zip([{ name: "x", content: text }]);
    bytes.writeUInt16LE(5, bytes.length - 2);
    expect((await open(Buffer.concat([bytes, Buffer.from("hello")]))).entries.size).toBe(1);
  });

  const bad: [string, Buffer, string][] = [
    ["the same name twice", zip([{ name: "x", content: text }, { name: "x", content: text }]), "twice"],
    ["an encrypted entry", zip([{ name: "x", content: text, flags: 1 }]), "encrypted"],
    ["an unknown compression", zip([{ name: "x", content: text, method: 93 }]), "method 93"],
    ["no directory", zip([{ name: "x", content: text }]).subarray(0, 5000), "directory is missing"],
    ["nothing", Buffer.alloc(0), "directory is missing"],
  ];
  it.each(bad)("refuses %s", async (_title, bytes, words) => {
    await expect(open(bytes)).rejects.toThrow(FormatError);
    await expect(open(bytes)).rejects.toThrow(words);
  });

  it("refuses a directory that claims more entries than it has bytes for", async () => {
    const bytes = zip([{ name: "x", content: text }], true);
    bytes.writeBigUInt64LE(2n ** 40n, bytes.length - 22 - 20 - 56 + 32);
    await expect(open(bytes)).rejects.toThrow("claims");
  });

  it("refuses a directory that would take hundreds of megabytes, before it reads it", async () => {
    const size = 2 ** 28;
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(65_535, 10);
    end.writeUInt32LE(2 ** 27, 12);
    const read = (offset: number, length: number): Promise<Uint8Array> => {
      expect(length).toBeLessThan(2 ** 17);
      const bytes = Buffer.alloc(length);
      end.copy(bytes, size - 22 - offset);
      return Promise.resolve(bytes);
    };
    await expect(ZipArchive.open({ name: "large.zip", size, read, close: () => Promise.resolve() })).rejects.toThrow("claims 65535 entries in 134217728 bytes");
  });

  it("reads any range of a compressed entry of many pieces, and holds no more than the range", async () => {
    const content = Buffer.alloc(300_000_000);
    for (let i = 0; i < content.length; i += 4096) content.writeUInt32LE(i, i);
    const archive = await open(zip([{ name: "x", content, deflate: true }]));
    const before = process.resourceUsage().maxRSS;
    for (const [offset, length] of [[0, 10], [1_048_570, 20], [4096 * 5000, 3_000_000], [content.length - 5000, 5000], [content.length, 0]] as const) {
      expect(Buffer.compare(await archive.read("x", offset, length), content.subarray(offset, offset + length))).toBe(0);
    }
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(100 * 1024);
  });

  it("refuses contents that differ from the declared size", async () => {
    const longer = await open(zip([{ name: "x", content: text, deflate: true, size: 9_000 }]));
    await expect(longer.readAll("x", 1e6)).rejects.toThrow("longer than declared");
    const shorter = await open(zip([{ name: "x", content: text, deflate: true, size: 11_000 }]));
    await expect(shorter.readAll("x", 1e6)).rejects.toThrow("instead of 11000");
  });
});
