/**
 * The main job in the real editor: from training code to features, with a mouse and the palette only.
 * The tests are the steps of one story and run in this order in one window.
 */

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Frame } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { AnalysisSpec } from "../../server/src/protocol/spec";
import "./harness/provided";
import { startEditor, type Editor } from "./harness/vscode";
import { launchBrowser, waits, Workbench, type ViewState } from "./harness/workbench";

let editor: Editor;
let browser: Browser;
let workbench: Workbench;

const results = (example: string): string[] => {
  const store = join(editor.workspace, example, ".lib-lens");
  return existsSync(store) ? readdirSync(store).filter((name) => name.endsWith(".libresult")) : [];
};

/** Writes an example's spec with Jacobians at many integration points, which takes longer. */
function writeSlower(example: string, intervals: number, name = `${example}.lib.json`): void {
  const folder = join(editor.workspace, example);
  const spec = JSON.parse(readFileSync(join(folder, `${example}.lib.json`), "utf8")) as AnalysisSpec;
  const slower: AnalysisSpec = { ...spec, basis: { ...spec.basis, integration: "trapezoidal", intervals } };
  writeFileSync(join(folder, name), JSON.stringify(slower));
}

beforeAll(async () => {
  // the backend that is the same on every machine
  editor = await startEditor({
    installation: inject("vscode"), extension: inject("extension"), workspace: "examples", settings: { "libLens.backend": "wasm" },
  });
  // As it is, the example is over in a second, and on a busy machine before the editor has opened the view that fills in.
  writeSlower("mnist-mlp", 1000);
  // Long enough to be cancelled: modular addition takes the general path.
  writeSlower("modular-addition", 500, "long.lib.json");
  // Long enough that its heatmap can be opened first.
  writeSlower("modular-addition", 10, "slower.lib.json");
  browser = await launchBrowser(inject("chromium"));
  workbench = await Workbench.open(browser, editor.url, editor.workspace);
});

afterAll(async () => {
  await workbench?.screenshot("main-job-last").catch(() => undefined);
  await browser?.close();
  await editor?.stop();
});

/** The newest state of a view. */
const state = async (view: Frame): Promise<ViewState | undefined> => (await workbench.states(view)).at(-1);

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
    await workbench.line("torch.load").locator(".detected-link").first().waitFor({ timeout: waits.answer });
  });

  it("an analysis started from the palette fills the graph in before it ends", async () => {
    await workbench.runCommand("LIB: Analyze Model");
    await workbench.choose("mnist-mlp.lib.json");
    const graph = await workbench.webview("body[data-ready]");
    await graph.locator("body[data-layers]:not([data-layers='0'])").waitFor({ state: "attached", timeout: waits.work });
    await workbench.screenshot("graph-while-running");
    await expect.poll(async () => (await state(graph))?.status, { timeout: waits.work }).toBe("done");
    const states = await workbench.states(graph);
    const partly = states.filter(({ status, layers, sections }) => status === "running" && layers > 0 && sections < 3);
    expect(partly).not.toEqual([]);
    expect(states.at(-1)).toEqual({ status: "done", layers: 4, sections: 3, panes: 0 });
    expect(Number(await graph.locator("[data-edges]").getAttribute("data-edges"))).toBeGreaterThan(0);
    expect(results("mnist-mlp")).toHaveLength(1);
    await workbench.screenshot("graph-done");
  });

  it("the hover then tells the kept features and their partners", async () => {
    await workbench.openFile("mnist-mlp/train.py");
    await workbench.goToLine(1);
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
    await expect.poll(() => heatmap.locator("[data-panes]").getAttribute("data-panes"), { timeout: waits.answer }).toMatch(/^[1-9]/);
    await workbench.screenshot("heatmap");
  });

  it("a second run is cancelled and leaves no result", async () => {
    await workbench.runCommand("LIB: Analyze Model");
    await workbench.choose("long.lib.json");
    const progress = workbench.page.locator(".notification-toast").filter({ hasText: "Analyzing long.lib.json" });
    const graph = await workbench.webview("body[data-status='running']");
    await progress.first().waitFor({ timeout: waits.answer });
    await workbench.runCommand("LIB: Cancel");
    await progress.first().waitFor({ state: "detached", timeout: waits.answer });
    await expect.poll(async () => (await state(graph))?.status, { timeout: waits.answer }).toBe("cancelled");
    await workbench.screenshot("cancelled");
    expect(results("modular-addition")).toEqual([]);
    expect(results("mnist-mlp")).toHaveLength(1);
  });

  it("after a reload of the window the result is still there", async () => {
    await workbench.reload();
    await workbench.openFile("mnist-mlp/train.py");
    await workbench.goToLine(1);
    await workbench.hover("nn.Linear(784, 100)", "Linear", /\d+ of 785 features kept/);
    // the view in front is the one of the cancelled run: the command finds the result
    await workbench.runCommand("LIB: Open Interaction Graph");
    const restored = await workbench.webview("body[data-status='done'][data-layers='4']");
    await expect.poll(() => restored.locator("[data-edges]").getAttribute("data-edges"), { timeout: waits.answer }).toMatch(/^[1-9]/);
    await workbench.screenshot("after-reload");
  });

  it("the heatmap fills in while a run goes on", async () => {
    await workbench.runCommand("LIB: Analyze Model");
    await workbench.choose("slower.lib.json");
    const view = await workbench.webview("body[data-status='running']");
    await view.getByRole("tab", { name: "Jacobians" }).click();
    await expect.poll(async () => (await state(view))?.status, { timeout: waits.work }).toBe("done");
    const running = (await workbench.states(view)).filter(({ status }) => status === "running");
    const empty = running.findIndex(({ panes }) => panes === 0);
    expect(empty).toBeGreaterThanOrEqual(0);
    expect(running.slice(empty).some(({ panes }) => panes > 0)).toBe(true);
    await expect.poll(async () => (await state(view))?.panes, { timeout: waits.answer }).toBe(3);
    await workbench.screenshot("heatmap-after-run");
  });

  it("neither the window nor any process of the editor asked for another machine", () => {
    const log = editor.connections();
    expect(log.filter((line) => line.startsWith("start")).join("\n")).toContain("server.js");
    expect(log.filter((line) => line.startsWith("connect"))).toEqual([]);
    expect([...workbench.foreignHosts]).toEqual([]);
  });
});
