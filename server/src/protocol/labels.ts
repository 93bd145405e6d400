/** @file What features respond to: labels, and how a feature depends on a grouping of the data (method sections 4.6, 4.8). */

import type { BasisName } from "./result";

/** What labels speak of. */
export type LabelKind = "fourier" | "class" | "position" | "token";

/** A feature in one class, at one position, or on one token. */
export interface GroupMean {
  group: number;
  /** The token as text, where the data know it. */
  text?: string;
  /** Values that the mean is over. */
  count: number;
  mean: number;
  deviation: number;
}

export interface LabelledLayer {
  name: string;
  /** One per feature. */
  labels: string[];
  /** Share of a feature's energy in its strongest Fourier term, or of its variance that the grouping explains. */
  explained: number[];
  /** Per feature: every class or position, or the tokens where it is furthest from its mean; absent for Fourier terms. */
  profile?: GroupMean[][];
}

export interface LabelsAnswer { kind: LabelKind; layers: LabelledLayer[] }

/** What was found last in one basis. */
export interface FoundLabels { basis: BasisName; labels: LabelsAnswer }

/** Labels of the LIB features are kept in a text file beside the spec: where, or why they could not be. Those of other bases are for comparison. */
export interface KeptLabelsAnswer extends LabelsAnswer {
  /** URI of the file. */
  kept?: string;
  /** One sentence. */
  notKept?: string;
}
