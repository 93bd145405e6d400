import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

it.skipIf(!existsSync(resolve(root, "node_modules/onnxruntime-node")))(
  "THIRD_PARTY.md lists exactly what the bundles hold (skipped where onnxruntime-node is not installed)",
  () => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/third-party.mjs", "--check"], { cwd: root, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  },
);
