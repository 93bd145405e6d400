/** @file The stream of a run: worker -> server -> client -> view. The final state can be rebuilt from the events alone. */

import type { AblationCurve } from "./ablation";
import type { MatrixMessage } from "./requests";
import type { BackendName, BasisName, LayerSummary, SectionSummary } from "./result";

/** Phases in the order in which they run. */
export const phases = ["read", "means", "grams", "bases", "edges", "jacobians", "evaluate", "write"] as const;
export type PhaseName = (typeof phases)[number];

interface FromRun { run: string }

/** `task`: what the run does; an analysis when absent. `backend` computes, or has computed what the store answers. Comes again, with another backend, when one has failed and the next goes on from what is finished. */
export interface RunStarted extends FromRun {
  kind: "started";
  task?: "ablation";
  key: string;
  model: string;
  spec: string | null;
  backend: { name: BackendName; description: string };
  nodeLayers: { name: string; dimension: number }[];
  samples: number;
}
export interface RunPhase extends FromRun { kind: "phase"; phase: PhaseName; fraction: number; overall: number; detail: string; elapsedSeconds: number }
interface RunLayer extends FromRun { kind: "layer"; layer: LayerSummary }
interface RunSection extends FromRun { kind: "section"; section: SectionSummary }
/** The mean Jacobian of a section in one basis, when it is small enough for a message; a view of the run shows it before there is a result. */
interface RunJacobian extends FromRun { kind: "jacobian"; section: number; basis: BasisName; mean: MatrixMessage }
/** One finished curve of an ablation of the result `file`. */
export interface RunCurve extends FromRun { kind: "curve"; file: string; curve: AblationCurve }
interface RunNote extends FromRun { kind: "note"; message: string }
/** `cached`: answered from the store without computing. */
export interface RunDone extends FromRun { kind: "done"; key: string; file: string; seconds: number; phases: Record<string, number>; cached: boolean }
interface RunFailed extends FromRun { kind: "failed"; message: string }
interface RunCancelled extends FromRun { kind: "cancelled" }

export type RunEvent = RunStarted | RunPhase | RunLayer | RunSection | RunJacobian | RunCurve | RunNote | RunDone | RunFailed | RunCancelled;
