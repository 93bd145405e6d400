/** An untrusted workspace in the real editor: static facts and stored results show, nothing is computed. */

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import "./harness/provided";
import { startEditor, type Editor } from "./harness/vscode";
import { launchBrowser, waits, Workbench } from "./harness/workbench";

let editor: Editor;
let browser: Browser;
let workbench: Workbench;
let stored: string[] = [];

const store = (): string => join(editor.workspace, "modular-addition", ".lib-lens");

beforeAll(async () => {
  editor = await startEditor({ installation: inject("vscode"), extension: inject("extension"), workspace: "examples", restricted: true });
  // Somebody has analysed it before the folder came here.
  execFileSync(process.execPath, ["dist/cli.js", "analyze", join(editor.workspace, "modular-addition/modular-addition.lib.json"), "--json"], { stdio: ["ignore", "ignore", "inherit"] });
  stored = readdirSync(store()).sort();
  browser = await launchBrowser(inject("chromium"));
  workbench = await Workbench.open(browser, editor.url, editor.workspace);
});

afterAll(async () => {
  await workbench?.screenshot("restricted-last").catch(() => undefined);
  await browser?.close();
  await editor?.stop();
});

describe("a workspace in restricted mode", () => {
  it("is in restricted mode", async () => {
    await workbench.page.locator(".statusbar-item").filter({ hasText: "Restricted Mode" }).waitFor({ timeout: waits.answer });
  });

  it("tells static facts in a hover", async () => {
    await workbench.openFile("mnist-mlp/train.py");
    const hover = await workbench.hover("nn.Linear(784, 100)", "Linear", "fc1.weight");
    expect(await hover.innerText()).toMatch(/100\s*×\s*784/);
  });

  it("shows a stored result, with its modules", async () => {
    await workbench.runCommand("LIB: Open Interaction Graph");
    const graph = await workbench.webview("body[data-ready][data-status='done'][data-layers='4']");
    await expect.poll(() => graph.locator("[data-edges]").getAttribute("data-edges"), { timeout: waits.answer }).toMatch(/^[1-9]/);
    await graph.getByRole("tab", { name: "Plots" }).click();
    await graph.getByRole("heading", { name: "Modules", exact: true }).waitFor({ timeout: waits.answer });
  });

  it("refuses an ablation that a view asks for, in one sentence", async () => {
    const graph = await workbench.webview("body[data-ready][data-status='done']");
    await graph.locator("vscode-button", { hasText: "Ablate…" }).click();
    await workbench.page.locator(".notification-toast").filter({ hasText: "This workspace is not trusted" }).first().waitFor({ timeout: waits.answer });
  });

  it("offers no command that would start or write anything", async () => {
    const rows = await workbench.paletteRows("LIB: ", "LIB: Show Log");
    expect(rows).toContain("LIB: Open Interaction Graph");
    expect(rows.filter((row) => /^LIB: (Analyze|Ablate|Create|Cancel|Find|Select)/.test(row))).toEqual([]);
  });

  it("has written nothing and asked nobody", () => {
    expect(readdirSync(store()).sort()).toEqual(stored);
    expect(editor.connections().filter((line) => line.startsWith("connect"))).toEqual([]);
    expect([...workbench.foreignHosts]).toEqual([]);
  });
});
