/** @file A result as one static HTML file: no script, no request, readable years later. */

import { basename } from "node:path";
import type { LayerSummary, ResultMetadata, SectionSummary } from "../../protocol/result";
import { graphSvg, shownFeatures } from "./graphSvg";
import { escape } from "./html";
import { spectrumSvg } from "./spectrumSvg";
import { style } from "./style";

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
    ["Network", `${model.family}, ${model.parameters.toLocaleString("en")} parameters`],
    ["Samples", metadata.samples.toLocaleString("en")],
    ...(evaluation ? [[evaluation.metric === "accuracy" ? "Accuracy" : "Cross-entropy", `${evaluation.base.toFixed(4)} on ${evaluation.samples.toLocaleString("en")} samples`]] : []),
    ["Computed", `${metadata.createdAt.slice(0, 16).replace("T", " ")} UTC in ${metadata.seconds.toFixed(1)} s, ${metadata.backend.description}`],
    ["Result", resultFile],
  ] as const;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(name)} · LIB Lens</title>
<style>${style}</style>
</head>
<body>
<header><p class="product">LIB Lens</p><h1>${escape(name)}</h1></header>
<dl>${facts.map(([term, text]) => `<dt>${escape(term)}</dt><dd>${escape(text)}</dd>`).join("")}</dl>
<h2>Interaction graph</h2>
<p>One column per node layer, features by importance from the top; a line is an interaction, wider where it is stronger. The constant feature is left out, and of wide layers the first ${shownFeatures} features are drawn.</p>
<figure>${graphSvg(metadata)}</figure>
<h2>Node layers</h2>
${layerTable(layers)}
<h2>Strongest interactions</h2>
${sections.map(sectionTable).join("\n")}
${metadata.notes.length > 0 ? `<h2>Notes</h2><ul>${metadata.notes.map((note) => `<li>${escape(note)}</li>`).join("")}</ul>` : ""}
<footer>Features are directions of the Local Interaction Basis; importance is the mean squared activation of a feature.</footer>
</body>
</html>
`;
}

function layerTable(layers: readonly LayerSummary[]): string {
  const counted = layers.some(({ needed }) => needed !== undefined);
  const rows = layers.map((layer) => `<tr><th scope="row">${escape(layer.name)}</th><td>${layer.dimension}</td><td>${layer.kept > 0 ? layer.kept : "not rotated"}</td>`
    + `${counted ? `<td>${layer.needed ?? ""}</td>` : ""}<td>${layer.gramRank > 0 ? layer.gramRank : ""}</td><td class="picture">${spectrumSvg(layer)}</td></tr>`);
  return `<table><thead><tr><th scope="col">Layer</th><th scope="col">Width</th><th scope="col">Features kept</th>${counted ? `<th scope="col">Needed for the score</th>` : ""}<th scope="col">Rank of the activations</th>`
    + `<th scope="col">Importance (logarithmic)</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** Three significant digits, as people write numbers. */
function number(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(2) : value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** Interactions listed per section. */
const listed = 10;

function sectionTable(section: SectionSummary): string {
  const { source, target, weight } = section.edges;
  const rows: string[] = [];
  for (let i = 0; i < weight.length && rows.length < listed; i += 1) {
    if (source[i] === 0) continue;
    const share = section.total > 0 ? `${((100 * weight[i]!) / section.total).toFixed(1)} %` : "";
    rows.push(`<tr><td>${source[i]}</td><td>${target[i]}</td><td>${number(weight[i]!)}</td><td>${share}</td></tr>`);
  }
  return `<h3>${escape(section.from)} → ${escape(section.to)}</h3><table><thead><tr><th scope="col">From feature</th><th scope="col">To feature</th>`
    + `<th scope="col">Strength</th><th scope="col">Share</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}
