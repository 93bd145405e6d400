import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { FormatError } from "../../../server/src/formats/modelFile";
import { openNpy } from "../../../server/src/formats/numpy/openNumpy";
import { openModel } from "../../../server/src/formats/openModel";
import { writeNpy, writeNpz } from "../../../server/src/formats/numpy/writeNumpy";
import { Crc32 } from "../../../server/src/formats/zip/crc32";

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "numpy-")); });
afterAll(async () => { await rm(folder, { recursive: true }); });

const arrays = [
  ["C/0", { shape: [2, 3], data: Float64Array.of(Math.PI, -0, NaN, Infinity, 1e-300, 5) }],
  ["edges", { shape: [4], data: Float32Array.of(1, 2.5, -3, 1e30) }],
  ["ids", { shape: [1, 2, 1], data: Int32Array.of(-7, 2 ** 31 - 1) }],
  ["scalar", { shape: [], data: Float64Array.of(42) }],
  ["empty é", { shape: [0, 3], data: new Float32Array(0) }],
] as const;

describe("writeNpz and writeNpy", () => {
  it("are read back value by value", async () => {
    const path = join(folder, "a.npz");
    await writeNpz(path, arrays);
    const file = await openModel(path);
    expect(file.format).toBe("npz");
    expect(file.tensors.map((t) => [t.name, t.shape])).toEqual(arrays.map(([name, { shape }]) => [name, [...shape]]));
    for (const [name, { data }] of arrays) expect(await file.read(name)).toEqual(data);
    await file.close();
    await writeNpy(join(folder, "one.npy"), arrays[0][1]);
    const one = await openModel(join(folder, "one.npy"));
    expect(one.tensors).toEqual([{ name: "one", dtype: "float64", shape: [2, 3] }]);
    expect(await one.read("one")).toEqual(arrays[0][1].data);
    await one.close();
  });

  const python = (() => {
    try {
      execFileSync("/usr/bin/python3", ["-c", "import numpy"], { stdio: "ignore" });
      return "/usr/bin/python3";
    } catch {
      return null;
    }
  })();
  it.skipIf(python === null)("are read by numpy itself, checksums included (skipped without numpy)", async () => {
    const path = join(folder, "b.npz");
    await writeNpz(path, arrays);
    const script = "import numpy, sys, zipfile; assert zipfile.ZipFile(sys.argv[1]).testzip() is None\n"
      + "d = numpy.load(sys.argv[1])\nfor k in d: print(k, d[k].dtype, d[k].shape, d[k].tobytes().hex())";
    const lines = execFileSync(python!, ["-c", script, path], { encoding: "utf8" }).trim().split("\n");
    const types = ["float64", "float32", "int32", "float64", "float32"];
    expect(lines.map((line) => line.trim())).toEqual(arrays.map(([name, { shape, data }], i) => {
      const hex = Buffer.from(data.buffer).toString("hex");
      return `${name} ${types[i]!} (${shape.length === 1 ? `${shape[0]},` : shape.join(", ")}) ${hex}`.trim();
    }));
  });

  it("refuse data that do not fit and names that repeat", async () => {
    await expect(writeNpy(join(folder, "x.npy"), { shape: [3], data: Float32Array.of(1) })).rejects.toThrow("needs 3 values, got 1");
    await expect(writeNpz(join(folder, "x.npz"), [arrays[0], arrays[0]])).rejects.toThrow("name of its own");
  });
});

describe("Crc32", () => {
  it("gives the check value of the standard", () => {
    const checksum = new Crc32();
    checksum.update(new TextEncoder().encode("12345"));
    checksum.update(new TextEncoder().encode("6789"));
    expect(checksum.value).toBe(0xcbf43926);
  });
});

/** A .npy file with this header text. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(header, "latin1");
  const head = Buffer.alloc(version === 1 ? 10 : 12);
  head.write("\x93NUMPY", 0, "latin1");
  head[6] = version;
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, text, data]);
}
const open = (header: string, data: Uint8Array, version = 1) => openNpy(memorySource(npy(header, data, version), "x.npy"));
const dict = (descr: string, shape: string, order = "False"): string => `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }\n`;

describe("openNpy", () => {
  it("gives Fortran order, big-endian and half precision as row-major numbers", async () => {
    const fortran = await open(dict("<f8", "2, 3", "True"), new Uint8Array(Float64Array.of(1, 4, 2, 5, 3, 6).buffer));
    expect(await fortran.read("x")).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6));
    const big = await open(dict(">i2", "2,"), Uint8Array.of(0xff, 0xfe, 0x01, 0x00), 2);
    expect(await big.read("x")).toEqual(Int32Array.of(-2, 256));
    const half = await open(dict("<f2", "3,"), new Uint8Array(Uint16Array.of(0x3c00, 0xfc00, 0x0001).buffer), 3);
    expect(await half.read("x")).toEqual(Float32Array.of(1, -Infinity, 2 ** -24));
    const complex = await open(dict("<c8", ""), new Uint8Array(Float32Array.of(1, -2).buffer));
    expect(await complex.read("x")).toEqual(Float32Array.of(1, -2));
  });

  it.each([
    ["objects", dict("|O", "1,"), 8, "never unpickled"], ["records", "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", 8, "records"],
    ["text", dict("<U5", "1,"), 20, "\"<U5\""], ["a shape beyond the file", dict("<f8", "1000000"), 8, "needs 1000000"],
    ["a huge shape", dict("<f8", "99999999999, 99999999999"), 8, "more elements"], ["an empty header", "  ", 8, "records"],
    ["two shapes", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'shape': (2,), }", 16, "gives 'shape' twice"],
    ["an extent that is no number", dict("<f8", "1 2"), 16, "impossible extent NaN"], ["an infinite extent", dict("<f8", "9".repeat(400)), 8, "impossible extent"],
  ])("refuses %s", async (_title, header, bytes, words) => {
    await expect(open(header, new Uint8Array(bytes))).rejects.toThrow(FormatError);
    await expect(open(header, new Uint8Array(bytes))).rejects.toThrow(words);
  });
});

/** A ZIP archive with one deflated entry that claims `size` bytes. */
function zipOf(name: string, compressed: Uint8Array, size: number): Buffer {
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(compressed.length, 20);
  entry.writeUInt32LE(size, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + compressed.length, 16);
  return Buffer.concat([local, Buffer.from(name), compressed, entry, Buffer.from(name), end]);
}

describe("npz archives", () => {
  it("list a compressed bomb by its header and refuse to unpack it", async () => {
    const bomb = deflateRawSync(Buffer.concat([npy(dict("|u1", "50000000,"), new Uint8Array(0)), Buffer.alloc(50_000_000)]));
    // It claims to be small, so that a careless reader would not notice.
    await writeFile(join(folder, "bomb.npz"), zipOf("a.npy", bomb, 60_000));
    await expect(openModel(join(folder, "bomb.npz"))).rejects.toThrow("truncated");
    const lying = deflateRawSync(npy(dict("|u1", "50000,"), new Uint8Array(1000)));
    await writeFile(join(folder, "lying.npz"), zipOf("a.npy", lying, 50_200));
    const file = await openModel(join(folder, "lying.npz"));
    await expect(file.read("a")).rejects.toThrow(FormatError);
    await file.close();
    await writeFile(join(folder, "ratio.npz"), zipOf("a.npy", lying, 3_000_000_000));
    const ratio = await openModel(join(folder, "ratio.npz"));
    await expect(ratio.read("a")).rejects.toThrow("claims to expand");
    await ratio.close();
  });

  it("are refused when cut off, whatever the place", async () => {
    await writeNpz(join(folder, "cut.npz"), arrays);
    const whole = await readFile(join(folder, "cut.npz"));
    for (let length = 0; length < whole.length; length += 37) {
      await writeFile(join(folder, "cut.npz"), whole.subarray(0, length));
      await expect(openModel(join(folder, "cut.npz"))).rejects.toThrow(FormatError);
    }
  });
});
