/**
 * @file Ablations of stored results, each computed once, whoever asks: command line, figures and views share the file beside the result. Finished
 * curves are kept there as they come, the answer when the ablation ends.
 */

import type { AblationCurve, AblationTarget } from "../protocol/ablation";
import type { RunEvent } from "../protocol/events";
import { addAnswer, addCurves, readAblation, type AblationAnswers } from "./store/ablationFile";
import { canonical } from "./store/resultKey";
import type { AblationOptions } from "./worker/messages";

export class Ablations {
  /** @param keyOf key of the result in a file */
  constructor(private readonly keyOf: (file: string) => Promise<string>) {}

  /** Curves with the usual schedule, tolerance and metric, which are comparable. @throws FormatError for a damaged file. */
  async curves(file: string): Promise<AblationCurve[]> {
    return (await readAblation(file, await this.keyOf(file))).curves;
  }

  /**
   * The answer to one ablation and whether it was stored; a stored one of the usual options sends its curves as events, without the name of a run.
   * @param work computes it @param force also when it is stored
   */
  async answer<W extends AblationTarget>(
    what: W, file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, work: (watch: (event: RunEvent) => void) => Promise<AblationAnswers[W]>,
    force = false,
  ): Promise<{ answer: AblationAnswers[W]; stored: boolean }> {
    const key = await this.keyOf(file);
    const question = questionOf(options);
    const known = await readAblation(file, key).catch(() => null);
    const found = force ? undefined : known?.answers.find((one) => one.what === what && one.question === question);
    if (known && found) {
      if (isUsual(options)) for (const curve of known.curves) if (curve.what === what && curve.basis === options.basis) onEvent({ kind: "curve", run: "", file, curve });
      return { answer: found.answer as AblationAnswers[W], stored: true };
    }
    let kept = Promise.resolve();
    try {
      const answer = await work((event) => {
        onEvent(event);
        if (event.kind === "curve" && isUsual(options)) kept = kept.then(() => addCurves(file, key, [event.curve]));
      });
      kept = kept.then(() => addAnswer(file, key, { what, question, answer }));
      return { answer, stored: false };
    } finally {
      // Also of an ablation that is cancelled later.
      await kept;
    }
  }
}

/** Everything that an ablation's numbers depend on besides the result, the same however it is written. */
function questionOf({ basis, tolerance, metric, schedule }: AblationOptions): string {
  return canonical({ basis, tolerance, metric, schedule: schedule ?? {} });
}

/** Without a schedule, tolerance or metric of the user's own. */
const isUsual = ({ tolerance, metric, schedule }: AblationOptions): boolean =>
  Object.keys(schedule ?? {}).length === 0 && metric === undefined && tolerance === undefined;
