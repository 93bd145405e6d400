/**
 * Compiles the AssemblyScript kernels into the committed .wasm files, with and without relaxed SIMD, for a memory of
 * their own and for a shared one.
 * `node scripts/build-kernels.mjs [folder]` writes elsewhere, which is how the test compares them with the committed ones.
 */
import asc from "assemblyscript/asc";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = "server/src/engine/kernels";
const target = process.argv[2] ?? join(root, sources);

/** For a memory that two threads share; 65536 pages are 4 GiB. */
const shared = ["--enable", "threads", "--sharedMemory", "--maximumMemory", "65536"];

/** File, source, features. */
const builds = [
  ["gemm.wasm", "gemm.as.ts", ["--enable", "simd"]],
  ["gemmRelaxed.wasm", "gemm.as.ts", ["--enable", "simd", "--enable", "relaxed-simd"]],
  ["gemmShared.wasm", "gemm.as.ts", ["--enable", "simd", ...shared]],
  ["gemmRelaxedShared.wasm", "gemm.as.ts", ["--enable", "simd", "--enable", "relaxed-simd", ...shared]],
  ["elementwise.wasm", "elementwise.as.ts", ["--enable", "simd"]],
  ["arrays.wasm", "arrays.as.ts", ["--enable", "simd"]],
  ["smallProducts.wasm", "smallProducts.as.ts", ["--enable", "simd"]],
  ["jointSums.wasm", "jointSums.as.ts", ["--enable", "simd", "--enable", "bulk-memory", ...shared]],
  ["gatedSquares.wasm", "gatedSquares.as.ts", ["--enable", "simd", "--enable", "bulk-memory", ...shared]],
  ["byteProducts.wasm", "byteProducts.as.ts", ["--enable", "simd", "--enable", "bulk-memory", ...shared]],
  ["sparseBytes.wasm", "sparseBytes.as.ts", ["--enable", "simd", "--enable", "bulk-memory", ...shared]],
];

mkdirSync(target, { recursive: true });
for (const [file, source, features] of builds) {
  let binary = null;
  const { error, stderr } = await asc.main(
    [`${sources}/${source}`, "--outFile", file, ...features, "--importMemory", "--noExportMemory", "--runtime", "stub", "--use", "abort=",
      "--optimizeLevel", "3", "--shrinkLevel", "0", "--converge", "--noAssert"],
    { baseDir: root, writeFile: (name, contents) => { if (name === file) binary = contents; } },
  );
  if (error !== null || binary === null) {
    console.error(stderr.toString());
    process.exit(1);
  }
  writeFileSync(join(target, file), binary);
  console.log(`${file}: ${binary.length} bytes`);
}
