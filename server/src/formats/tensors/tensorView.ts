/** @file A tensor as a strided view of a storage, checked before use and made dense on reading. */

import { FormatError, type DType, type TensorValues } from "../modelFile";
import { allocateValues, decodeElements, elementLanes, elementSize } from "./elements";

export interface TensorView {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Per axis, in elements; 0 for expanded axes. */
  readonly strides: readonly number[];
  /** First element, from the start of the storage. */
  readonly offset: number;
  readonly littleEndian: boolean;
}

const maximumAxes = 64;
/** Node 20 holds no larger buffer. */
const largestTensorBytes = 2 ** 32 - 1;
/** Stride 0 lets one stored element stand for any number of them: past this many it is an attack, not a bias. */
const largestExpansion = 2 ** 24;

/** Number of elements. @throws FormatError unless the shape is a short list of non-negative integers with a safe product. */
export function elementCount(shape: readonly unknown[], where: string): number {
  if (shape.length > maximumAxes) throw new FormatError(`${where} claims ${shape.length} axes; at most ${maximumAxes} are possible, the file is damaged.`);
  let count = 1;
  let empty = false;
  for (const extent of shape) {
    if (typeof extent !== "number" || !Number.isSafeInteger(extent) || extent < 0) {
      throw new FormatError(`${where} has the impossible extent ${describe(extent)} in its shape; the file is damaged.`);
    }
    if (extent === 0) empty = true;
    else count *= extent;
    if (!Number.isSafeInteger(count)) throw new FormatError(`${where} claims more elements than any file can hold; the file is damaged.`);
  }
  return empty ? 0 : count;
}

/** Strides of a dense tensor, row-major, or column-major for Fortran order. */
export function denseStrides(shape: readonly number[], fortranOrder = false): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = 0; i < shape.length; i++) {
    const axis = fortranOrder ? i : shape.length - 1 - i;
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/**
 * @throws FormatError unless every element of the view lies inside a storage of `storageElements` elements and the
 *   view can be made dense in memory.
 */
export function checkView(view: TensorView, storageElements: number, where: string): void {
  const count = elementCount(view.shape, where);
  const validStrides = view.strides.length === view.shape.length && view.strides.every((s) => Number.isSafeInteger(s) && s >= 0);
  if (!validStrides || !Number.isSafeInteger(view.offset) || view.offset < 0) {
    throw new FormatError(`${where} has impossible strides or offset; the file is damaged.`);
  }
  if (count === 0) return;
  const end = view.offset + span(view);
  if (!(end <= storageElements)) {
    throw new FormatError(`${where} reaches to element ${end} of a storage of ${storageElements}; the file is damaged.`);
  }
  if (count > storageElements && count > largestExpansion) {
    throw new FormatError(`${where} expands ${storageElements} stored elements to ${count}; save it with .contiguous() or without the expansion.`);
  }
}

/**
 * The tensor's values, dense and row-major.
 * @param readBytes bytes of the storage: (offset, length) -> bytes
 * @throws FormatError when the tensor is too large for one array, or the storage is damaged.
 */
export async function readDense(
  view: TensorView, where: string, readBytes: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<TensorValues> {
  const count = elementCount(view.shape, where);
  if (count === 0) return allocateValues(view.dtype, 0);
  const size = elementSize(view.dtype);
  const elements = span(view);
  if (Math.max(elements, count) * Math.max(size, 4) > largestTensorBytes) {
    throw new FormatError(`${where} is larger than 4 GiB and cannot be held in one array; split it.`);
  }
  const stored = decodeElements(await readBytes(view.offset * size, elements * size), view.dtype, view.littleEndian);
  return isDense(view) ? stored : gather(stored, view, count);
}

/** Elements from the first to the last one used, both included. */
function span(view: TensorView): number {
  let last = 0;
  for (let axis = 0; axis < view.shape.length; axis++) last += (view.shape[axis]! - 1) * view.strides[axis]!;
  return last + 1;
}

function isDense(view: TensorView): boolean {
  const dense = denseStrides(view.shape);
  return view.shape.every((extent, axis) => extent === 1 || view.strides[axis] === dense[axis]);
}

function gather(stored: TensorValues, view: TensorView, count: number): TensorValues {
  const lanes = elementLanes(view.dtype);
  const out = allocateValues(view.dtype, count * lanes);
  const index = new Array<number>(view.shape.length).fill(0);
  let position = 0;
  for (let i = 0; i < count; i++) {
    for (let lane = 0; lane < lanes; lane++) out[i * lanes + lane] = stored[position * lanes + lane]!;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      position += view.strides[axis]!;
      if (++index[axis]! < view.shape[axis]!) break;
      position -= view.strides[axis]! * view.shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

function describe(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? String(value) : `(${typeof value})`;
}
