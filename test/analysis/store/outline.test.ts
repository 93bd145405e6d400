import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeEdges } from "../../../client/src/readResult";
import { AnalysisService } from "../../../server/src/analysis/analysisService";
import { outlineOf, outlinedFeatures, outlinedPartners } from "../../../server/src/analysis/store/outline";
import type { ResultMetadata } from "../../../server/src/protocol/result";
import { bundle } from "../bundles";
import { tinyAnalysis } from "../fixtures";

let bundles = "";
let file = "";
let folder = "";
let metadata: ResultMetadata;
let host: AnalysisService;
beforeAll(async () => {
  bundles = await bundle(["worker"]);
  const { spec, folder: into } = await tinyAnalysis();
  folder = into;
  host = new AnalysisService({ workerFile: join(bundles, "worker.js"), backend: () => "wasm", lookUp: "worker" });
  const done = new Promise<string>((resolve) => host.onEvent((event) => void (event.kind === "done" && resolve(event.file))));
  host.start({ spec });
  file = await done;
  metadata = await host.metadata(file);
});
afterAll(async () => {
  await host.dispose();
  await rm(bundles, { recursive: true, force: true });
});

describe("the outline of a result", () => {
  it("holds, of the most important features, exactly the strongest edges that a walk over all edges finds", () => {
    for (const [index, { strongest }] of outlineOf(metadata).sections.entries()) {
      const { source, target, weight } = metadata.sections[index]!.edges;
      const all = source.map((from, at) => ({ from, to: target[at]!, weight: weight[at]! }));
      const kept = strongest.source.map((from, at) => ({ from, to: strongest.target[at]!, weight: strongest.weight[at]! }));
      expect(kept.length).toBeGreaterThan(0);
      for (let feature = 1; feature <= outlinedFeatures; feature += 1) {
        const expected = all.filter(({ from, to }) => from === feature && to !== 0).sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, outlinedPartners);
        expect(kept.filter(({ from }) => from === feature)).toEqual(expected);
      }
      expect(kept.every(({ from }) => from >= 1 && from <= outlinedFeatures)).toBe(true);
    }
  });

  it("is the same read by a worker and here, and makes the whole result together with the edges", async () => {
    const outline = await host.outline(file);
    expect(outline).toEqual(outlineOf(metadata));
    expect(outline).toEqual(await new AnalysisService({ workerFile: join(bundles, "absent.js") }).outline(file));
    expect((await host.results([folder])).map(({ metadata: listed }) => listed)).toEqual([outline]);
    for (const { index, edges } of metadata.sections) expect(decodeEdges((await host.edges(file, index))!)).toEqual(edges);
    expect(await host.edges(file, metadata.sections.length)).toBeNull();
  });

  it("of a file that is no result is refused in one sentence, and the reading goes on", async () => {
    const other = join(bundles, "worker.js");
    await expect(host.outline(other)).rejects.toThrow(other);
    await expect(host.edges(other, 0)).rejects.toThrow(other);
    expect((await host.outline(file)).key).toBe(metadata.key);
  });
});
