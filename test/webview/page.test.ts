/** @file The built view in Chromium: what the user sees and does, under the policy of VS Code, with axe-core. */

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ViewMessage } from "../../server/src/protocol/views";
import type { Harness } from "./harness/host";
import { browserMissing, openView, startBrowser, type ViewBrowser, type ViewPage } from "./harness/page";
import type { ThemeName } from "./harness/themes";

declare const window: Window & { harness: Harness };
declare const axe: { run(context: Document, options: unknown): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Set it to keep pictures of every tab, for people to look at. */
const pictures = process.env["LIB_LENS_SCREENSHOTS"];

/** The toolkit adds one empty inline style; the policy refuses it and nothing is lost. Its hash is that of an empty text. */
const emptyStyle = "47DEQpj8HBSa";
const realProblems = (view: ViewPage): string[] => view.problems.filter((problem) => !problem.includes(emptyStyle));

const showResult = (page: Page, which: "modular" | "perceptron" | "signed" = "modular"): Promise<void> => page.evaluate((kind) => window.harness.showResult(kind), which);
const sent = <Kind extends ViewMessage["kind"]>(page: Page, kind: Kind): Promise<Extract<ViewMessage, { kind: Kind }>[]> =>
  page.evaluate((name) => window.harness.sent.filter((message) => message.kind === name), kind) as Promise<Extract<ViewMessage, { kind: Kind }>[]>;
const edges = async (page: Page): Promise<number> => Number(await page.locator(".graph-overlay").getAttribute("data-edges"));

async function shot(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

if (browserMissing !== null) console.log(`Page tests of the views are skipped: ${browserMissing}.`);

describe.skipIf(browserMissing !== null)("the result view", () => {
  let browser: ViewBrowser;
  beforeAll(async () => { browser = await startBrowser(); });
  afterAll(async () => { await browser?.browser.close(); });

  async function withView(options: Parameters<typeof openView>[1], body: (page: Page, view: ViewPage) => Promise<void>): Promise<void> {
    const view = await openView(browser, options);
    try {
      await body(view.page, view);
      expect(realProblems(view)).toEqual([]);
    } finally {
      await view.close();
    }
  }

  test("fills in while the run goes on, and ends with the result", () => withView({}, async (page) => {
    const events = await page.evaluate(() => window.harness.run(0));
    await page.evaluate(() => window.harness.run(5));
    await page.locator("body[data-status=running]").waitFor();
    await expect.poll(() => page.locator("body").getAttribute("data-layers")).toBe("2");
    expect(await page.locator(".banner-percent").innerText()).toMatch(/^\d+ %$/);
    await page.evaluate(() => window.harness.run(12));
    await expect.poll(() => edges(page)).toBeGreaterThan(0);
    expect(await page.locator(".status-line:visible").innerText()).toContain("1 of 3 sections known");
    await page.getByRole("button", { name: "Stop" }).click();
    expect(await sent(page, "cancel")).toHaveLength(1);
    await page.evaluate((count) => window.harness.run(count), events);
    await showResult(page);
    await page.locator("body[data-status=done]").waitFor();
    expect(await page.locator(".banner:visible").count()).toBe(0);
  }));

  test("the threshold slider and the number beside it change what is drawn", () => withView({}, async (page) => {
    await showResult(page);
    await expect.poll(() => edges(page)).toBeGreaterThan(50);
    const first = await edges(page);
    const slider = page.getByRole("slider", { name: "Edge threshold" });
    await slider.focus();
    await page.keyboard.press("End");
    await expect.poll(() => edges(page)).toBeLessThan(first);
    const least = await edges(page);
    expect(await slider.getAttribute("aria-valuetext")).toContain(`${least} edge`);
    const field = page.locator("vscode-text-field[aria-label='Edge threshold as a number'] input");
    await field.fill("1 %");
    await field.press("Enter");
    await expect.poll(() => edges(page)).toBeGreaterThan(least);
    expect(await page.locator(".status-line:visible").innerText()).toContain("≥ 1\u202f%");
  }));

  test("keyboard: move, select, follow the strongest edge, pin, clear", () => withView({}, async (page) => {
    await showResult(page);
    await page.locator(".graph-overlay").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const title = page.locator(".passport-head h2");
    await title.waitFor();
    expect(await title.innerText()).toBe("ln1.0 f2");
    expect(await page.locator("[role=log]").innerText()).toContain("ln1.0 f2, importance");
    const strongest = await page.locator(".partners").first().locator(".partner-name").first().innerText();
    await page.keyboard.press("ArrowRight");
    expect(await title.innerText()).toBe(`ln2.0 ${strongest}`);
    await page.keyboard.press("Control+Enter");
    await page.locator(".chip", { hasText: `ln2.0 ${strongest}` }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: "Layers" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
  }));

  test("pointer: a node is selected, its partner follows, the source is asked for", () => withView({}, async (page) => {
    await showResult(page);
    await expect.poll(() => edges(page)).toBeGreaterThan(0);
    // The first node of the first column: 40 px from the left, half a row below the header.
    await page.locator(".graph-overlay").click({ position: { x: 40, y: 71 } });
    const title = page.locator(".passport-head h2");
    expect(await title.innerText()).toBe("ln1.0 f1");
    await page.locator(".partner").first().click();
    expect(await title.innerText()).toMatch(/^ln2\.0 f/);
    await page.locator("vscode-button", { hasText: "Source" }).click();
    expect(await sent(page, "openSource")).toEqual([{ kind: "openSource", layer: "ln2.0" }]);
  }));

  test("ablation asks for the selected and pinned features, shows the change, and shows an error as a sentence", () => withView({}, async (page) => {
    await showResult(page);
    await page.locator(".graph-overlay").focus();
    for (const key of ["ArrowDown", "Control+Enter", "ArrowDown", "Enter"]) await page.keyboard.press(key);
    await page.locator("vscode-button", { hasText: "Remove" }).click();
    await page.locator(".ablation-score", { hasText: "62.1" }).waitFor();
    expect((await sent(page, "ablate"))[0]).toMatchObject({ basis: "lib", layer: 0, remove: [2, 3] });
    await page.locator("vscode-button", { hasText: "Keep only" }).click();
    await expect.poll(async () => (await sent(page, "ablate")).length).toBe(2);
    const { remove } = (await sent(page, "ablate"))[1]!;
    expect(remove).toHaveLength(21);
    expect(remove).not.toContain(0);
    await page.locator(".graph-overlay").focus();
    for (const key of ["Control+ArrowRight", "Control+ArrowRight"]) await page.keyboard.press(key);
    await page.locator("vscode-button", { hasText: "Remove" }).click();
    await page.locator(".ablation-answer .problem", { hasText: "has changed" }).waitFor();
  }));

  test("exports: PNG, SVG, CSV and JSON with the bytes of their kind", () => withView({}, async (page) => {
    await showResult(page);
    const run = async (menu: string): Promise<void> => {
      await page.locator(".graph-view vscode-button", { hasText: "Export" }).click();
      await page.getByRole("menuitem", { name: menu }).click();
    };
    for (const menu of ["PNG picture", "SVG drawing", "CSV, edges shown", "JSON, graph shown"]) await run(menu);
    await expect.poll(async () => (await sent(page, "export")).length).toBe(4);
    const heads = await page.evaluate(() => window.harness.sent.flatMap((message) => (message.kind === "export" ? [[message.format, message.name, new TextDecoder("latin1").decode(message.bytes.slice(0, 60)), message.bytes.length] as const] : [])));
    const byFormat = new Map(heads.map(([format, ...rest]) => [format, rest]));
    expect(byFormat.get("png")![1]).toContain("PNG");
    expect(byFormat.get("svg")![1]).toMatch(/^<svg xmlns/);
    expect(byFormat.get("csv")![1]).toMatch(/^from layer,from feature/);
    expect(byFormat.get("json")![1]).toMatch(/^\{\s*"model"/);
    expect(byFormat.get("png")![0]).toBe("model_epoch_60000-lib-graph");
    for (const [, , , length] of heads) expect(length).toBeGreaterThan(500);
  }));

  test("the PCA basis is read when it is chosen; another basis is one click", () => withView({}, async (page) => {
    await showResult(page);
    await expect.poll(() => edges(page)).toBeGreaterThan(0);
    expect(await sent(page, "matrix")).toEqual([]);
    await page.locator(".graph-view vscode-dropdown[aria-label=Basis]").click();
    await page.locator(".graph-view vscode-dropdown[aria-label=Basis] vscode-option", { hasText: "PCA" }).click();
    await expect.poll(async () => (await sent(page, "matrix")).map(({ tensor }) => tensor)).toEqual(["edges-pca/0", "edges-pca/1", "edges-pca/2"]);
    await expect.poll(() => page.locator(".graph-overlay").getAttribute("data-edges")).not.toBe("0");
  }));

  test("heatmaps: three bases on one scale, cell read-out by key, linked zoom", () => withView({ width: 1600 }, async (page) => {
    await showResult(page, "perceptron");
    await page.getByRole("tab", { name: "Jacobians" }).click();
    await page.locator(".panes[data-panes='3']").waitFor();
    expect(await page.locator(".pane-title").allInnerTexts()).toEqual(["Neurons", "PCA", "LIB"]);
    const lib = page.locator(".pane-canvas").nth(2);
    await lib.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    expect(await page.locator(".status-line:visible").innerText()).toMatch(/^LIB · f2 → f2 · −?[\d.e−]+$/);
    const pixels = (index: number): Promise<string> => page.locator(".pane-canvas").nth(index).evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    const before = await pixels(0);
    await page.keyboard.press("+");
    await expect.poll(() => pixels(0)).not.toBe(before);
    await page.keyboard.press("0");
    await expect.poll(() => pixels(0)).toBe(before);
    await page.locator("vscode-dropdown[aria-label=Order]").click();
    await page.locator("vscode-dropdown[aria-label=Order] vscode-option", { hasText: "Clustered" }).click();
    await expect.poll(() => pixels(0)).not.toBe(before);
  }));

  test("heatmaps fill in while the run goes on, matrix by matrix, and are read from the result at its end", () => withView({ width: 1600 }, async (page) => {
    await page.evaluate(() => window.harness.run(16));
    await page.getByRole("tab", { name: "Jacobians" }).click();
    await page.getByText("The Jacobians come after the edges").waitFor();
    const panes = (count: number): Promise<void> => page.locator(`.panes[data-panes='${count}']`).waitFor();
    await page.evaluate(() => window.harness.tellJacobian("neuron", 0));
    await panes(1);
    expect(await page.locator(".pane-title").allInnerTexts()).toEqual(["Neurons"]);
    await page.evaluate(() => window.harness.tellJacobian("neuron", 1));
    await page.evaluate(() => window.harness.tellJacobian("pca", 0));
    const { cols, values } = await page.evaluate(() => window.harness.tellJacobian("lib", 0));
    await panes(3);
    expect(await page.locator("body").getAttribute("data-status")).toBe("running");
    await page.locator(".pane-canvas").nth(2).focus();
    for (const key of ["ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
    // Both sides without the constant, which comes first.
    const told = values[2 * cols + 2]!;
    const shown = /^LIB · f2 → f2 · (−?[\d.e−]+)$/.exec(await page.locator(".status-line:visible").innerText())?.[1]?.replaceAll("−", "-");
    expect(Math.abs(Number(shown) - told)).toBeLessThanOrEqual(0.01 * Math.abs(told));
    expect(await sent(page, "matrix")).toEqual([]);
    await showResult(page);
    await expect.poll(async () => (await sent(page, "matrix")).length).toBe(3);
    await panes(3);
  }));

  test("plots: spectra at once, curves as an ablation finds them, each with its table and its files", () => withView({}, async (page) => {
    await showResult(page);
    await page.getByRole("tab", { name: "Plots" }).click();
    const titles = page.locator(".card:visible h2");
    await expect.poll(() => titles.allInnerTexts()).toEqual(["Spectra", "Modules", "Span of modules"]);
    await page.locator("vscode-button", { hasText: "Ablate…" }).click();
    expect((await sent(page, "action")).map(({ action }) => action)).toEqual(["ablate"]);
    await page.evaluate(() => window.harness.ablate());
    await expect.poll(() => titles.allInnerTexts()).toEqual(["Score against features kept", "Features needed", "Score against edges kept", "Edges required", "Spectra", "Modules", "Span of modules"]);
    // The last curves were those of edges: their figure was brought into view.
    await expect.poll(() => page.locator(".plots").evaluate((list) => list.scrollTop)).toBeGreaterThan(100);
    expect(await page.locator("h1").evaluate((title) => title.getBoundingClientRect().top)).toBeGreaterThan(0);
    const card = page.locator(".card", { hasText: "Features needed" });
    await card.locator("summary").click();
    expect(await card.locator("tbody tr").count()).toBe(6);
    expect(await card.locator("svg[role=img]").getAttribute("aria-label")).toContain("Features needed");
    for (const menu of ["SVG drawing", "PNG picture", "CSV table"]) {
      await card.locator("vscode-button", { hasText: "Export" }).click();
      await card.getByRole("menuitem", { name: menu }).click();
    }
    await expect.poll(async () => (await sent(page, "export")).length).toBe(3);
    const files = await page.evaluate(() => window.harness.sent.flatMap((message) => (message.kind === "export" ? [`${message.name}.${message.format} ${new TextDecoder("latin1").decode(message.bytes.slice(0, 30))}`] : [])));
    expect(files.sort().map((text) => text.split(" ")[0])).toEqual(["csv", "png", "svg"].map((format) => `model_epoch_60000-features-needed.${format}`));
    expect(files[0]).toContain("Layer,Basis,Needed");
    expect(files[1]).toContain("PNG");
    expect(files[2]).toContain("<?xml version");
  }));

  test("labels: asked for by a button, drawn as figures, and told with every feature", () => withView({ width: 1500 }, async (page) => {
    await showResult(page, "perceptron");
    await page.getByRole("tab", { name: "Plots" }).click();
    const titles = page.locator(".card:visible h2");
    // The samples are images: features of the input are drawn without a question.
    await expect.poll(() => titles.allInnerTexts()).toContain("Features of layers.0 as pictures");
    expect(await titles.allInnerTexts()).not.toContain("What one label explains");
    await page.locator("vscode-button", { hasText: "Find labels…" }).click();
    expect((await sent(page, "action")).map(({ action }) => action)).toEqual(["findLabels"]);
    await page.evaluate(() => window.harness.labels("class"));
    await expect.poll(() => titles.allInnerTexts()).toContain("What one label explains");
    const pictures_ = page.locator(".card", { hasText: "as pictures" });
    await pictures_.locator("summary").click();
    expect(await pictures_.locator("th").allInnerTexts()).toEqual(["Feature", "Label", ...Array.from({ length: 10 }, (_, k) => `Class ${k}`)]);
    await page.evaluate(() => window.harness.labels("position"));
    await expect.poll(() => titles.allInnerTexts()).toContain("Features of layers.0 by position");
    await page.locator("vscode-dropdown[aria-label=Layer]").click();
    await page.locator("vscode-dropdown[aria-label=Layer] vscode-option", { hasText: "layers.2" }).click();
    await expect.poll(() => titles.allInnerTexts()).toContain("Features of layers.2 by position");
    await page.evaluate(() => window.harness.labels("token"));
    await page.getByRole("tab", { name: "Graph" }).click();
    await page.locator(".graph-overlay").focus();
    for (const key of ["ArrowDown", "Enter"]) await page.keyboard.press(key);
    await page.getByRole("heading", { name: "Tokens furthest from the mean" }).waitFor();
    expect(await page.getByRole("img", { name: "Tokens furthest from the mean" }).getAttribute("aria-label")).toContain('" cat": ');
    // A pixel of the input is a rectangle.
    expect(await page.getByRole("img", { name: "What the feature adds to the input" }).locator("rect").count()).toBe(784);
  }));

  test("the modules of the model are drawn when they are asked for", () => withView({}, async (page) => {
    await showResult(page);
    await page.getByRole("tab", { name: "Plots" }).click();
    expect(await sent(page, "architecture")).toEqual([]);
    await page.locator("vscode-button", { hasText: "Architecture" }).click();
    const card = page.locator(".card", { hasText: "Modules of model_epoch_60000.pt" });
    await card.locator("summary").click();
    expect(await card.locator("tbody tr").allInnerTexts()).toContain("ln2.0\tln2.0\t19\t129");
  }));

  test("modules: asked for at the resolution of the slider, listed, found by name, told in the passport", () => withView({ width: 1600 }, async (page) => {
    await showResult(page);
    expect(await sent(page, "modules")).toEqual([]);
    await page.locator(".graph-view vscode-dropdown[aria-label=Colour]").click();
    await page.locator("vscode-option", { hasText: "Modules" }).click();
    await expect.poll(() => page.locator(".module").count(), { timeout: 10_000 }).toBe(6);
    await page.getByRole("slider", { name: "Resolution of the modules" }).first().focus();
    await page.keyboard.press("End");
    await expect.poll(() => page.locator(".module").count(), { timeout: 10_000 }).toBe(23);
    expect((await sent(page, "modules")).map(({ resolution }) => resolution)).toEqual([1, 5]);
    await page.locator("vscode-text-field[aria-label='Find a feature'] input").fill("ln1 M2");
    await page.locator(".passport-head h2", { hasText: /ln1\.0 f1$/ }).waitFor();
    await page.locator(".side .hint", { hasText: "In module M2" }).waitFor();
    // The features of another basis are in modules of their own.
    await page.locator(".graph-view vscode-dropdown[aria-label=Basis]").click();
    await page.locator(".graph-view vscode-dropdown[aria-label=Basis] vscode-option", { hasText: "PCA" }).click();
    await expect.poll(async () => (await sent(page, "modules")).map(({ basis }) => basis)).toEqual(["lib", "lib", "pca"]);
    await page.getByRole("tab", { name: "Table" }).click();
    await page.getByRole("columnheader", { name: "Module" }).waitFor();
    expect((await page.locator("tbody tr").first().locator("td").allInnerTexts())[6]).toMatch(/^M\d+$/);
  }));

  test("the table sorts, filters, pages and leads back to the graph", () => withView({}, async (page) => {
    await showResult(page);
    await page.getByRole("tab", { name: "Table" }).click();
    await page.getByRole("columnheader", { name: "Importance" }).getByRole("button").click();
    const sorted = page.locator("th[aria-sort=descending]");
    expect(await sorted.innerText()).toContain("Importance");
    await page.locator("vscode-button", { hasText: "Next" }).click();
    expect(await page.locator("tbody tr").count()).toBe(74);
    await page.locator("vscode-text-field[aria-label='Filter rows'] input").fill("ln2 f5");
    await expect.poll(() => page.locator("tbody tr").count()).toBeLessThan(20);
    await page.locator("tbody .link", { hasText: /^f5$/ }).click();
    expect(await page.locator(".passport-head h2").innerText()).toBe("ln2.0 f5");
  }));

  test("a label that somebody writes into the file is shown, and nothing else begins anew", () => withView({}, async (page) => {
    await showResult(page);
    await page.evaluate(() => window.harness.labels("class"));
    await page.getByRole("tab", { name: "Table" }).click();
    const asked = (await sent(page, "matrix")).length;
    for (const label of ["wheels", "round digits"]) {
      await page.evaluate((text) => window.harness.relabel(0, 3, text), label);
      await page.locator("tbody tr", { hasText: label }).waitFor();
      expect(await page.locator("tbody tr", { hasText: label }).locator("td").nth(1).innerText()).toBe("f3");
    }
    expect((await sent(page, "matrix")).length).toBe(asked);
    await page.getByRole("tab", { name: "Plots" }).click();
    await page.locator(".card:visible h2", { hasText: "What one label explains" }).waitFor();
  }));

  test("a reload comes back to the same place", () => withView({}, async (page) => {
    await showResult(page);
    await page.locator(".graph-overlay").focus();
    for (const key of ["ArrowDown", "Enter", "]"]) await page.keyboard.press(key);
    const text = await page.locator(".status-line:visible").innerText();
    await expect.poll(() => page.evaluate(() => sessionStorage.getItem("state"))).toMatch(/"threshold":0.*"feature":2/);
    await page.reload();
    await page.locator("body[data-ready]").waitFor();
    await showResult(page);
    expect(await page.locator(".passport-head h2").innerText()).toBe("ln1.0 f2");
    expect(await page.locator(".status-line:visible").innerText()).toBe(text);
  }));

  test("a theme change redraws without a reload", () => withView({}, async (page) => {
    await showResult(page);
    await expect.poll(() => edges(page)).toBeGreaterThan(0);
    const corner = (): Promise<number[]> => page.locator(".graph-overlay").evaluate((canvas: HTMLCanvasElement) => [...canvas.getContext("2d")!.getImageData(3, 3, 1, 1).data]);
    expect(await corner()).toEqual([31, 31, 31, 255]);
    await page.evaluate(() => {
      document.documentElement.style.setProperty("--vscode-editor-background", "#ffffff");
      document.body.className = "vscode-light";
    });
    await expect.poll(corner).toEqual([255, 255, 255, 255]);
  }));

  test("a result of a newer version is refused with a sentence", () => withView({}, async (page) => {
    await page.evaluate(() => window.harness.give({ kind: "result", uri: "file:///r", metadata: { format: "lib-lens-result", version: 9 } as never }));
    await page.getByRole("alert").filter({ hasText: "version 9" }).waitFor();
  }));

  const looks: [ThemeName, number][] = [["dark", 500], ["light", 1600], ["high-contrast", 1600], ["high-contrast-light", 500]];
  if (pictures !== undefined) looks.push(["dark", 1600], ["light", 500], ["high-contrast", 500], ["high-contrast-light", 1600]);
  test.each(looks)("%s theme, %i px wide: no serious finding of axe-core on any tab, nothing cut off", (theme, width) => withView({ theme, width, height: 900 }, async (page) => {
    await page.evaluate(axeSource);
    const check = async (name: string): Promise<void> => {
      await page.waitForTimeout(150);
      await shot(page, `${theme}-${width}-${name}`);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${name}: ${id} ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    };
    await page.evaluate(() => window.harness.run(12));
    await page.locator("body[data-status=running]").waitFor();
    await check("running");
    await showResult(page, "signed");
    await page.locator("body[data-status=done]").waitFor();
    await check("graph");
    await page.locator(".graph-overlay").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await check("selected");
    await page.getByRole("tab", { name: "Jacobians" }).click();
    await page.locator(".panes[data-panes='3']").waitFor();
    await check("jacobians");
    await page.getByRole("tab", { name: "Plots" }).click();
    await page.evaluate(() => window.harness.ablate());
    await page.evaluate(() => window.harness.labels("position"));
    await page.locator(".card:visible h2", { hasText: "by position" }).waitFor();
    for (const summary of await page.locator(".card:visible summary").all()) await summary.click();
    await check("plots");
    await page.getByRole("tab", { name: "Graph" }).click();
    await page.locator(".graph-overlay").press("Escape");
    await page.evaluate(() => window.harness.colourByModule());
    await page.locator(".module").first().waitFor({ state: "attached" });
    await check("modules");
    await page.getByRole("tab", { name: "Table" }).click();
    await check("table");
  }));
});
