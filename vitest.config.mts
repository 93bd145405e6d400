import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { schemaValidatorsInTests } from "./scripts/shared/schemaValidator.mjs";

/** `import bytes from "./x.wasm"` gives a Uint8Array, as esbuild's binary loader does in the bundles. */
const wasmAsBytes = {
  name: "wasm-as-bytes",
  enforce: "pre" as const,
  load(id: string) {
    if (!id.endsWith(".wasm")) return null;
    return `export default Uint8Array.from(atob("${readFileSync(id).toString("base64")}"), (c) => c.charCodeAt(0));`;
  },
};

export default defineConfig({
  plugins: [wasmAsBytes, schemaValidatorsInTests],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**", "node_modules/**"],
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
