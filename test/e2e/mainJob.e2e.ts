/**
 * The main job in the real editor: from training code to features, with a mouse and the palette only.
 * The tests are the steps of one story and run in this order in one window.
 */

import { existsSync, readFileSync, readdirSync } from "node:fs";
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

/** What the view says about itself: its state, how many layers it knows, how many edges are drawn. */
async function seen(view: Frame): Promise<{ status: string | null; layers: number; edges: number }> {
  const body = view.locator("body");
  return {
    status: await body.getAttribute("data-status"),
    layers: Number(await body.getAttribute("data-layers")),
    edges: Number(await view.locator("[data-edges]").first().getAttribute("data-edges")),
  };
}

/** The view that was opened last; it is ready once its script has run. */
const view = (): Promise<Frame> => workbench.webview("body[data-ready]");

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
    const source = readFileSync(join(editor.workspace, "mnist-mlp/train.py"), "utf8").split("\n");
    await workbench.goToLine(source.findIndex((line) => line.includes("torch.load")) + 1);
    await workbench.line("torch.load").locator(".detected-link").first().waitFor({ timeout: 30_000 });
  });

  it("an analysis started from the palette fills the graph in before it ends", async () => {
    await workbench.runCommand("LIB: Analyze Model");
    await workbench.choose("mnist-mlp.lib.json");
    const graph = await view();
    const partly: number[] = [];
    await expect.poll(async () => {
      const { status, layers } = await seen(graph);
      if (status === "running" && layers > 0 && layers < 4) {
        partly.push(layers);
        if (partly.length === 1) await workbench.screenshot("graph-while-running");
      }
      return status;
    }, { timeout: 100_000, interval: 20 }).toBe("done");
    expect(partly.length).toBeGreaterThan(0);
    const { layers, edges } = await seen(graph);
    expect(layers).toBe(4);
    expect(edges).toBeGreaterThan(0);
    expect(results("mnist-mlp")).toHaveLength(1);
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
    const heatmap = await workbench.webview("[data-panes]");
    await expect.poll(() => heatmap.locator("[data-panes]").getAttribute("data-panes"), { timeout: 30_000 }).toMatch(/^[1-9]/);
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
    const graph = await view();
    await expect.poll(() => seen(graph), { timeout: 30_000 }).toMatchObject({ status: "done", layers: 4 });
    await workbench.screenshot("after-reload");
  });

  it("neither the window nor any process of the editor asked for another machine", () => {
    const log = editor.connections();
    expect(log.filter((line) => line.startsWith("start")).join("\n")).toContain("server.js");
    expect(log.filter((line) => line.startsWith("connect"))).toEqual([]);
    expect([...workbench.foreignHosts]).toEqual([]);
  });
});
