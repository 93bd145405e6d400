import { defineConfig } from "vitest/config";

/** The tests in the real editor: one after the other, because each starts an editor and a browser. */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.e2e.ts"],
    globalSetup: ["test/e2e/harness/globalSetup.mjs"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 360_000,
    hookTimeout: 360_000,
  },
});
