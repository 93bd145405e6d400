/** @file Plans of the position-wise sections in token form: norms, MLPs behind a norm, gated MLPs. */

import type { Norm, NormMlp } from "../../../network/normStructure";
import type { SectionStructure } from "../../../network/sectionStructure";
import type { SectionPlan } from "../../plans/sectionPlan";
import { drawnTokenEdges } from "./drawnTokenEdges";
import { normForm, normMlpForm } from "./normForm";
import { gatedForm, type TokenForm } from "./tokenForm";
import { tokenGram } from "./tokenGram";
import { tokenMoments } from "./tokenMoments";

type TokenStructure = Norm | NormMlp | Extract<SectionStructure, { kind: "gated-mlp-skip" }>;

/** J of the structure at one token, [d, d']. */
export function tokenForm(structure: TokenStructure): TokenForm {
  switch (structure.kind) {
    case "norm": return normForm(structure);
    case "norm-mlp": return normMlpForm(structure);
    case "gated-mlp-skip": return gatedForm(structure);
  }
}

/** M' from the moments of the form (method section 2.10), E from the squares of its entries times the features (method section 3.6). */
export function tokenPlan(structure: TokenStructure): SectionPlan {
  const form = tokenForm(structure);
  return {
    path: describe(structure),
    jacobianGram: (task) => tokenGram(task, form),
    edges: async (task) => (await tokenMoments(task, form, "edges")).meanSquare,
    drawnEdges: (task, draws) => drawnTokenEdges(task, form, draws),
  };
}

function describe(structure: TokenStructure): string {
  if (structure.kind === "gated-mlp-skip") {
    return `closed form of a gated MLP with ${structure.activation.name} and a skip connection (moments of its slopes, no Jacobian per sample)`;
  }
  const norm = structure.norm.kind === "layer-norm" ? "layer norm" : "RMS norm";
  const part = { variance: `the first half of a ${norm}`, divide: `the second half of a ${norm}`, whole: `a ${norm}` }[structure.half];
  if (structure.kind === "norm") return `closed form of ${part} (a rank-one term per token)`;
  const gate = structure.up ? "a gated MLP" : "an MLP";
  return `closed form of ${part} and ${gate} with ${structure.activation.name} behind it (moments of its slopes, two rank-one terms per token)`;
}
