import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ThreadClient } from "../../../server/src/workspace/threads/threadClient";

/** Answers `rank` requests; what it does depends on the tensor that is asked for. */
const script = `
const { parentPort } = require("node:worker_threads");
parentPort.on("message", ({ id, params }) => {
  if (params.tensor === "hang") for (;;);
  if (params.tensor === "crash") throw new Error("broken reader");
  if (params.tensor === "memory") { const kept = []; for (;;) kept.push(new Array(1e5).fill(id)); }
  if (params.tensor === "refuse") parentPort.postMessage({ id, ok: false, message: "the file is damaged" });
  else { console.log("noise"); parentPort.postMessage({ id, ok: true, answer: { effective: params.tensor.length, most: 9 } }); }
});`;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lib-lens-thread-"));
  await writeFile(join(folder, "thread.cjs"), script);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(restarts: string[]): ThreadClient {
  return new ThreadClient({
    file: join(folder, "thread.cjs"), data: { wasmFolder: "" }, heapMegabytes: 64, timeoutMilliseconds: 1500,
    onRestart: () => restarts.push("restarted"),
  });
}

it.each([
  ["hang", /rank request took longer than 1.5 s/],
  ["crash", /broken reader/],
  ["memory", /memory limit/],
])("outlives a request that makes the thread %s, and answers the next one", async (what, message) => {
  const restarts: string[] = [];
  const client = start(restarts);
  expect(await client.call("rank", { path: "", tensor: "abc" })).toEqual({ effective: 3, most: 9 });
  await expect(client.call("rank", { path: "", tensor: what })).rejects.toThrow(message);
  expect(restarts).toEqual(["restarted"]);
  expect(await client.call("rank", { path: "", tensor: "abcd" })).toEqual({ effective: 4, most: 9 });
  await client.dispose();
});

it("passes a refusal on and keeps the thread", async () => {
  const restarts: string[] = [];
  const client = start(restarts);
  await expect(client.call("rank", { path: "", tensor: "refuse" })).rejects.toThrow("the file is damaged");
  expect(restarts).toEqual([]);
  await client.dispose();
  await expect(client.call("rank", { path: "", tensor: "a" })).rejects.toThrow("shutting down");
});

it("settles what is pending when it is disposed of", async () => {
  const client = start([]);
  const pending = client.call("rank", { path: "", tensor: "hang" });
  pending.catch(() => undefined);
  await client.dispose();
  await expect(pending).rejects.toThrow("shutting down");
});
