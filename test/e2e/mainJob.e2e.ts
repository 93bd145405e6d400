/**
 * The main job in the real editor: from training code to features, with a mouse and the palette only.
 * The tests are the steps of one story and run in this order in one window.
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Frame } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import "./harness/provided";
import { startEditor, type Editor } from "./harness/vscode";
import { launchBrowser, Workbench } from "./harness/workbench";

let editor: Editor;
let browser: Browser;
let workbench: Workbench;

const results = (example: string): string[] => {
  const store = join(editor.workspace, example, ".lib-lens");
  return existsSync(store) ? readdirSync(store).filter((name) => name.endsWith(".libresult")) : [];
};

beforeAll(async () => {
  // plain JavaScript: slow enough to watch a run and to cancel one, and the same on every machine
  editor = await startEditor({
    installation: inject("vscode"), extension: inject("extension"), workspace: "examples", settings: { "libLens.backend": "cpu" },
  });
  browser = await launchBrowser(inject("chromium"));
  workbench = await Workbench.open(browser, editor.url, editor.workspace);
});

afterAll(async () => {
  await workbench?.screenshot("main-job-last").catch(() => undefined);
  await browser?.close();
  await editor?.stop();
});

/** Layers and edges that the graph shows right now. */
async function drawn(graph: Frame): Promise<{ layers: number; edges: number }> {
  const overlay = graph.locator("[data-layers]").first();
  return { layers: Number(await overlay.getAttribute("data-layers")), edges: Number(await overlay.getAttribute("data-edges")) };
}

describe("the main job", () => {
  it("a hover on nn.Linear tells the bound tensor, its shape, type and number of parameters", async () => {
    await workbench.openFile("mnist-mlp/train.py");
    const hover = await workbench.hover("nn.Linear(784, 100)", "Linear", "fc1.weight");
    const text = await hover.innerText();
    expect(text).toMatch(/100\s*×\s*784/);
    expect(text).toContain("float32");
    expect(text.replace(/\D/g, " ")).toMatch(/78\s*500/);
    expect(text).not.toContain("features kept");
    await workbench.screenshot("hover-static");
  });

  it("the path in torch.load is a link to the checkpoint", async () => {
    await workbench.line("torch.load").scrollIntoViewIfNeeded();
    await workbench.page.locator(".detected-link").first().waitFor({ timeout: 30_000 });
  });

  it("an analysis started from the palette fills the graph in before it ends", async () => {
    await workbench.runCommand("LIB: Analyze Model");
    await workbench.choose("mnist-mlp.lib.json");
    const graph = await workbench.webview("[data-layers]");
    const progress = workbench.page.locator(".notification-toast").filter({ hasText: "Analyzing" });
    const seen: { layers: number; edges: number; running: boolean }[] = [];
    await expect.poll(async () => {
      const now = await drawn(graph);
      seen.push({ ...now, running: await progress.count() > 0 });
      const partly = seen.some(({ layers, running }) => running && layers > 0 && layers < 4);
      if (partly && seen.length % 40 === 1) await workbench.screenshot("graph-while-running");
      return results("mnist-mlp").length;
    }, { timeout: 100_000, interval: 20 }).toBe(1);
    await expect.poll(async () => (await drawn(graph)).layers, { timeout: 20_000 }).toBe(4);
    expect(seen.filter(({ layers, running }) => running && layers > 0 && layers < 4).length).toBeGreaterThan(0);
    expect((await drawn(graph)).edges).toBeGreaterThan(0);
    await workbench.screenshot("graph-done");
  });

  it("the hover then tells the kept features and their partners", async () => {
    await workbench.openFile("mnist-mlp/train.py");
    const hover = await workbench.hover("nn.Linear(784, 100)", "Linear", /features kept/);
    const text = await hover.innerText();
    expect(text).toMatch(/\d+ of 785 features kept/);
    expect(text).toContain("layers.0");
    expect(text).toMatch(/strongest partners in\s+layers\.1/);
    await workbench.screenshot("hover-result");
  });

  it("the heatmap opens and draws the Jacobians", async () => {
    await workbench.runCommand("LIB: Open Jacobian Heatmap");
    const heatmap = await workbench.webview("canvas");
    await expect.poll(() => heatmap.locator("canvas:visible").count(), { timeout: 30_000 }).toBeGreaterThan(0);
    await workbench.screenshot("heatmap");
  });

  it("a second run is cancelled and leaves no result", async () => {
    await workbench.runCommand("LIB: Analyze Model");
    await workbench.choose("modular-addition.lib.json");
    const progress = workbench.page.locator(".notification-toast").filter({ hasText: "Analyzing modular-addition" });
    await progress.first().waitFor({ timeout: 30_000 });
    await workbench.runCommand("LIB: Cancel");
    await progress.first().waitFor({ state: "detached", timeout: 10_000 });
    expect(results("modular-addition")).toEqual([]);
    expect(results("mnist-mlp")).toHaveLength(1);
  });

  it("after a reload of the window the result is still there", async () => {
    await workbench.reload();
    await workbench.openFile("mnist-mlp/train.py");
    await workbench.hover("nn.Linear(784, 100)", "Linear", /\d+ of 785 features kept/);
    await workbench.runCommand("LIB: Open Interaction Graph");
    const graph = await workbench.webview("[data-layers]");
    await expect.poll(async () => (await drawn(graph)).layers, { timeout: 30_000 }).toBe(4);
    await workbench.screenshot("after-reload");
  });

  it("neither the window nor any process of the editor asked for another machine", () => {
    const log = editor.connections();
    expect(log.filter((line) => line.startsWith("start")).join("\n")).toContain("server.js");
    expect(log.filter((line) => line.startsWith("connect"))).toEqual([]);
    expect([...workbench.foreignHosts]).toEqual([]);
  });
});
