import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../server/src/analysis/errors";
import { WorkerClient } from "../../../server/src/analysis/worker/workerClient";
import { folder } from "../fixtures";

describe("a worker that is deep in one operation when it is cancelled", () => {
  it("is answered for at once, not terminated, and not waited for beyond the limit", async () => {
    const into = await folder();
    const [workerFile, returned] = [join(into, "worker.cjs"), join(into, "returned")];
    // Blocks its thread as a native product does: no cancel is heard before it returns.
    await writeFile(workerFile, `
      const { parentPort } = require("node:worker_threads");
      parentPort.on("message", () => {
        parentPort.postMessage({ kind: "event", event: { kind: "note", run: "", message: "in" } });
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
        require("node:fs").writeFileSync(${JSON.stringify(returned)}, "");
        parentPort.postMessage({ kind: "result", answer: null });
      });
    `);
    const client = new WorkerClient({ workerFile, gracefulMilliseconds: 100 });
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => { entered = resolve; });
    const call = client.call({ kind: "create-spec", model: "model.pt" }, () => entered());
    const refused = expect(call).rejects.toBeInstanceOf(CancelledError);
    await inside;
    await client.cancel();
    await refused;
    await client.dispose();
    expect(existsSync(returned)).toBe(false);
    // A terminated thread would never write it.
    while (!existsSync(returned)) await new Promise((passed) => setTimeout(passed, 50));
    // The client is free for the next request meanwhile.
    const next = client.call({ kind: "create-spec", model: "model.pt" });
    expect(await next).toBeNull();
    await client.dispose();
  });
});
