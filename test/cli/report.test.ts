import { describe, expect, it } from "vitest";
import { reportHtml } from "../../server/src/cli/report/report";
import { escaped, svgText } from "../../server/src/figures/mark";
import { spectraFigure } from "../../server/src/figures/spectra";
import { sparkline, table } from "../../server/src/cli/terminal";
import type { ResultMetadata } from "../../server/src/protocol/result";

const nasty = '<script>alert("x")</script>';

const metadata: ResultMetadata = {
  format: "lib-lens-result", version: 1, key: "0".repeat(64), algorithmVersion: 1, createdAt: "2026-01-01T00:00:00.000Z", complete: true,
  model: { path: `/m/${nasty}.pt`, sha256: "", family: nasty, parameters: 5 }, spec: { model: "m", data: { kind: "npz" } },
  backend: { name: "cpu", description: nasty }, precision: "float32", samples: 2, seconds: 1, phases: {},
  layers: [
    { index: 0, name: `"${nasty}`, dimension: 3, kept: 3, lambda: [4, 2, 1], gramEigenvalues: [1, 1, 1], gramRank: 3 },
    { index: 1, name: "output", dimension: 2, kept: 0, lambda: [], gramEigenvalues: [], gramRank: 0 },
  ],
  sections: [{ index: 0, from: nasty, to: "output", shape: [2, 3], total: 3, edges: { source: [1, 0, 2], target: [0, 1, 1], weight: [2, 9, 1] }, truncated: { count: 0, largest: 0 } }],
  notes: [nasty],
};

describe("the report", () => {
  const html = reportHtml(metadata, `/r/${nasty}`);

  it("carries nothing from the file as markup", () => {
    expect(html).not.toContain("<script");
    expect(html).toContain("&lt;script&gt;");
    expect(html).toContain("default-src 'none'");
  });

  it("draws the figures of the command line, without a word of their own around them", () => {
    const spectra = spectraFigure(metadata.layers, true, 912);
    for (const mark of spectra.marks) expect(html).toContain(svgText(mark));
    expect(html.split(escaped(spectra.hint))).toHaveLength(2);
    expect(html).not.toContain("<?xml");
  });

  it("draws one line per interaction, without the constant, to outputs that are one node, and closes every tag", () => {
    const graph = html.slice(html.indexOf("Interaction graph</h2>"), html.indexOf("Spectra</h2>"));
    expect(graph.match(/<path class="line ms0"/g)).toHaveLength(2);
    expect(graph.match(/<circle /g)).toHaveLength(3);
    for (const tag of ["table", "tr", "td", "svg", "section", "figure", "dl"]) {
      expect(html.match(new RegExp(`<${tag}[ >]`, "g"))?.length ?? 0).toBe(html.match(new RegExp(`</${tag}>`, "g"))?.length ?? 0);
    }
  });
});

describe("text for terminals", () => {
  it("aligns columns and falls along a spectrum", () => {
    expect(table([["a", "1"], ["bbb", "22"]], [1])).toBe("a     1\nbbb  22");
    expect(sparkline([1, 1e-3, 1e-6])).toBe("█▅▁");
    expect(sparkline([])).toBe("");
    expect(sparkline(Array.from({ length: 500 }, () => 1))).toHaveLength(32);
  });
});
