import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

describe("committed kernels", () => {
  it("are what the AssemblyScript source builds", () => {
    const folder = mkdtempSync(join(tmpdir(), "lib-lens-kernels-"));
    try {
      execFileSync(process.execPath, ["scripts/build-kernels.mjs", folder]);
      for (const file of ["gemm.wasm", "gemmRelaxed.wasm", "gemmShared.wasm", "gemmRelaxedShared.wasm", "elementwise.wasm", "arrays.wasm", "jointSums.wasm", "smallProducts.wasm", "gatedSquares.wasm", "byteProducts.wasm", "sparseBytes.wasm"]) {
        expect(readFileSync(join(folder, file)).equals(readFileSync(join("server/src/engine/kernels", file))), file).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
