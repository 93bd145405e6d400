/** @file A result as one static HTML file: no script, no request, readable years later. */

import { basename } from "node:path";
import { svgPicture } from "../../figures/drawing";
import { graphFigure } from "../../figures/graph";
import { escaped } from "../../figures/mark";
import { spectraFigure } from "../../figures/spectra";
import { count, number, percent } from "../../figures/words";
import type { ModuleNumbers } from "../../protocol/ablation";
import type { LayerSummary, ResultMetadata, SectionSummary } from "../../protocol/result";
import { style } from "./style";

/** Pixels for a figure beside the margins of the page. */
const figureWidth = 912;

/** @param write writes a text file; `resultFile` is named in the report. */
export async function writeReport(
  file: string, metadata: ResultMetadata, resultFile: string, write: (file: string, text: string) => Promise<void>,
): Promise<void> {
  await write(file, reportHtml(metadata, resultFile));
}

export function reportHtml(metadata: ResultMetadata, resultFile: string): string {
  const { model, evaluation, layers, sections } = metadata;
  const name = basename(model.path);
  const facts = [
    ["Network", `${model.family}, ${count(model.parameters)} parameters`],
    ["Samples", count(metadata.samples)],
    ...(evaluation ? [[evaluation.metric === "accuracy" ? "Accuracy" : "Cross-entropy", `${evaluation.base.toFixed(4)} on ${count(evaluation.samples)} samples`]] : []),
    ["Computed", `${metadata.createdAt.slice(0, 16).replace("T", " ")} UTC in ${metadata.seconds.toFixed(1)} s, ${metadata.backend.description}`],
    ["Result", resultFile],
  ] as const;
  const spectra = spectraFigure(layers, isCentred(metadata), figureWidth);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(name)} · LIB Lens</title>
<style>${style}</style>
</head>
<body>
<header><p class="product">LIB Lens</p><h1>${escaped(name)}</h1></header>
<dl>${facts.map(([term, text]) => `<dt>${escaped(term)}</dt><dd>${escaped(text)}</dd>`).join("")}</dl>
<h2>Interaction graph</h2>
<p>One column per node layer, features by importance from the top; a line is an interaction, wider where it is stronger. The constant feature is left out, outputs that were not rotated are one node, and of wide layers the most important features are drawn.</p>
<figure tabindex="0">${svgPicture(graphFigure(metadata, oneModule(metadata), ""))}</figure>
<h2>Spectra</h2>
<p>${escaped(spectra.hint)}</p>
<figure tabindex="0">${svgPicture(spectra)}</figure>
<h2>Node layers</h2>
${layerTable(layers)}
<h2>Strongest interactions</h2>
${sections.map(sectionTable).join("\n")}
${metadata.notes.length > 0 ? `<h2>Notes</h2><ul>${metadata.notes.map((note) => `<li>${escaped(note)}</li>`).join("")}</ul>` : ""}
<footer>Features are directions of the Local Interaction Basis; importance is the mean squared activation of a feature.</footer>
</body>
</html>
`;
}

const isCentred = ({ spec }: ResultMetadata): boolean => spec.basis?.center !== false;

/** All features but the constant ones together, so that they stand by importance. */
function oneModule(metadata: ResultMetadata): ModuleNumbers {
  const constant = isCentred(metadata) ? [-1] : [];
  return { modularity: 0, edgesInside: 1, layers: metadata.layers.map(({ kept }) => (kept === 0 ? [0] : [...constant, ...Array.from({ length: kept - constant.length }, () => 0)])) };
}

function layerTable(layers: readonly LayerSummary[]): string {
  const counted = layers.some(({ needed }) => needed !== undefined);
  const rows = layers.map((layer) => `<tr><th scope="row">${escaped(layer.name)}</th><td>${layer.dimension}</td><td>${layer.kept > 0 ? layer.kept : "not rotated"}</td>`
    + `${counted ? `<td>${layer.needed ?? ""}</td>` : ""}<td>${layer.gramRank > 0 ? layer.gramRank : ""}</td></tr>`);
  return tableOf(["Layer", "Width", "Features kept", ...(counted ? ["Needed for the score"] : []), "Rank of the activations"], rows);
}

const tableOf = (columns: readonly string[], rows: readonly string[]): string => (
  `<div class="table" tabindex="0"><table><thead><tr>${columns.map((title) => `<th scope="col">${title}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
);

/** Interactions listed per section. */
const listed = 10;

function sectionTable(section: SectionSummary): string {
  const { source, target, weight } = section.edges;
  const rows: string[] = [];
  for (let i = 0; i < weight.length && rows.length < listed; i += 1) {
    if (source[i] === 0) continue;
    const share = section.total > 0 ? percent(weight[i]! / section.total) : "";
    rows.push(`<tr><td>${source[i]}</td><td>${target[i]}</td><td>${number(weight[i]!)}</td><td>${share}</td></tr>`);
  }
  return `<h3>${escaped(section.from)} → ${escaped(section.to)}</h3>${tableOf(["From feature", "To feature", "Strength", "Share"], rows)}`;
}
