import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { seededRandom } from "../../server/src/core/random";

const root = resolve(import.meta.dirname, "../..");

function script(code: string, env: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: root, encoding: "utf8", timeout: 60_000, env: { ...process.env, ...env } });
}

it("a missing browser is one sentence that says what to do", () => {
  const { status, stderr } = script(
    `import { findChromium } from "./scripts/shared/chromium.mjs"; try { findChromium(); } catch (e) { console.error(e.message); process.exit(1); }`,
    { PATH: "/nowhere", CHROMIUM: "" },
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/^No Chromium found.*LIB_LENS_SKIP_E2E=1\.\n$/);
});

it("a program that does not end is stopped with its children, and the exit code says so", () => {
  // The grandchild holds standard output open: spawnSync returns only when it is gone, too.
  const endless = `require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" }); setInterval(() => {}, 1000);`;
  const { status, stdout } = script(`
    import { runNode } from "./scripts/shared/run.mjs";
    console.log("code", await runNode(["-e", ${JSON.stringify(endless)}], { minutes: 0.02 }));
  `);
  expect(stdout).toBe("code 124\n");
  expect(status).toBe(0);
});

it("a script draws the numbers that the product draws", () => {
  const { stdout } = script(`
    import { importTypeScript } from "./scripts/shared/typeScript.mjs";
    const { seededRandom } = await importTypeScript("server/src/core/random.ts");
    const next = seededRandom(7);
    console.log(JSON.stringify(Array.from({ length: 5 }, next)));
  `);
  expect(JSON.parse(stdout)).toEqual(Array.from({ length: 5 }, seededRandom(7)));
});

it("packaging refuses an unknown platform before it builds anything", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/package.mjs", "--target", "amiga-m68k"], { cwd: root, encoding: "utf8" });
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^Unknown target amiga-m68k; known are linux-x64/);
});
