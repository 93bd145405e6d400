/**
 * *LIB: Ablate…* and *LIB: Find What Features Respond To…* in the real editor: curves come one by one, a second run is cancelled, and what was
 * found is there after a reload.
 * The tests are the steps of one story and run in this order in one window.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Frame, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { AblationCurve } from "../../server/src/protocol/ablation";
import "./harness/provided";
import { startEditor, type Editor } from "./harness/vscode";
import { launchBrowser, waits, Workbench } from "./harness/workbench";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const layers = ["layers.0", "layers.1", "layers.2"];

let editor: Editor;
let browser: Browser;
let labelsFile: string;
let workbench: Workbench;

beforeAll(async () => {
  // the backend that is the same on every machine
  editor = await startEditor({ installation: inject("vscode"), extension: inject("extension"), workspace: "examples", settings: { "libLens.backend": "wasm" } });
  execFileSync(process.execPath, ["dist/cli.js", "analyze", join(editor.workspace, "mnist-mlp/mnist-mlp.lib.json"), "--backend", "wasm", "--json"], { stdio: ["ignore", "ignore", "inherit"] });
  labelsFile = join(editor.workspace, "mnist-mlp/mnist-mlp.labels.csv");
  browser = await launchBrowser(inject("chromium"));
  workbench = await Workbench.open(browser, editor.url, editor.workspace);
});

afterAll(async () => {
  await workbench?.screenshot("ablate-last").catch(() => undefined);
  await browser?.close();
  await editor?.stop();
});

/** Curves stored beside the result. */
function stored(): AblationCurve[] {
  const store = join(editor.workspace, "mnist-mlp/.lib-lens");
  const name = readdirSync(store).find((file) => file.endsWith(".ablation.json"));
  return name === undefined ? [] : (JSON.parse(readFileSync(join(store, name), "utf8")) as { curves: AblationCurve[] }).curves;
}

const card = (view: Frame, title: string): Locator => view.locator(".card:not([hidden])").filter({ has: view.locator("h2", { hasText: title }) });
const progress = (what: string): Locator => workbench.page.locator(".notification-toast").filter({ hasText: `Ablating ${what}` });

/** From the palette to the run: what, and in the bases that are ticked; `also` ticks one more. */
async function ablate(what: "Features" | "Edges", also?: string): Promise<void> {
  const widget = workbench.page.locator(".quick-input-widget:visible");
  const bases = widget.filter({ hasText: `Ablate ${what}` });
  // On a slow machine the palette may be opened once more and close the question behind it: ask again.
  for (let attempt = 1; ; attempt++) {
    await workbench.runCommand("LIB: Ablate");
    try {
      await widget.locator(".monaco-list-row").filter({ hasText: what }).first().click({ timeout: waits.answer });
      await bases.waitFor({ timeout: waits.answer });
      break;
    } catch (error) {
      if (attempt === 3) throw error;
      await workbench.page.keyboard.press("Escape");
    }
  }
  if (also !== undefined) await workbench.choose(also);
  await workbench.page.keyboard.press("Enter");
}

/** Rows of the table below a figure, as its summary says. */
const rows = async (figure: Locator): Promise<number> => Number((await figure.locator("summary").innerText()).replace(/\D/g, ""));

/** Keeps every number of rows that the first figure of the tab goes through, however short. */
const rowRecorder = `
  const rows = globalThis.libLensRows = [];
  new MutationObserver(() => {
    const figure = [...document.querySelectorAll(".card:not([hidden])")].find((card) => card.querySelector("h2").textContent === "Score against features kept");
    const now = Number(figure?.querySelector("summary").textContent.replace(/\\D/g, "") ?? 0);
    if (now > 0 && rows.at(-1) !== now) rows.push(now);
  }).observe(document.querySelector(".plots-view"), { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["hidden"] });
`;

describe("an ablation", () => {
  it("started from the palette opens the Plots tab, and its curves grow there before the run ends", async () => {
    await workbench.openFile("mnist-mlp/train.py");
    // The view is there before, at another tab, so that nothing of the run is missed on a fast machine.
    await workbench.runCommand("LIB: Open Interaction Graph");
    const plots = await workbench.webview("body[data-status='done'] .plots-view");
    const isAt = (tab: string): Promise<string | null> => plots.getByRole("tab", { name: tab }).getAttribute("aria-selected");
    await expect.poll(() => isAt("Graph"), { timeout: waits.answer }).toBe("true");
    await plots.evaluate(rowRecorder);
    await ablate("Features");
    await progress("features").first().waitFor({ timeout: waits.work });
    await expect.poll(() => isAt("Plots"), { timeout: waits.answer }).toBe("true");
    const curves = card(plots, "Score against features kept");
    await curves.waitFor({ timeout: waits.work });
    await workbench.screenshot("ablation-while-running");
    await progress("features").first().waitFor({ state: "detached", timeout: waits.work });
    expect(stored().map(({ basis, layer }) => `${basis} ${layer}`).sort()).toEqual(["lib", "pca"].flatMap((basis) => layers.map((layer) => `${basis} ${layer}`)));
    await expect.poll(() => rows(curves), { timeout: waits.answer }).toBe(stored().reduce((sum, { points }) => sum + points.length, 0));
    // Every curve came on its own and made the table longer.
    const seen = await plots.evaluate<number[]>("globalThis.libLensRows");
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(await rows(curves));
  });

  it("shows what is needed as its file says, in a view without serious findings of axe-core", async () => {
    const plots = await workbench.webview("body[data-status='done'] .plots-view");
    const needed = card(plots, "Features needed");
    await needed.locator("summary").click();
    const shown = (await needed.locator("tbody tr").allInnerTexts()).map((text) => text.split("\t").slice(0, 3).join(" "));
    const names = { lib: "LIB", pca: "PCA", neuron: "Neurons" };
    expect(shown.sort()).toEqual(stored().map(({ layer, basis, needed: least }) => `${layer} ${names[basis]} ${least}`).sort());
    await plots.evaluate(axeSource);
    const serious = await plots.evaluate<string[]>(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => id + " " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`);
    expect(serious).toEqual([]);
  });

  it("of edges is cancelled in the middle, and keeps the curves that were finished", async () => {
    await ablate("Edges", "Neurons");
    const running = progress("edges");
    await running.first().waitFor({ timeout: waits.work });
    const plots = await workbench.webview("body[data-status='done'] .plots-view");
    await card(plots, "Edges required").waitFor({ timeout: waits.work });
    await workbench.runCommand("LIB: Cancel");
    await running.first().waitFor({ state: "detached", timeout: waits.work });
    const edges = stored().filter(({ what }) => what === "edges");
    expect(edges.length).toBeGreaterThan(0);
    expect(edges.length).toBeLessThan(3 * layers.length);
    expect(await card(plots, "Score against features kept").count()).toBe(1);
  });

  it("and labels of the features come into the same tab, with the features of the input as pictures", async () => {
    await workbench.runCommand("LIB: Find What Features Respond To");
    const plots = await workbench.webview("body[data-status='done'] .plots-view");
    await card(plots, "Features of layers.0 as pictures").waitFor({ timeout: waits.work });
    const explained = card(plots, "What one label explains");
    await explained.waitFor({ timeout: waits.work });
    // Both bases: a line each.
    await expect.poll(() => explained.locator("path.line").count(), { timeout: waits.work }).toBe(2 * layers.length);
    await workbench.screenshot("labels");
    // Kept beside the spec as the command line keeps them, to be reviewed and changed like code.
    await expect.poll(() => existsSync(labelsFile), { timeout: waits.answer }).toBe(true);
    const rows = readFileSync(labelsFile, "utf8").split("\n");
    expect(rows[0]).toBe("layer,feature,label,computed,result");
    expect(rows.filter((row) => row.startsWith("layers.0,")).length).toBeGreaterThan(1);
  });

  it("is found again after a reload of the window", async () => {
    const before = stored();
    await workbench.reload();
    await workbench.openFile("mnist-mlp/train.py");
    await workbench.runCommand("LIB: Open Plots");
    const plots = await workbench.webview("body[data-status='done'] .plots-view");
    const curves = card(plots, "Score against features kept");
    await curves.waitFor({ timeout: waits.work });
    expect(await rows(curves)).toBe(before.filter(({ what }) => what === "nodes").reduce((sum, { points }) => sum + points.length, 0));
    expect(await rows(card(plots, "Edges required"))).toBe(before.filter(({ what }) => what === "edges").length);
  });

  it("and so are the labels with their figures; one that a person writes into the file shows at once", async () => {
    const view = await workbench.webview("body[data-status='done'] .plots-view");
    const explained = card(view, "What one label explains");
    await expect.poll(() => explained.locator("path.line").count(), { timeout: waits.work }).toBe(2 * layers.length);
    await view.getByRole("tab", { name: "Table" }).click();
    const cell = (text: string): Locator => view.locator(".table-view td").filter({ hasText: text }).first();
    await cell("% class").waitFor({ timeout: waits.work });
    const changed = readFileSync(labelsFile, "utf8").replace(/^layers\.0,1,,/m, "layers.0,1,round digits,");
    expect(changed).toContain("round digits");
    // The editor that has just been reloaded may not watch its files yet: saved again until it does.
    await expect.poll(() => {
      writeFileSync(labelsFile, changed);
      return cell("round digits").count();
    }, { timeout: waits.work, interval: 3000 }).toBe(1);
  });
});
