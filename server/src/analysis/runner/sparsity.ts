/** @file How sparsely the features of a stored result interact, in every basis asked for (method section 4.4). */

import { edgeSparsity } from "../../core/lib/edges/sparsity";
import type { BasisName } from "../../protocol/result";
import type { SectionSparsity, SparsityAnswer, SparsityRequest } from "../worker/messages";
import { edgeCurves, signalsFor, type Context } from "./ablationCurves";
import type { AblationSession } from "./ablationSession";

/** @throws InputError as an ablation does, when edges required are asked for. */
export async function resultSparsity(session: AblationSession, request: SparsityRequest, context: Context): Promise<SparsityAnswer> {
  const answer: SparsityAnswer = { bases: {} };
  for (const [place, basis] of request.bases.entries()) {
    const share = (fraction: number): number => (place + fraction) / request.bases.length;
    const shared: Context = {
      checkCancelled: () => context.checkCancelled(),
      emit: (event) => context.emit(event.kind === "phase" ? { ...event, fraction: share(event.fraction), overall: share(event.overall), detail: `${basis} ${event.detail}` } : event),
    };
    answer.bases[basis] = await ofBasis(session, basis, request, shared, answer);
  }
  return answer;
}

async function ofBasis(
  session: AblationSession, basis: BasisName, request: SparsityRequest, context: Context, answer: SparsityAnswer,
): Promise<SectionSparsity[]> {
  const { network, metadata } = session;
  const required = request.required ? await edgeCurves(session, { ...request.required, kind: "ablate-edges", basis, run: request.run, file: request.file, compute: request.compute }, context) : null;
  if (required) Object.assign(answer, { metric: required.metric, tolerance: required.tolerance, base: required.base });
  const signals = signalsFor(request.run, 1, context);
  const hasConstant = basis === "neuron" || (metadata.spec.basis?.center ?? true);
  const sections: SectionSparsity[] = [];
  for (const { index, from, to } of network.sections) {
    const edges = await session.edges(index, basis, signals(0, from));
    const [input, output] = [network.nodeLayers[index], network.nodeLayers[index + 1]];
    const constant = { input: hasConstant, output: hasConstant && session.ordered(index + 1, basis) !== null };
    const possible = (input.width - Number(constant.input)) * (output.width - Number(constant.output));
    sections.push({
      from, to,
      required: required?.required[from] ?? null,
      requiredFraction: required ? required.required[from]! / required.total[from]! : null,
      ...edgeSparsity(edges, constant, possible),
    });
  }
  return sections;
}
