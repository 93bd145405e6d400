import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FuzzReport } from "./fuzzMain";
import { fuzzTargets } from "./fuzzTargets";

/** LIB_LENS_FUZZ_CASES asks for a longer or shorter hunt. */
const cases = Number(process.env["LIB_LENS_FUZZ_CASES"] ?? 20_000);
const memoryLimit = 512;
const fixtures = join(__dirname, "../fixtures/torch");
const run = promisify(execFile);

describe(`${cases} damaged files per reader: no crash, no hang, no memory beyond ${memoryLimit} MB`, () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fuzz-"));
    program = join(folder, "fuzzMain.cjs");
    await build({ entryPoints: [join(__dirname, "fuzzMain.ts")], bundle: true, platform: "node", target: "node20", format: "cjs", outfile: program });
  });
  afterAll(async () => { await rm(folder, { recursive: true }); });

  it.each([...fuzzTargets(fixtures).keys()])("%s", async (reader) => {
    const { stdout } = await run(process.execPath, ["--max-old-space-size=256", program, reader, String(cases), fixtures], { cwd: folder, timeout: 300_000, killSignal: "SIGKILL" });
    const report = JSON.parse(stdout) as FuzzReport;
    console.log(`${reader}: ${report.read} read, ${report.refused} refused, slowest ${report.slowestMilliseconds.toFixed(0)} ms, peak ${report.peakMegabytes.toFixed(0)} MB`);
    expect(report.failures).toEqual([]);
    expect(report.read + report.refused).toBe(cases);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.peakMegabytes).toBeLessThan(memoryLimit);
  }, 310_000);
});
