/** @file How sparsely the features of a stored result interact, in every basis asked for (method section 4.4). */

import { edgeSparsity } from "../../core/lib/edges/sparsity";
import type { BasisName } from "../../protocol/result";
import type { AblateEdgesAnswer, SectionSparsity, SparsityAnswer, SparsityRequest } from "../worker/messages";
import { signalsFor, type Context } from "./ablationCurves";
import type { AblationSession } from "./ablationSession";

export async function resultSparsity(session: AblationSession, { run, bases, required }: SparsityRequest, context: Context): Promise<SparsityAnswer> {
  const answer: SparsityAnswer = { bases: {} };
  const { sections } = session.network;
  const signals = signalsFor(run, bases.length * sections.length, context);
  for (const [place, basis] of bases.entries()) {
    const ablated = required?.[basis] ?? null;
    if (ablated) Object.assign(answer, { metric: ablated.metric, tolerance: ablated.tolerance, base: ablated.base });
    answer.bases[basis] = await ofBasis(session, basis, ablated, (index, name) => signals(place * sections.length + index, `${basis} ${name}`));
  }
  return answer;
}

async function ofBasis(
  session: AblationSession, basis: BasisName, ablated: AblateEdgesAnswer | null, signals: ReturnType<typeof signalsFor>,
): Promise<SectionSparsity[]> {
  const { network, metadata } = session;
  const hasConstant = basis === "neuron" || (metadata.spec.basis?.center ?? true);
  const sections: SectionSparsity[] = [];
  for (const { index, from, to } of network.sections) {
    const edges = await session.edges(index, basis, signals(index, from));
    const [input, output] = [network.nodeLayers[index], network.nodeLayers[index + 1]];
    const constant = { input: hasConstant, output: hasConstant && session.rotated(index + 1, basis) };
    const possible = (input.width - Number(constant.input)) * (output.width - Number(constant.output));
    sections.push({
      from, to,
      required: ablated?.required[from] ?? null,
      requiredFraction: ablated ? ablated.required[from]! / ablated.total[from]! : null,
      ...edgeSparsity(edges, constant, possible),
    });
  }
  return sections;
}
