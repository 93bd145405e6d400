/**
 * @file `npm test`: everything that must hold before a change lands, in one command and in a fresh clone.
 * Prints each step, the backends of this machine, a table of the steps, what was left out and why, which TensorFlow took part, and, as
 * the last line, `N passed, N failed[, N skipped]`.
 *
 * LIB_LENS_SKIP_E2E=1 leaves the tests in the real editor out (they need Chromium and, once, the npm registry).
 */

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureInstalled } from "./shared/install.mjs";
import { output } from "./shared/output.mjs";
import { root, runNode } from "./shared/run.mjs";
import { findChromium } from "./shared/chromium.mjs";
import { ensureVsCode } from "./install-vscode.mjs";

const bin = (file) => join(root, "node_modules", file);
const steps = [];
/** What did not run, and why, in the tests' own words. */
const leftOut = [];
/** Which TensorFlow took part, or why none. */
let tensorflow = "not known, because the backends could not be tried.";

/** Runs one step; its failure is reported and the next step still runs. */
async function step(name, body) {
  console.log(`\n=== ${name}`);
  const started = performance.now();
  let counts;
  try {
    counts = await body();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    counts = { passed: 0, failed: 1, skipped: 0 };
  }
  steps.push({ name, seconds: (performance.now() - started) / 1000, ...counts });
  return counts.failed === 0;
}

/** A step that is one program: it passes or fails as a whole. */
async function check(args, options) {
  const code = await runNode(args, { minutes: 10, ...options });
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

/** Runs vitest and counts its tests; a file that could not even be loaded counts as one failure. */
async function vitest(name, args, minutes) {
  const report = join(root, "artifacts", `${name}.json`);
  rmSync(report, { force: true });
  const code = await runNode([
    bin("vitest/vitest.mjs"), "run", ...args,
    "--reporter=default", "--reporter=json", `--outputFile.json=${report}`,
  ], { minutes });
  if (!existsSync(report)) throw new Error(`The runner ended with code ${code} and left no report.`);
  const result = JSON.parse(readFileSync(report, "utf8"));
  const tests = result.testResults.flatMap((file) => file.assertionResults);
  leftOut.push(...tests.filter(({ status }) => status === "skipped" || status === "pending").map(({ ancestorTitles, title }) => [...ancestorTitles, title].join(": ")));
  const brokenFiles = result.testResults.filter((file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")).length;
  const counts = {
    passed: result.numPassedTests,
    failed: result.numFailedTests + brokenFiles,
    skipped: result.numPendingTests + result.numTodoTests,
  };
  // an unhandled error or an empty run fails the runner without failing a test
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

async function backends() {
  const table = await output(process.execPath, ["dist/cli.js", "backends"], { seconds: 180, cwd: root });
  process.stdout.write(table);
  tensorflow = /^tensorflow +(?:yes +\d+|no) +(.+)$/m.exec(table)?.[1] ?? "the command line does not name it.";
  return { passed: 1, failed: 0, skipped: 0 };
}

async function editorTests() {
  if (process.env.LIB_LENS_SKIP_E2E === "1") {
    leftOut.push("tests in the real editor, because LIB_LENS_SKIP_E2E=1");
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const chromium = findChromium();
  const vscode = await ensureVsCode();
  return vitest("editor", ["--config", "test/e2e/vitest.config.mts"], 12).catch((error) => {
    throw new Error(`${error.message} (Chromium ${chromium}, VS Code ${vscode})`);
  });
}

function printTable() {
  console.log("\n=== Result");
  for (const { name, seconds, passed, failed, skipped } of steps) {
    const state = failed > 0 ? "FAILED" : passed === 0 ? "skipped" : "ok";
    const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    console.log(`${state.padEnd(8)} ${name.padEnd(34)} ${counts.padEnd(36)} ${seconds.toFixed(1).padStart(7)} s`);
  }
}

/** Before the last line, so that a smaller number of tests never goes unseen. */
function printLeftOut() {
  if (leftOut.length === 0) return;
  console.log("\nLeft out on this machine:");
  for (const what of leftOut) console.log(`  ${what}`);
}

/** Beside the version, what `npm run engine:tensorflow` said when it was installed: where it is from, and why not from a better place. */
function printTensorflow() {
  console.log(`\nTensorFlow: ${tensorflow}`);
  const log = `${resolve(process.env.LIB_LENS_TENSORFLOW || join(root, ".engine", "tensorflow"))}.log`;
  if (existsSync(log)) console.log(readFileSync(log, "utf8").replaceAll(/^(?=.)/gm, "  ").trimEnd());
}

async function main() {
  await ensureInstalled();
  mkdirSync(join(root, "artifacts"), { recursive: true });
  await step("lint", () => check([bin("eslint/bin/eslint.js"), "."]));
  await step("unused files and packages", () => check([bin("knip/bin/knip.js"), "--files", "--dependencies", "--no-progress"]));
  await step("types: server, client, tests", () => check([bin("typescript/bin/tsc"), "-p", "tsconfig.json"]));
  await step("types: views", () => check([bin("typescript/bin/tsc"), "-p", "webview/tsconfig.json"]));
  const built = await step("build", () => check(["esbuild.mjs", "--production"]));
  if (built) await step("backends of this machine", backends);
  await step("unit, fidelity and fuzz tests", () => vitest("unit", [], 20));
  if (built) await step("tests in the real editor", editorTests);
  printTable();
  printLeftOut();
  printTensorflow();
  const sum = (field) => steps.reduce((total, one) => total + one[field], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}

await main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  console.log("\n0 passed, 1 failed");
  process.exitCode = 1;
});
