import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readResult } from "../../client/src/readResult";
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
    const file = join(bundle, "turns.json");
    const client = await Client.start(bundle, { folder: workspace.folder, env: { NODE_OPTIONS: `--require ${join(bundle, "hook.cjs")}`, LIB_LENS_TEST_TURNS: file } });
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
    const turns = JSON.parse(await readFile(file, "utf8")) as [at: number, milliseconds: number][];
    const longest = spans.map(([began, ended]) => {
      const during = turns.filter(([at]) => at >= began && at <= ended);
      expect(during.length).toBeGreaterThan(20);
      return Math.max(...during.map(([, milliseconds]) => milliseconds));
    });
    console.log(`longest turns of ${spans.length} runs: ${longest.map((one) => one.toFixed(1)).join(", ")} ms of processor time`);
    expect(Math.max(...longest)).toBeLessThan(longestTurn);
  }, 300_000);
});
