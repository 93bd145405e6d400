import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMatrix } from "../../client/src/matrixMessage";
import { readResult } from "../../client/src/readResult";
import { metadataField } from "../../server/src/analysis/store/resultFile";
import { writeSafetensors } from "../../server/src/formats/safetensors/writeSafetensors";
import { fixtureMetadata } from "./fixtureResult";
import { listedEdges } from "../../server/src/analysis/runner/summaries";
import type { RunEvent } from "../../server/src/protocol/events";
import { writeData, writeMlp, writeSpec } from "../analysis/fixtures";
import { Client, Workspace, buildServer } from "./client";

/**
 * Loaded into the server before its own code. Every few milliseconds it notes how long the server's thread itself was on a processor since
 * the last note: a turn of the event loop lies between two notes, and what other threads and processes do counts nothing.
 */
const hook = `
const { isMainThread } = require("node:worker_threads");
if (isMainThread && process.env.LIB_LENS_TEST_TURNS) {
  const fs = require("node:fs");
  const file = fs.openSync(\`/proc/\${process.pid}/task/\${process.pid}/schedstat\`, "r");
  const buffer = Buffer.alloc(128);
  const processor = () => Number(buffer.toString("latin1", 0, fs.readSync(file, buffer, 0, 128, 0)).split(" ")[0]) / 1e6;
  const turns = [];
  let last = processor();
  setInterval(() => {
    const now = processor();
    turns.push([Date.now(), now - last]);
    last = now;
  }, 2).unref();
  process.on("exit", () => fs.writeFileSync(process.env.LIB_LENS_TEST_TURNS, JSON.stringify(turns)));
}
`;

/** A server that keeps the notes of the hook, and the longest of them in spans of time once it has ended. */
async function watched(bundle: string, folder: string): Promise<{ client: Client; longestTurns(spans: readonly [began: number, ended: number][]): Promise<number[]> }> {
  const file = join(bundle, `turns-${basename(folder)}.json`);
  const client = await Client.start(bundle, { folder, env: { NODE_OPTIONS: `--require ${join(bundle, "hook.cjs")}`, LIB_LENS_TEST_TURNS: file } });
  return {
    client,
    async longestTurns(spans) {
      const turns = JSON.parse(await readFile(file, "utf8")) as [at: number, milliseconds: number][];
      return spans.map(([began, ended]) => {
        const during = turns.filter(([at]) => at >= began && at <= ended);
        expect(during.length).toBeGreaterThan(20);
        return Math.max(...during.map(([, milliseconds]) => milliseconds));
      });
    },
  };
}

/** Milliseconds of work that one turn of the server's event loop may take while a run is on. */
const longestTurn = 20;

describe.skipIf(!existsSync("/proc/self/schedstat"))("the event loop of the server (skipped where the kernel does not tell a thread's processor time)", () => {
  let bundle = "";
  beforeAll(async () => {
    bundle = await buildServer();
    await writeFile(join(bundle, "hook.cjs"), hook);
  });
  afterAll(() => rm(bundle, { recursive: true, force: true }));

  it("is free while a run streams layers and as many edges as it lists, and a client asks along the way", async () => {
    const workspace = await Workspace.create({ "train.py": "import torch\nstate = torch.load(\"model.safetensors\")\n" });
    await writeMlp(workspace.folder, [110, 110, 110, 10]);
    await writeData(workspace.folder, 300, 110, 10);
    const spec = await writeSpec(workspace.folder, {
      model: "model.safetensors", data: { kind: "safetensors", inputs: "data.safetensors", inputsName: "inputs", labelsName: "labels" },
    });
    const { client, longestTurns } = await watched(bundle, workspace.folder);
    const events: RunEvent[] = [];
    client.connection.onNotification("lib/run", (event: RunEvent) => void events.push(event));
    await client.connection.sendNotification("workspace/didChangeConfiguration", { settings: { libLens: { backend: "wasm" } } });
    await client.open(workspace.uri("train.py"), "import torch\nstate = torch.load(\"model.safetensors\")\n");
    await client.request("lib/models", {});

    const spans: [began: number, ended: number][] = [];
    for (let again = 0; again < 4; again += 1) {
      const began = Date.now();
      const { run } = await client.request("lib/analyze", { spec: pathToFileURL(spec).href, force: again < 3 });
      const end = (): RunEvent | undefined => events.find((event) => event.run === run && ["done", "failed", "cancelled"].includes(event.kind));
      while (!end()) {
        await client.hover(workspace.uri("train.py"), { line: 1, character: 24 });
        await new Promise((passed) => setTimeout(passed, 20));
      }
      // As a client does then: the list, and the result for a view.
      const done = end();
      expect(done).toMatchObject({ kind: "done", cached: again === 3 });
      expect(await client.request("lib/results", {})).toHaveLength(1);
      const whole = await readResult(client, done?.kind === "done" ? pathToFileURL(done.file).href : "");
      expect(Math.max(...whole.sections.map(({ edges }) => edges.weight.length))).toBe(listedEdges);
      spans.push([began, Date.now()]);
    }
    await client.stop();
    await workspace.remove();

    expect(Math.max(...events.map((event) => (event.kind === "section" ? event.section.edges.weight.length : 0)))).toBe(listedEdges);
    const longest = await longestTurns(spans);
    console.log(`longest turns of ${spans.length} runs: ${longest.map((one) => one.toFixed(1)).join(", ")} ms of processor time`);
    expect(Math.max(...longest)).toBeLessThan(longestTurn);
  }, 300_000);

  it("is free while a view fetches a large matrix, and while a long labels file changes", async () => {
    const workspace = await Workspace.create({ "train.py": "import torch\n" });
    const stored = join(workspace.folder, ".lib-lens", "large.libresult");
    const [rows, cols] = [1500, 2000];
    const values = Float32Array.from({ length: rows * cols }, (_, at) => at % 1000);
    await mkdir(dirname(stored));
    const metadata = fixtureMetadata(workspace.path("mlp.safetensors"), "2026-01-01T00:00:00.000Z");
    await writeSafetensors(stored, [{ name: "large", dtype: "F32", shape: [rows, cols], data: values }], { [metadataField]: JSON.stringify(metadata) });
    const labels = (first: string): string => ["layer,feature,label,computed,result", `layers.0,1,${first},,`,
      ...Array.from({ length: 40_000 }, (_, at) => `other.${at % 50},${at},a label of ${at},what the data say,0123456789ab`)].join("\n");
    await workspace.write("mlp.labels.csv", labels("before"));

    const { client, longestTurns } = await watched(bundle, workspace.folder);
    const uri = pathToFileURL(stored).href;
    const firstLabel = async (): Promise<string | null | undefined> => (await client.request("lib/result", { uri })).layers[0]?.labels?.[1];
    // What is loaded at the first question is no turn of a running server.
    await client.request("lib/models", {});
    const warm = await client.request("lib/matrix", { uri, tensor: "large", firstRow: rows - 1 });
    expect(warm).toMatchObject({ rows, cols });
    const spans: [began: number, ended: number][] = [];
    for (const label of ["before", "after", "in the end"]) {
      await workspace.write("mlp.labels.csv", labels(label));
      const began = Date.now();
      expect(await client.request("lib/results", {})).toHaveLength(1);
      expect(await firstLabel()).toBe(label);
      const matrix = await readMatrix(client, uri, "large");
      expect(matrix?.rows).toBe(rows);
      expect(matrix && Buffer.compare(Buffer.from(matrix.values.buffer), Buffer.from(values.buffer))).toBe(0);
      spans.push([began, Date.now()]);
    }
    expect(await client.request("lib/matrix", { uri, tensor: "large", firstRow: rows })).toBeNull();
    await client.stop();
    await workspace.remove();
    const longest = await longestTurns(spans);
    console.log(`longest turns with a large matrix and a long labels file: ${longest.map((one) => one.toFixed(1)).join(", ")} ms of processor time`);
    expect(Math.max(...longest)).toBeLessThan(longestTurn);
  }, 300_000);
});
