/** Pictures of graph, heatmap and plots in every kind of theme, wide and narrow, for people to look at: artifacts/screenshots. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import "./harness/provided";
import { startEditor, type Editor } from "./harness/vscode";
import { launchBrowser, Workbench } from "./harness/workbench";

const themes = [
  { name: "dark", label: "Dark Modern", bodyClass: "vscode-dark" },
  { name: "light", label: "Light Modern", bodyClass: "vscode-light" },
  { name: "high-contrast", label: "Dark High Contrast", bodyClass: "vscode-high-contrast" },
  { name: "high-contrast-light", label: "Light High Contrast", bodyClass: "vscode-high-contrast-light" },
];
const widths = [
  { name: "wide", width: 1600, height: 950 },
  { name: "narrow", width: 900, height: 800 },
];

let editor: Editor;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  editor = await startEditor({ installation: inject("vscode"), extension: inject("extension"), workspace: "examples" });
  for (const spec of ["modular-addition/modular-addition.lib.json", "mnist-mlp/mnist-mlp.lib.json"]) {
    execFileSync(process.execPath, ["dist/cli.js", "analyze", join(editor.workspace, spec), "--json"], { stdio: ["ignore", "ignore", "inherit"] });
  }
  browser = await launchBrowser(inject("chromium"));
  workbench = await Workbench.open(browser, editor.url, editor.workspace);
});

afterAll(async () => {
  await workbench?.screenshot("appearance-last").catch(() => undefined);
  await browser?.close();
  await editor?.stop();
});

it("results made by the command line are found by the editor", async () => {
  await workbench.openFile("modular-addition/train.py");
  await workbench.runCommand("LIB: Open Interaction Graph");
  await workbench.choose("model.pt");
  const graph = await workbench.webview("body[data-ready][data-layers='4']");
  expect(Number(await graph.locator("[data-edges]").first().getAttribute("data-edges"))).toBeGreaterThan(0);
});

it.each(themes)("the views follow the theme $name", async ({ name, label, bodyClass }) => {
  await workbench.setTheme(label);
  await workbench.webview(`body[data-ready].${bodyClass}`);
  for (const { name: widthName, width, height } of widths) {
    await workbench.page.setViewportSize({ width, height });
    await workbench.runCommand("LIB: Open Interaction Graph");
    await workbench.settled();
    await workbench.screenshot(`graph-${name}-${widthName}`);
    await workbench.runCommand("LIB: Open Jacobian Heatmap");
    await workbench.settled();
    await workbench.screenshot(`heatmap-${name}-${widthName}`);
    await workbench.runCommand("LIB: Open Plots");
    await workbench.settled();
    await workbench.screenshot(`plots-${name}-${widthName}`);
  }
});
