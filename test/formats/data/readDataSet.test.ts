import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSpec } from "../../../server/src/protocol/spec";
import type { DataSet } from "../../../server/src/formats/dataSet";
import { FormatError } from "../../../server/src/formats/modelFile";
import { openModel } from "../../../server/src/formats/openModel";
import { dataSetIdentity, readDataSet } from "../../../server/src/formats/readDataSet";
import { writeSafetensors } from "../../../server/src/formats/safetensors/writeSafetensors";
import { sharedData } from "../sharedData";
import { numbersOf } from "./numbers";

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "data-")); });
afterAll(async () => { await rm(folder, { recursive: true }); });

const vectors = (set: DataSet): number[][] => {
  const { inputs } = set;
  const values = numbersOf(inputs);
  const width = values.length / inputs.count;
  return Array.from({ length: inputs.count }, (_, i) => values.slice(i * width, (i + 1) * width));
};
const tokens = (set: DataSet): number[][] => {
  const { inputs } = set;
  if (inputs.kind !== "tokens") throw new Error("expected tokens");
  return Array.from({ length: inputs.count }, (_, i) => [...inputs.values.slice(i * inputs.positions, (i + 1) * inputs.positions)]);
};
async function rejection(spec: DataSpec): Promise<string> {
  const error: unknown = await readDataSet(spec, folder).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

describe("modular-addition", () => {
  const spec: DataSpec = { kind: "modular-addition", modulus: 113, fracTrain: 0.3, seed: 0 };

  const splitFile = sharedData("modadd", "split_seed0.json");
  it.skipIf(splitFile === null)("gives the authors' training split, bit for bit and in order (skipped without the shared data)", async () => {
    const { train } = JSON.parse(await readFile(splitFile!, "utf8")) as { train: number[] };
    const set = await readDataSet({ ...spec, split: "train" }, folder);
    expect(tokens(set).map(([x, y]) => 113 * x! + y!)).toEqual(train);
  });

  it("begins as the method says", async () => {
    const set = await readDataSet({ ...spec, split: "train", limit: 10 }, folder);
    expect(tokens(set).map(([x, y]) => 113 * x! + y!)).toEqual([4182, 2608, 269, 825, 4847, 9224, 6227, 116, 5276, 2052]);
  });

  it("divides all pairs into train and test", async () => {
    const train = await readDataSet({ ...spec, split: "train" }, folder);
    const test = await readDataSet({ ...spec, split: "train" }, folder, "test");
    expect([train.inputs.count, test.inputs.count]).toEqual([3830, 8939]);
    const pairs = new Set([...tokens(train), ...tokens(test)].map((t) => t.join()));
    expect(pairs.size).toBe(113 * 113);
    for (const set of [train, test]) tokens(set).forEach(([x, y, p], i) => { expect(p).toBe(113); expect(set.labels![i]).toBe((x! + y!) % 113); });
    expect(train.inputs).toMatchObject({ positions: 3, vocabulary: 114 });
    expect(train.identity).not.toBe(test.identity);
  });

  it.each<[Partial<DataSpec>, string]>([
    [{ modulus: 1 }, "\"modulus\""], [{ modulus: 1e9 }, "\"modulus\""], [{ modulus: 2.5 }, "\"modulus\""], [{ seed: -1, split: "train" }, "\"seed\""],
    [{ fracTrain: 2, split: "train" }, "\"fracTrain\""], [{ fracTrain: 0, split: "train" }, "empty"], [{ limit: 0 }, "\"limit\""],
  ])("refuses %j", async (change, words) => {
    expect(await rejection({ ...spec, ...change })).toContain(words);
  });
});

/** Rows times W [in, out], plus b, rectified for hidden layers. */
function affine(rows: ArrayLike<number>, count: number, W: ArrayLike<number>, b: ArrayLike<number>, rectify: boolean): Float64Array {
  const width = W.length / b.length;
  const out = new Float64Array(count * b.length);
  for (let n = 0; n < count; n++) {
    for (let j = 0; j < b.length; j++) out[n * b.length + j] = b[j]!;
    for (let i = 0; i < width; i++) {
      const x = rows[n * width + i]!;
      if (x !== 0) for (let j = 0; j < b.length; j++) out[n * b.length + j]! += x * W[i * b.length + j]!;
    }
  }
  return rectify ? out.map((value) => Math.max(0, value)) : out;
}

/** An idx file of bytes. */
const idxBytes = (shape: number[], bytes: number[]): Buffer => {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head[2] = 8;
  head[3] = shape.length;
  shape.forEach((extent, axis) => head.writeUInt32BE(extent, 4 + 4 * axis));
  return Buffer.concat([head, Buffer.from(bytes)]);
};

describe("idx", () => {
  it("turns images into vectors as torchvision's ToTensor, plain or packed, with labels", async () => {
    const images = idxBytes([256, 1, 2], Array.from({ length: 512 }, (_, i) => i >> 1));
    await writeFile(join(folder, "images"), images);
    await writeFile(join(folder, "images.gz"), gzipSync(images));
    await writeFile(join(folder, "labels"), idxBytes([256], Array.from({ length: 256 }, (_, i) => i % 10)));
    const plain = await readDataSet({ kind: "idx", inputs: "images", labels: "labels" }, folder);
    const packed = await readDataSet({ kind: "idx", inputs: "images.gz" }, folder);
    expect(plain.inputs).toEqual(packed.inputs);
    expect(packed.labels).toBeNull();
    // Float32 division by 255, exactly.
    vectors(plain).forEach((row, i) => expect(row).toEqual([Math.fround(i / 255), Math.fround(i / 255)]));
    expect([...plain.labels!.slice(8, 12)]).toEqual([8, 9, 0, 1]);
  });

  it("scales and normalises as asked, and limits", async () => {
    const set = await readDataSet({ kind: "idx", inputs: "images", labels: "labels", scale: 0.5, mean: 1, std: 2, limit: 3 }, folder);
    expect(vectors(set)).toEqual([[-0.5, -0.5], [-0.25, -0.25], [0, 0]]);
    expect(set.labels!.length).toBe(3);
  });

  it("reads big-endian 16-bit and float elements", async () => {
    const shorts = Buffer.from([0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0]);
    await writeFile(join(folder, "shorts"), shorts);
    expect(vectors(await readDataSet({ kind: "idx", inputs: "shorts" }, folder))).toEqual([[-2, 256]]);
  });

  it("refuses what is damaged, naming the resolved path", async () => {
    await writeFile(join(folder, "short"), idxBytes([10, 10], [1, 2, 3]));
    await writeFile(join(folder, "huge"), idxBytes([0xffffffff, 0xffffffff, 0xffffffff], []));
    await writeFile(join(folder, "few"), idxBytes([2], [1, 2]));
    await writeFile(join(folder, "bad.gz"), gzipSync(idxBytes([4], [1, 2, 3, 4])).subarray(0, 20));
    await writeFile(join(folder, "text"), "hello world");
    expect(await rejection({ kind: "idx", inputs: "short" })).toContain(join(folder, "short"));
    expect(await rejection({ kind: "idx", inputs: "huge" })).toContain("more elements than any file");
    expect(await rejection({ kind: "idx", inputs: "images", labels: "few" })).toContain("2 labels for 256 samples");
    expect(await rejection({ kind: "idx", inputs: "images", labels: "images" })).toContain("labels have one axis");
    expect(await rejection({ kind: "idx", inputs: "bad.gz" })).toContain("cannot be unpacked");
    expect(await rejection({ kind: "idx", inputs: "text" })).toContain("not an idx file");
    expect(await rejection({ kind: "idx", inputs: "absent" })).toContain(join(folder, "absent"));
    expect(await rejection({ kind: "idx" })).toContain("\"inputs\"");
    expect(await rejection({ kind: "idx", inputs: "https://example.org/x" })).toContain("not a path");
    expect(await rejection({ kind: "idx", inputs: "." })).toContain("regular file");
  });

  it("unpacks no more than the header promises, however much there is", async () => {
    // A gzip file may consist of several: the second one is a megabyte that stands for a gigabyte.
    const zeros = gzipSync(Buffer.alloc(2 ** 24));
    await writeFile(join(folder, "bomb.gz"), Buffer.concat([gzipSync(idxBytes([2, 2], [1, 2, 3, 4])), ...Array.from({ length: 64 }, () => zeros)]));
    const before = process.resourceUsage().maxRSS;
    expect(vectors(await readDataSet({ kind: "idx", inputs: "bomb.gz", scale: 1 }, folder))).toEqual([[1, 2], [3, 4]]);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 * 1024);
    // Two gigabytes promised in a few bytes are not even reserved.
    await writeFile(join(folder, "promise.gz"), gzipSync(idxBytes([2 ** 30], [1, 2, 3])));
    expect(await rejection({ kind: "idx", inputs: "promise.gz" })).toContain("holds 3 bytes of data where its header promises 1073741824");
  });

  const mnist = sharedData("mnist");
  const mlp = sharedData("mnist-mlp", "model_epoch_12.pt");
  it.skipIf(mnist === null || mlp === null)("the authors' MNIST MLP reaches its test accuracy (skipped without the shared data)", async () => {
    const set = await readDataSet({ kind: "idx", inputs: "mnist/t10k-images-idx3-ubyte.gz", labels: "mnist/t10k-labels-idx1-ubyte.gz" }, dirname(mnist!));
    const model = await openModel(mlp!);
    let rows: ArrayLike<number> = numbersOf(set.inputs);
    for (const layer of [0, 1, 2]) {
      const W = await model.read(`layers.${layer}.W`);
      const b = await model.read(`layers.${layer}.b`);
      rows = affine(rows, set.inputs.count, W, b, layer < 2);
    }
    await model.close();
    const right = Array.from(set.labels!).filter((label, i) => {
      const scores = Array.from({ length: 10 }, (_, j) => rows[10 * i + j]!);
      return scores.indexOf(Math.max(...scores)) === label;
    }).length / set.inputs.count;
    expect(right).toBeGreaterThan(0.97);
    expect(right).toBeLessThan(0.985);
  });
});

describe("cifar10-binary", () => {
  const record = (label: number, value: number): Buffer => Buffer.concat([Buffer.from([label]), Buffer.alloc(3072, value)]);

  it("reads records of files and of the official folder", async () => {
    for (const batch of [1, 2, 3, 4, 5]) await writeFile(join(folder, `data_batch_${batch}.bin`), record(batch, 51 * batch));
    await writeFile(join(folder, "test_batch.bin"), record(9, 0));
    const train = await readDataSet({ kind: "cifar10-binary", inputs: "." }, folder);
    expect([...train.labels!]).toEqual([1, 2, 3, 4, 5]);
    expect(vectors(train).map((row) => row[3071])).toEqual([1, 2, 3, 4, 5].map((v) => Math.fround(v / 5)));
    const test = await readDataSet({ kind: "cifar10-binary", inputs: "." }, folder, "test");
    expect([...test.labels!]).toEqual([9]);
    const two = await readDataSet({ kind: "cifar10-binary", inputs: ".", limit: 2 }, folder);
    expect(two.inputs.count).toBe(2);
  });

  it("refuses other files", async () => {
    await writeFile(join(folder, "odd.bin"), Buffer.alloc(100));
    await writeFile(join(folder, "labels.bin"), record(200, 0));
    expect(await rejection({ kind: "cifar10-binary", inputs: "odd.bin" })).toContain("3073");
    expect(await rejection({ kind: "cifar10-binary", inputs: "labels.bin" })).toContain("label 200");
  });

  const shared = sharedData("cifar10", "cifar10_train_first4000.bin");
  it.skipIf(shared === null)("reads the first 4,000 training images (skipped without the shared data)", async () => {
    const set = await readDataSet({ kind: "cifar10-binary", inputs: shared! }, folder);
    expect(set.inputs.count).toBe(4000);
    // The first training image is a frog.
    expect(set.labels![0]).toBe(6);
    expect(new Set(set.labels!).size).toBe(10);
  });
});

describe("block-vectors", () => {
  it("gives standard normal numbers that depend on the seed only", async () => {
    const spec: DataSpec = { kind: "block-vectors", size: 10_000, width: 8, seed: 1 };
    const set = await readDataSet(spec, folder);
    const flat = vectors(set).flat();
    const mean = flat.reduce((a, b) => a + b, 0) / flat.length;
    const variance = flat.reduce((a, b) => a + (b - mean) ** 2, 0) / flat.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
    expect(set.inputs).toMatchObject({ count: 10_000, width: 8 });
    expect((await readDataSet(spec, folder)).inputs).toEqual(set.inputs);
    expect((await readDataSet({ ...spec, seed: 2 }, folder)).inputs).not.toEqual(set.inputs);
    expect(await rejection({ ...spec, size: 2 ** 29 })).toContain("memory");
  });
});

describe("csv", () => {
  const read = async (text: string, more: Partial<DataSpec> = {}): Promise<DataSet> => {
    await writeFile(join(folder, "t.csv"), text);
    return readDataSet({ kind: "csv", inputs: "t.csv", ...more }, folder);
  };
  const refuse = async (text: string | Buffer, more: Partial<DataSpec> = {}): Promise<string> => {
    await writeFile(join(folder, "t.csv"), text);
    return rejection({ kind: "csv", inputs: "t.csv", ...more });
  };

  it("takes the last column as the label, with or without header, last line break or carriage returns", async () => {
    for (const text of ["a,b,c\n1,2,0\n3,4,1\n", "1,2,0\n3,4,1", "\ufeffa,b,c\r\n1,2,0\r\n3,4,1\r\n\r\n", "1;2;0\n3;4;1\n", "1\t2\t0\n3\t4\t1\n"]) {
      const set = await read(text);
      expect(vectors(set)).toEqual([[1, 2], [3, 4]]);
      expect([...set.labels!]).toEqual([0, 1]);
    }
  });

  it("takes the named column, or none", async () => {
    const set = await read("y,a,b\n5,1,2\n6,3,4\n", { labelsName: "y" });
    expect(vectors(set)).toEqual([[1, 2], [3, 4]]);
    expect([...set.labels!]).toEqual([5, 6]);
    const plain = await read("1,2.5\n3,-4e-1\n", { labelsName: "" });
    expect(vectors(plain)).toEqual([[1, 2.5], [3, Math.fround(-0.4)]]);
    expect(plain.labels).toBeNull();
  });

  it("reads quoted fields with separators, quotes and line breaks, and numbers classes in alphabetical order", async () => {
    const set = await read("\"x, with comma\",\"say \"\"class\"\"\"\n\"1\",\"b\nb\"\n2,a\n3,\"b\nb\"\n", { labelsName: "say \"class\"" });
    expect(vectors(set)).toEqual([[1], [2], [3]]);
    expect([...set.labels!]).toEqual([1, 0, 1]);
  });

  it("takes the separator from outside quotes", async () => {
    expect(vectors(await read("\"a, b, c\";\"d\ne\"\n1;0\n"))).toEqual([[1]]);
  });

  it("reads files longer than one chunk, and stops at the limit", async () => {
    const row = `${new Array(100).fill("0.25").join(",")},7\n`;
    const set = await read(row.repeat(12_000));
    expect(set.inputs).toMatchObject({ count: 12_000, width: 100 });
    expect([...set.labels!].every((label) => label === 7)).toBe(true);
    expect((await read(row.repeat(12_000) + "broken", { limit: 5 })).inputs.count).toBe(5);
  });

  it("says line and column of what is wrong", async () => {
    expect(await refuse("1,2,0\n3,x,1\n")).toContain("line 2, column 2 holds \"x\"");
    expect(await refuse("a,b\n\"1\",\"2\n\"\n1\n")).toContain("line 4 has 1 fields");
    expect(await refuse("1,2\n\"3,4\n")).toContain("line 2 does not end");
    expect(await refuse("1,,0\n")).toContain("no rows");
    expect(await refuse("1,2,0\n1,,0\n")).toContain("no number");
    expect(await refuse("1,0.5\n")).toContain("class numbers");
    expect(await refuse("")).toContain("no rows");
    expect(await refuse("1,2\n", { labelsName: "y" })).toContain("no column \"y\"");
    expect(await refuse(Buffer.from([0x31, 0x2c, 0xff, 0x0a]))).toContain("UTF-8");
  });
});

describe("arrays", () => {
  beforeAll(async () => {
    await writeSafetensors(join(folder, "both.safetensors"), [
      { name: "x", dtype: "F32", shape: [2, 1, 2], data: Float32Array.of(1, 2, 3, 4) },
      { name: "labels", dtype: "I32", shape: [2], data: Int32Array.of(1, 0) },
    ], {});
    await writeSafetensors(join(folder, "ids.safetensors"), [{ name: "ids", dtype: "I32", shape: [2, 3], data: Int32Array.of(0, 1, 2, 3, 4, 9) }], {});
  });

  it("finds inputs and labels by their usual names", async () => {
    const set = await readDataSet({ kind: "safetensors", inputs: "both.safetensors" }, folder);
    expect(vectors(set)).toEqual([[1, 2], [3, 4]]);
    expect([...set.labels!]).toEqual([1, 0]);
  });

  it("reads integers as tokens unless a scale is given", async () => {
    const set = await readDataSet({ kind: "safetensors", inputs: "ids.safetensors", limit: 1 }, folder);
    expect(tokens(set)).toEqual([[0, 1, 2]]);
    expect(set.inputs).toMatchObject({ vocabulary: 10 });
    expect(set.labels).toBeNull();
    const scaled = await readDataSet({ kind: "safetensors", inputs: "ids.safetensors", scale: 2 }, folder);
    expect(vectors(scaled)).toEqual([[0, 2, 4], [6, 8, 18]]);
  });

  it("says what it holds when the names do not fit", async () => {
    expect(await rejection({ kind: "safetensors", inputs: "both.safetensors", inputsName: "z" })).toContain("\"x\", \"labels\"");
    expect(await rejection({ kind: "npz", inputs: "both.safetensors" })).toContain("of kind \"npz\"");
    expect(await rejection({ kind: "safetensors", inputs: "both.safetensors", labelsName: "x" })).toContain("class number");
  });

  const cifar = sharedData("cifar10", "cifar10_test_lossless_from_vnnlib.npz");
  it.skipIf(cifar === null)("reads compressed npz images of bytes as vectors from 0 to 1 (skipped without the shared data)", async () => {
    const set = await readDataSet({ kind: "npz", inputs: cifar! }, folder);
    expect(set.inputs).toMatchObject({ kind: "vectors", count: 190, width: 3072 });
    expect(set.labels!.length).toBe(190);
    expect(Math.max(...vectors(set)[0]!)).toBeLessThanOrEqual(1);
  });
});

describe("dataSetIdentity", () => {
  it("follows contents and options, not names of files", async () => {
    await writeFile(join(folder, "a.csv"), "1,0\n");
    await writeFile(join(folder, "b.csv"), "1,0\n");
    await writeFile(join(folder, "c.csv"), "2,0\n");
    const identity = (inputs: string, more: Partial<DataSpec> = {}): Promise<string> => dataSetIdentity({ kind: "csv", inputs, ...more }, folder);
    expect(await identity("a.csv")).toBe(await identity("b.csv"));
    expect(await identity("a.csv")).not.toBe(await identity("c.csv"));
    expect(await identity("a.csv")).not.toBe(await identity("a.csv", { limit: 1 }));
    expect(await identity("a.csv")).toBe((await readDataSet({ kind: "csv", inputs: "a.csv" }, folder)).identity);
  });

  it("refuses kinds that do not exist, naming those that do", async () => {
    expect(await rejection({ kind: "feather" as DataSpec["kind"], inputs: "a" })).toMatch(/modular-addition.*idx.*npz.*parquet/);
  });
});
