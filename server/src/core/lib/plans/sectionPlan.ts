/** @file What every way to compute a section's Jacobian Gram and edges receives and gives. */

import type { Matrix } from "../../linalg/matrix";
import type { Section } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import type { IntegrationPoint } from "../sources/integration";
import type { EdgeDraws } from "../sources/randomSources";
import type { LayerActivations } from "../statistics/activationSource";

interface SectionTask {
  readonly section: Section;
  /** Activations f at the section's input. */
  readonly activations: LayerActivations;
  readonly points: readonly IntegrationPoint[];
  /** C of the section's output layer [d', r']; null: the components themselves. */
  readonly nextC: Matrix | null;
  /** Bytes that the temporary tensors of one chunk may take. */
  readonly memoryBudget: number;
  /** Throws when the run was cancelled; call it at least about every 50 ms of work. */
  checkCancelled(): void;
  /** Fraction done of this task. */
  progress(fraction: number): void;
}

export interface JacobianGramTask extends SectionTask {
  /** Activations of the section's output, only where an earlier pass kept them. */
  readonly outputs?: LayerActivations | null;
}

export interface EdgesTask extends SectionTask {
  /** Features of the section's input layer. */
  readonly features: FeatureMap;
}

/** One exact way to compute a section. */
export interface SectionPlan {
  /** The way and why it was taken, for the log and the layer's summary. */
  readonly path: string;
  /** M' [d, d], method section 2.4. */
  jacobianGram(task: JacobianGramTask): Promise<Matrix>;
  /** A [d, k] with M' = A A^T where k is less than half of d: the eigenproblem of M' is then one of size k. */
  gramFactor?(task: JacobianGramTask): Promise<Matrix>;
  /** E [r', r], method section 3.1. */
  edges(task: EdgesTask): Promise<Matrix>;
  /** E [r', r] from random signs over the output positions, method section 3.2; the same numbers as the general path's from the same draws. */
  drawnEdges?(task: EdgesTask, draws: EdgeDraws): Promise<Matrix>;
}
