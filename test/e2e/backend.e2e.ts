/**
 * *LIB: Select Compute Backend* in the real editor: what works here and how fast, and that the choice counts from the next analysis on.
 * The tests are the steps of one story and run in this order in one window.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Frame, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { BackendStatus } from "../../server/src/protocol/requests";
import "./harness/provided";
import { startEditor, type Editor } from "./harness/vscode";
import { launchBrowser, waits, Workbench } from "./harness/workbench";

let editor: Editor;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  editor = await startEditor({ installation: inject("vscode"), extension: inject("extension"), workspace: "examples" });
  browser = await launchBrowser(inject("chromium"));
  workbench = await Workbench.open(browser, editor.url, editor.workspace);
});

afterAll(async () => {
  await workbench?.screenshot("backend-last").catch(() => undefined);
  await browser?.close();
  await editor?.stop();
});

/** What the language server found out; it keeps the answers in the cache folder of the person. */
const tried = (): BackendStatus[] =>
  (JSON.parse(readFileSync(join(editor.cache, "lib-lens", "backends.json"), "utf8")) as { answers: { statuses: BackendStatus[] }[] }).answers[0]!.statuses;
/** What "auto" takes on the machine that runs this test. */
const automatic = (): string => tried().find(({ available }) => available)!.name;

const rows = (): Locator => workbench.page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row");
const row = (name: string): Locator => rows().filter({ has: workbench.page.locator(".label-name", { hasText: new RegExp(`^${name}$`) }) });

/** Opens the list and waits until it is full; asks again where a view that has just loaded took the focus, which closes the list. */
async function openPicker(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await workbench.runCommand("LIB: Select Compute Backend");
    try {
      return await row("cpu").waitFor({ timeout: waits.answer });
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

const statusBar = (text: string): Promise<void> =>
  workbench.page.locator(".statusbar-item").filter({ hasText: new RegExp(`LIB: ${text.replace(/[()]/g, "\\$&")}$`) }).waitFor({ timeout: waits.answer });

/** Runs the analysis of a row of the list and waits until the view that it fills says where it was computed. */
async function analysed(row: string | RegExp, backend: string): Promise<Frame> {
  await workbench.runCommand("LIB: Analyze Model");
  await workbench.choose(row);
  return workbench.webview(`body[data-status="done"] dl.facts dd:text-matches(" on ${backend}$")`);
}

describe("the list of compute backends", () => {
  it("says of each whether it works, how fast it is, and else why not", async () => {
    await openPicker();
    expect(tried().map(({ name }) => name).sort()).toEqual(["cpu", "tensorflow", "wasm", "webgpu"]);
    for (const { name, available, reason, gflops } of tried()) {
      const text = await row(name).innerText();
      // One line has room for the beginning; what to do comes when it is chosen.
      expect(text).toContain(reason.split(available ? ", " : /: |\.$/)[0]);
      expect(/\d GFLOP\/s/.test(text)).toBe(available);
      if (gflops !== null) expect(text).toContain(gflops < 10 ? gflops.toFixed(1) : gflops.toFixed(0));
    }
    expect(await row("auto").innerText()).toMatch(new RegExp(`takes ${automatic()} here · current`));
    // Those that work come first.
    const order = (await rows().locator(".quick-input-list-row:first-child .label-name").allInnerTexts()).filter((name) => name !== "auto");
    expect(order).toEqual([...tried().filter(({ available }) => available), ...tried().filter(({ available }) => !available)].map(({ name }) => name));
    await workbench.screenshot("backends-dark");
    await workbench.page.keyboard.press("Escape");
    await statusBar(`auto (${automatic()})`);
  });

  it("one that is chosen stands in the status bar and computes the next analysis", async () => {
    await workbench.openFile("mnist-mlp/train.py");
    await openPicker();
    await row("cpu").click();
    await statusBar("cpu");
    await analysed("block-diagonal.lib.json", "cpu");
    await statusBar("cpu");
  });

  it("auto gives the choice back to the machine, here for a model that training code names, without a spec", async () => {
    await openPicker();
    expect(await row("cpu").innerText()).toContain("current");
    await row("auto").click();
    await statusBar(`auto (${automatic()})`);
    await analysed(/mnist-mlp\/checkpoints\/mlp\.pt/, automatic());
  });

  it("the hover says which one computed it, and its link brings the heatmaps of a view in the background", async () => {
    await workbench.page.locator(".tab").filter({ hasText: "blocks.pt" }).click();
    await workbench.webview('body[data-status="done"] h1:text-is("blocks.pt")');
    const hover = await workbench.hover("nn.Linear(784, 100)", "Linear", new RegExp(` · ${automatic()} · key `));
    await hover.getByText("Heatmap", { exact: true }).click();
    await workbench.webview('body[data-status="done"]:has(h1:text-is("mlp.pt")) [role="tab"][aria-selected="true"]:has-text("Jacobians")', waits.answer);
  });

  it("and the tree of results tells of each which one computed it", async () => {
    await workbench.runCommand("View: Show LIB Lens");
    const results = workbench.page.locator(".pane-body .monaco-list-row[aria-level='2']").filter({ hasText: /\.pt.*(just now|\d \w+ ago)/ });
    await expect.poll(() => results.count(), { timeout: waits.answer }).toBe(2);
    // The newest first.
    for (const [at, backend] of [automatic(), "cpu"].entries()) {
      await workbench.page.mouse.move(5, 5);
      await results.nth(at).hover();
      await workbench.page.locator(".monaco-hover:visible").filter({ hasText: `s on ${backend}` }).first().waitFor({ timeout: waits.answer });
    }
    await workbench.screenshot("results-tree");
  });

  it("one that does not work is refused with the reason, and the choice stays", async ({ skip }) => {
    const missing = tried().find(({ available }) => !available);
    if (missing === undefined) return skip("every backend works on this machine");
    await workbench.setTheme("Dark High Contrast");
    await openPicker();
    await workbench.screenshot("backends-high-contrast");
    await row(missing.name).click();
    await workbench.page.locator(".notification-toast").filter({ hasText: `${missing.name} does not work here. ${missing.reason}` }).first().waitFor({ timeout: waits.answer });
    await statusBar(`auto (${automatic()})`);
  });
});
