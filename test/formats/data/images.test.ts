import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSpec } from "../../../server/src/protocol/spec";
import type { DataSet } from "../../../server/src/formats/dataSet";
import { decodeJpeg } from "../../../server/src/formats/images/jpeg";
import { decodePng } from "../../../server/src/formats/images/png";
import { FormatError } from "../../../server/src/formats/modelFile";
import { readDataSet } from "../../../server/src/formats/readDataSet";
import { jpegFile, pngFile, smallImages, somePixels, tarOf } from "../images/imageFiles";
import { sharedData } from "../sharedData";
import { numbersOf } from "./numbers";

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "images-")); });
afterAll(async () => { await rm(folder, { recursive: true }); });

let places = 0;
/** Writes files into a new folder and names it. */
async function place(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const name = `set${places++}`;
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true });
    await writeFile(join(folder, name, path), content);
  }
  return name;
}
const read = (inputs: string, more: Partial<DataSpec> = {}): Promise<DataSet> => readDataSet({ kind: "images", inputs, ...more }, folder);
async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

describe("png", () => {
  it.each([[7, 11, 1], [6, 10, 3]])("restores every pixel of %i x %i with %i channels through all filters", async (width, height, channels) => {
    expect(await decodePng(pngFile(width, height, channels), "a")).toEqual({ width, height, channels, values: somePixels(width, height, channels) });
  });

  it("reads palettes and leaves out an opaque alpha channel", async () => {
    const palette = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect([...(await decodePng(pngFile(2, 1, 1, { pixels: Uint8Array.of(1, 0), palette }), "a")).values]).toEqual([4, 5, 6, 1, 2, 3]);
    expect(await decodePng(pngFile(1, 1, 4, { pixels: Uint8Array.of(9, 8, 7, 255) }), "a")).toMatchObject({ channels: 3, values: Uint8Array.of(9, 8, 7) });
    expect(await refusal(decodePng(pngFile(1, 1, 4, { pixels: Uint8Array.of(9, 8, 7, 254) }), "a"))).toContain("transparent");
    expect(await refusal(decodePng(pngFile(1, 1, 1, { pixels: Uint8Array.of(2), palette }), "a"))).toContain("no colour 2");
  });

  it("checks sizes before it unpacks, and refuses what it does not read", async () => {
    const huge = pngFile(2, 2, 3);
    new DataView(huge.buffer).setUint32(16, 0x7fffffff);
    expect(await refusal(decodePng(huge, "a"))).toContain("2147483647 x 2 pixels");
    const wide = pngFile(2, 2, 3);
    new DataView(wide.buffer).setUint32(16, 3);
    expect(await refusal(decodePng(wide, "a"))).toContain("bytes of pixels");
    expect(await refusal(decodePng(pngFile(1, 1, 1, { depth: 16 }), "a"))).toContain("16 bits");
    expect(await refusal(decodePng(pngFile(1, 1, 1, { interlaced: 1 }), "a"))).toContain("interlaced");
    expect(await refusal(decodePng(pngFile(4, 4, 3).subarray(0, 60), "a"))).toContain("damaged");
  });
});

describe("jpeg", () => {
  it("gives the colours that were written, to a few steps", () => {
    const { width, height, channels, values } = decodeJpeg(jpegFile(16, 16), "a");
    expect([width, height, channels]).toEqual([16, 16, 3]);
    for (let pixel = 0; pixel < 256; pixel++) {
      const wanted = [8 * (pixel % 16), 100, 8 * Math.floor(pixel / 16)];
      wanted.forEach((value, channel) => expect(Math.abs(values[3 * pixel + channel]! - value)).toBeLessThan(10));
    }
  });

  it("checks sizes before it decodes", () => {
    const huge = jpegFile(8, 8);
    const frame = huge.findIndex((byte, i) => byte === 0xff && huge[i + 1] === 0xc0);
    huge.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    expect(() => decodeJpeg(huge, "a")).toThrow("65535 x 65535");
    expect(() => decodeJpeg(jpegFile(8, 8).subarray(0, 30), "a")).toThrow(FormatError);
  });
});

describe("images", () => {
  it("takes one image of each class in turn, classes in alphabetical order, planes of colours one after the other", async () => {
    const files = smallImages();
    await writeFile(join(folder, "small.tar"), tarOf(files));
    const fromFolder = await read(await place(files));
    const fromTar = await read("small.tar");
    expect(fromTar.inputs).toEqual(fromFolder.inputs);
    expect([...fromTar.labels!]).toEqual([0, 1, 0]);
    expect(fromTar.classNames).toEqual(["cat", "dog"]);
    const pixels = somePixels(2, 2, 3);
    const expected = [0, 1, 2].flatMap((channel) => [0, 1, 2, 3].map((pixel) => Math.fround(pixels[3 * pixel + channel]! / 255)));
    expect(numbersOf(fromTar.inputs)).toEqual([...new Array<number>(12).fill(0), ...new Array<number>(12).fill(1), ...expected]);
    expect([...(await read("small.tar", { limit: 2 })).labels!]).toEqual([0, 1]);
  });

  it("chooses folders train and test by the split", async () => {
    const deep = "x".repeat(120);
    const files = new Map([[`set/train/a/${deep}.png`, pngFile(1, 1, 1)], ["set/test/a/1.png", pngFile(1, 1, 1)], ["set/test/b/1.png", pngFile(1, 1, 1)]]);
    await writeFile(join(folder, "splits.tar"), tarOf(files));
    for (const inputs of ["splits.tar", await place(files)]) {
      expect((await read(inputs)).inputs.count).toBe(1);
      expect((await read(inputs, { split: "test" })).inputs.count).toBe(2);
      expect((await read(inputs, { split: "all" })).inputs.count).toBe(3);
      expect(await refusal(read(inputs, { fracTrain: 0.5 }))).toContain("splits of their own");
    }
  });

  it("has no labels without class folders", async () => {
    const set = await read(await place(new Map([["a.png", pngFile(1, 1, 1)], ["b.jpg", jpegFile(8, 8)]])), { limit: 1 });
    expect([set.labels, set.inputs.count]).toEqual([null, 1]);
  });

  it("refuses what fits badly", async () => {
    expect(await refusal(read(await place(new Map([["a/1.png", pngFile(2, 2, 3)], ["b/1.png", pngFile(2, 3, 3)]]))))).toContain("one size");
    expect(await refusal(read(await place(new Map([["a/1.png", pngFile(2, 2, 3)], ["1.png", pngFile(2, 2, 3)]]))))).toContain("outside class folders");
    expect(await refusal(read(await place(new Map([["a/1.txt", Uint8Array.of(1)]]))))).toContain("no PNG or JPEG");
    expect(await refusal(read(await place(new Map([["a/1.png", Uint8Array.of(1, 2, 3)]]))))).toContain("neither PNG nor JPEG");
    await writeFile(join(folder, "no.tar"), Buffer.alloc(2048, 1));
    expect(await refusal(read("no.tar"))).toContain("no readable tar");
    await writeFile(join(folder, "cut.tar"), tarOf(smallImages()).subarray(0, 600));
    expect(await refusal(read("cut.tar"))).toContain("ends beyond the file");
  });

  it("is cancelled between images", async () => {
    let left = 2;
    const checkCancelled = (): void => { if (--left < 0) throw new Error("cancelled"); };
    await expect(readDataSet({ kind: "images", inputs: "small.tar" }, folder, undefined, undefined, { checkCancelled })).rejects.toThrow("cancelled");
  });

  const cifar = sharedData("cifar10", "cifar10_jpg_test.tar");
  it.skipIf(cifar === null)("reads CIFAR-10 from its archive (skipped without the shared data)", async () => {
    const set = await read(cifar!, { limit: 20 });
    expect(set.inputs).toMatchObject({ count: 20, width: 3072 });
    expect([...set.labels!]).toEqual([...Array(20).keys()].map((i) => i % 10));
    expect(set.classNames).toEqual(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]);
  });
});
