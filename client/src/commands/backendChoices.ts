/** @file What the list of compute backends says: those that work first, each with what it is, how fast it is and why it does (not) work. */

import type { BackendStatus } from "../../../server/src/protocol/requests";
import type { BackendName } from "../../../server/src/protocol/result";
import type { BackendChoice } from "../settings";

export interface BackendOption {
  choice: BackendChoice;
  available: boolean;
  label: string;
  description: string;
  /** Short: the list cuts off what does not fit on one line. */
  detail: string;
  /** All that is known, what to do included. */
  reason: string;
}
export interface BackendGroup { title: string; options: BackendOption[] }

const kinds: Record<BackendName, string> = {
  tensorflow: "native TensorFlow",
  webgpu: "graphics card, float32 only",
  wasm: "WebAssembly",
  cpu: "plain JavaScript, slow: the reference",
};

/** The backend that "auto" takes for an analysis in float32; null when none works. */
export function automaticBackend(statuses: readonly BackendStatus[]): BackendName | null {
  return statuses.find(({ available }) => available)?.name ?? null;
}

/** @param statuses of every backend, best first */
export function backendChoices(statuses: readonly BackendStatus[], current: BackendChoice): BackendGroup[] {
  const option = ({ name, available, reason, gflops }: BackendStatus): BackendOption => ({
    choice: name, available, label: name, description: [kinds[name], ...speed(gflops), ...mark(name, current)].join(" · "), detail: inShort(reason, available), reason,
  });
  const automatic = automaticBackend(statuses);
  const groups: BackendGroup[] = [
    {
      title: "",
      options: [{
        choice: "auto", available: automatic !== null, label: "auto",
        description: [automatic === null ? "nothing works here" : `takes ${automatic} here`, ...mark("auto", current)].join(" · "),
        detail: "The first one that works; the next one if it fails in a run",
        reason: statuses.map(({ name, reason }) => `${name}: ${reason}`).join(" "),
      }],
    },
    { title: "work on this machine", options: statuses.filter(({ available }) => available).map(option) },
    { title: "do not work on this machine", options: statuses.filter(({ available }) => !available).map(option) },
  ];
  return groups.filter(({ options }) => options.length > 0);
}

/** A reason says first what computes, then, after a comma, how; or first what is wrong, then, after a colon, what to do. */
const inShort = (reason: string, available: boolean): string => reason.split(available ? ", " : /: |\.$/)[0]!;

const mark = (name: BackendChoice, current: BackendChoice): string[] => (name === current ? ["current"] : []);

/** Slow ones differ behind the decimal point, fast ones do not. */
const speed = (gflops: number | null): string[] => (gflops === null ? [] : [`${gflops < 10 ? gflops.toFixed(1) : gflops.toFixed(0)} GFLOP/s`]);
