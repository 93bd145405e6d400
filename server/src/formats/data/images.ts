/** @file Images in class folders (airplane/0001.jpg, ...), on disk or inside a tar archive that is read in place. */

import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { DataSpec } from "../../protocol/spec";
import type { ByteSource } from "../bytes/byteSource";
import { withFile } from "../bytes/fileSource";
import { readWhole } from "../bytes/readWhole";
import { decodeJpeg, looksLikeJpeg } from "../images/jpeg";
import type { Pixels } from "../images/pixels";
import { decodePng, looksLikePng } from "../images/png";
import { tarEntries } from "../images/tarArchive";
import { FormatError } from "../modelFile";
import { inputsPath, mostValues, sampleCount, type DataKindReader, type RawDataSet, type ReadSignals } from "./dataKind";
import { scaledVectors } from "./vectors";

const longestImage = 2 ** 24;
const mostImages = 2 ** 20;
const deepestFolder = 4;
const imageName = /\.(png|jpe?g)$/i;

interface ImageFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  read(): Promise<Uint8Array>;
}

/**
 * Field inputs: a folder or a tar archive. The class of an image is its folder, and classes are counted in alphabetical order; images without a
 * folder have no labels. Folders "train" and "test" are splits (train when absent). The samples take turns: the first image of every class,
 * then the second, so that `limit` keeps the classes balanced. Every image becomes one vector in the order channel, row, column, as a
 * flattened torchvision tensor; all have the same size, because resizing would be a choice of its own.
 */
export const images: DataKindReader = {
  async files(spec, baseFolder) {
    const path = inputsPath(spec, baseFolder);
    return await isFolder(path) ? (await filesOfFolder(path)).map((file) => join(path, file)) : [path];
  },
  async read(spec, baseFolder, signals) {
    const path = inputsPath(spec, baseFolder);
    if (await isFolder(path)) {
      const files = await filesOfFolder(path);
      return readImages(files.map((file) => ({ path: file, read: () => withFile(join(path, file), (source) => readWhole(source, longestImage)) })), path, spec, signals);
    }
    return withFile(path, (source) => readTar(source, spec, signals));
  },
};

/** The same over a tar archive from any source. */
export async function readTar(source: ByteSource, spec: DataSpec, signals: ReadSignals): Promise<RawDataSet> {
  const entries = await tarEntries(source, () => signals.checkCancelled());
  const files = entries.filter(({ name }) => imageName.test(name)).map(({ name, offset, size }) => ({
    path: name.replace(/^(\.?\/)+/, ""),
    read: () => {
      if (size > longestImage) throw new FormatError(`${source.name}: ${name} has ${size} bytes; images of at most ${longestImage} bytes are read.`);
      return source.read(offset, size);
    },
  }));
  return readImages(files, source.name, spec, signals);
}

async function readImages(all: readonly ImageFile[], where: string, spec: DataSpec, signals: ReadSignals): Promise<RawDataSet> {
  const { files, split } = ofSplit(all, spec);
  if (files.length === 0) throw new FormatError(`${where} holds no PNG or JPEG images${split === undefined ? "" : ` of the split "${split}"`}; name a folder of class folders, or a tar archive of one.`);
  const { order, classNames } = inTurns(files, where);
  const count = sampleCount(spec, order.length);
  let first: Pixels | null = null;
  let bytes = new Uint8Array(0);
  for (let sample = 0; sample < count; sample++) {
    signals.checkCancelled();
    const { path } = order[sample]!.file;
    const image = await decodeImage(await order[sample]!.file.read(), `${where}: ${path}`);
    if (first === null) {
      first = image;
      if (count * image.values.length > mostValues) throw new FormatError(`${where} holds ${count} images of ${image.values.length} values, more than fit into memory; set "limit".`);
      bytes = new Uint8Array(count * image.values.length);
    }
    if (describe(image) !== describe(first)) throw new FormatError(`${where}: ${path} has ${describe(image)}, but ${order[0]!.file.path} has ${describe(first)}; bring all images to one size first.`);
    planes(image, bytes.subarray(sample * image.values.length));
  }
  const inputs = scaledVectors(bytes, count, first!.values.length, true, spec, where);
  const labels = classNames === null ? null : Int32Array.from(order.slice(0, count), ({ label }) => label);
  return {
    inputs, labels, description: `${count} images, ${describe(first!)}, from ${where}`,
    ...(classNames === null ? {} : { classNames }), ...(split === undefined ? {} : { split }),
  };
}

/** Where some folder is called after a split, the images below it; else all. */
function ofSplit(all: readonly ImageFile[], spec: DataSpec): { files: readonly ImageFile[]; split?: DataSpec["split"] } {
  const splitOf = ({ path }: ImageFile): string | undefined => path.split("/").slice(0, -2).find((part) => part === "train" || part === "test");
  if (!all.some((file) => splitOf(file) !== undefined)) return { files: all };
  const said = new Set(all.map(splitOf));
  // With one split only there is nothing to choose, but a wrong wish is still refused.
  const split = spec.split ?? (said.size === 1 && said.has("test") ? "test" : "train");
  return { files: split === "all" ? all : all.filter((file) => splitOf(file) === split), split };
}

/** One image of each class after the other; null where the images lie in no folder. */
function inTurns(files: readonly ImageFile[], where: string): { order: readonly { file: ImageFile; label: number }[]; classNames: readonly string[] | null } {
  const folderOf = ({ path }: ImageFile): string => path.split("/").at(-2) ?? "";
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const classNames = [...new Set(sorted.map(folderOf))].sort();
  if (classNames.length > 1 && classNames[0] === "") throw new FormatError(`${where} holds images inside and outside class folders; move ${sorted.find((file) => folderOf(file) === "")!.path} into one.`);
  const ranks = new Map(classNames.map((name, label) => [name, label]));
  const turns = new Int32Array(classNames.length);
  const order = sorted.map((file) => {
    const label = ranks.get(folderOf(file))!;
    return { file, label, turn: turns[label]!++ };
  }).sort((a, b) => a.turn - b.turn || a.label - b.label);
  return { order, classNames: classNames[0] === "" ? null : classNames };
}

async function decodeImage(bytes: Uint8Array, name: string): Promise<Pixels> {
  if (looksLikePng(bytes)) return decodePng(bytes, name);
  if (looksLikeJpeg(bytes)) return decodeJpeg(bytes, name);
  throw new FormatError(`${name} is neither PNG nor JPEG, whatever its name says; remove or convert it.`);
}

/** Pixels with the channels beside each other -> one plane after the other. */
function planes({ values, channels }: Pixels, out: Uint8Array): void {
  const size = values.length / channels;
  for (let pixel = 0; pixel < size; pixel++) for (let channel = 0; channel < channels; channel++) out[channel * size + pixel] = values[pixel * channels + channel]!;
}

const describe = ({ width, height, channels }: Pixels): string => `${width} x ${height} pixels of ${channels} channel${channels === 1 ? "" : "s"}`;

/** Image files below a folder, from the root; links are not followed. */
async function filesOfFolder(root: string, folder = root, depth = 0): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < deepestFolder) found.push(...await filesOfFolder(root, path, depth + 1));
    else if (entry.isFile() && imageName.test(entry.name)) found.push(relative(root, path).split(sep).join("/"));
    if (found.length > mostImages) throw new FormatError(`${root} holds more than ${mostImages} images, more than are read.`);
  }
  return found.sort();
}

const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false);
