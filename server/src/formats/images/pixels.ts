/** @file A decoded image, and what every decoder refuses. */

import { FormatError } from "../modelFile";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: number;
  /** Row by row, the channels of a pixel beside each other. */
  readonly values: Uint8Array;
}

/** Larger images are no input of a network that is analysed whole. */
const longestSide = 4096;

/** @throws FormatError for sizes of zero or beyond 4096 pixels, before anything is decoded */
export function requireSize(width: number, height: number, name: string): void {
  if (width < 1 || height < 1 || width > longestSide || height > longestSide) {
    throw new FormatError(`${name} says that it has ${width} x ${height} pixels; images from 1 to ${longestSide} pixels wide and high are read.`);
  }
}

export const imageDamage = (name: string, what: string): FormatError => new FormatError(`${name} is damaged: ${what}; copy or download it again.`);
