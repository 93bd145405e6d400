/** @file Chooses between exact edges and edges from random signs over the output positions, where an analysis allows the latter. */

import type { Section } from "../../network/section";
import { edgesByVjp } from "../edges/squaredEdges";
import { edgeSources, type EdgeDraws } from "../sources/randomSources";
import { featuresOfOutput } from "../sources/sourceChunks";
import { closedPlan, planSection, times } from "./planSection";
import { closedFormCost, drawnClosedCost, drawnGeneralCost, generalCost, type EdgeWork } from "./sectionCost";
import type { EdgesTask, SectionPlan } from "./sectionPlan";

type EdgePlan = Pick<SectionPlan, "path" | "edges">;

/** Signs add noise: exact edges may need this many times as many multiplications and are still preferred. */
const worthOfExactness = 4;

/** @param draws null: exact edges only */
export function planEdges(section: Section, work: EdgeWork, draws: EdgeDraws | null): EdgePlan {
  const exact = planSection(section, work);
  if (draws === null) return exact;
  const exactCost = Math.min(closedFormCost(section.structure, work) ?? Infinity, generalCost(section, work));
  const [closed, general] = [drawnClosedPlan(section, work, draws), drawnGeneralPlan(section, work, draws)];
  const drawn = closed && closed.cost <= general.cost ? closed : general;
  const ratio = exactCost / drawn.cost;
  if (!(ratio > worthOfExactness)) return { ...exact, path: `${exact.path}; exact, because random signs would not save ${worthOfExactness} times the multiplications` };
  return { edges: drawn.edges, path: `${drawn.path}, because exact edges need about ${times(ratio)} more multiplications` };
}

interface CostedPlan extends EdgePlan { readonly cost: number }

/** Sums over positions in closed form; null for a structure that has none. */
function drawnClosedPlan(section: Section, work: EdgeWork, draws: EdgeDraws): CostedPlan | null {
  const plan = closedPlan(section);
  const cost = drawnClosedCost(section.structure, work, draws.count);
  const { drawnEdges } = plan ?? {};
  if (!plan || !drawnEdges || cost === null) return null;
  return { cost, path: `${plan.path}, summed over positions with ${signs(draws)}`, edges: (task) => drawnEdges(task, draws) };
}

function drawnGeneralPlan(section: Section, work: EdgeWork, draws: EdgeDraws): CostedPlan {
  return {
    cost: drawnGeneralCost(section, work, draws.count),
    path: `vector-Jacobian products of ${signs(draws)} over positions per feature`,
    edges: (task: EdgesTask) => edgesByVjp(task, edgeSources(section.engine, featuresOfOutput(section, task.nextC), draws)),
  };
}

const signs = ({ count }: EdgeDraws): string => `${count} draw${count === 1 ? "" : "s"} of random signs`;
