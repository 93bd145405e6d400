/** @file What a screen reader would say of the views: Chromium's accessibility tree, tab by tab. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { spoken, type Spoken } from "./harness/accessibility";
import type { Harness } from "./harness/host";
import { browserMissing, openView, startBrowser, type ViewBrowser } from "./harness/page";

declare const window: Window & { harness: Harness };

/** Roles that are nothing without a name. */
const named = new Set(["button", "combobox", "textbox", "slider", "checkbox", "tab", "tabpanel", "tablist", "application", "image", "figure", "region", "heading", "table", "group", "log", "complementary", "columnheader", "DisclosureTriangle"]);
/** A `details` is a group whose first child says what it is. */
const nameless = (list: readonly Spoken[]): string[] => list.flatMap(({ role, name, depth }, at) => {
  const next = list[at + 1];
  const isDetails = role === "group" && next?.role === "DisclosureTriangle" && next.depth === depth + 1;
  // The picture of a tick inside a check box says nothing beside the box.
  const isTick = role === "image" && list[at - 1]?.role === "checkbox";
  return named.has(role) && name === "" && !isDetails && !isTick ? [`${role} ${at}`] : [];
});
const find = (list: readonly Spoken[], role: string, name: string | RegExp): Spoken | undefined => list.find((one) => one.role === role && (typeof name === "string" ? one.name === name : name.test(one.name)));
/** What is inside of one node. */
function inside(list: readonly Spoken[], outer: Spoken): Spoken[] {
  const first = list.indexOf(outer) + 1;
  const end = list.findIndex(({ depth }, at) => at >= first && depth <= outer.depth);
  return list.slice(first, end < 0 ? undefined : end);
}
const words = (list: readonly Spoken[]): string => list.filter(({ role }) => role === "StaticText").map(({ name }) => name).join(" ");

if (browserMissing !== null) console.log(`Tests of what is spoken are skipped: ${browserMissing}.`);

describe.skipIf(browserMissing !== null)("a screen reader", () => {
  let browser: ViewBrowser;
  let page: Page;
  beforeAll(async () => {
    browser = await startBrowser();
    ({ page } = await openView(browser, { width: 1400 }));
    await page.evaluate(() => window.harness.showResult("perceptron"));
    await page.locator("body[data-status=done]").waitFor();
  });
  afterAll(async () => { await browser?.browser.close(); });

  test("is told where it is: title, tabs, and one panel", async () => {
    const list = await spoken(page);
    expect(find(list, "heading", "model_epoch_60000.pt")?.states["level"]).toBe(1);
    expect(list.filter(({ role }) => role === "tab").map(({ name, states }) => [name, states["selected"]])).toEqual([["Graph", true], ["Jacobians", false], ["Plots", false], ["Table", false]]);
    expect(list.filter(({ role }) => role === "tabpanel").map(({ name }) => name)).toEqual(["Graph"]);
    expect(nameless(list)).toEqual([]);
  });

  test("graph: the picture is one thing with its keys, a move is one sentence, details are a list of buttons", async () => {
    const before = await spoken(page);
    const graph = find(before, "application", /^Interaction graph\. Arrow keys/)!;
    expect(graph.states).toMatchObject({ focusable: true, roledescription: "interaction graph" });
    expect(inside(before, graph)).toEqual([]);
    expect(find(before, "slider", "Edge threshold")!.states["valuetext"]).toMatch(/%, .* edges$/);
    expect(find(before, "button", "Export")!.states).toMatchObject({ hasPopup: "menu", expanded: false });
    expect(find(before, "button", /^layers\.1 62 of 101 features kept$/)).toBeDefined();
    await page.locator(".graph-overlay").focus();
    for (const key of ["ArrowDown", "Enter"]) await page.keyboard.press(key);
    const list = await spoken(page);
    const log = find(list, "log", "Announcements")!;
    expect(log.states["live"]).toBe("polite");
    expect(words(inside(list, log))).toMatch(/^layers\.0 f2, importance .* of the layer\. No incoming edges\. \d+ outgoing, strongest layers\.1 f\d+ [\d.]+\.$/);
    const details = inside(list, find(list, "complementary", "Details")!);
    expect(find(details, "heading", "layers.0 f2")).toBeDefined();
    expect(find(details, "button", /^f\d+ edge of [\d.]+$/)).toBeDefined();
    expect(nameless(list)).toEqual([]);
  });

  test("heatmaps: every pane is a figure with its size; the cell under the cursor is announced", async () => {
    await page.getByRole("tab", { name: "Jacobians" }).click();
    await page.locator(".panes[data-panes='3']").waitFor();
    await page.locator(".pane-canvas").nth(2).focus();
    await page.keyboard.press("ArrowRight");
    const list = await spoken(page);
    expect(list.filter(({ role }) => role === "figure").map(({ name }) => name)).toEqual(["Neurons", "PCA", "LIB"]);
    expect(find(list, "application", /^LIB, 61 rows and 86 columns\. Arrow keys/)!.states["focused"]).toBe(true);
    expect(words(inside(list, find(list, "log", "Announcements")!))).toMatch(/f2 → f1.*[\d.]+/);
    expect(nameless(list)).toEqual([]);
  });

  test("plots: every figure is named after its title and read as one picture and one table", async () => {
    await page.getByRole("tab", { name: "Plots" }).click();
    await page.evaluate(() => { window.harness.ablate(); window.harness.labels("class"); });
    await page.locator(".card:visible h2", { hasText: "Features of layers.0 as pictures" }).waitFor();
    await page.locator(".card:visible h2", { hasText: "Span of modules" }).waitFor();
    await page.getByRole("figure", { name: "Features needed" }).locator("summary").click();
    const titles = (): Promise<string[]> => page.locator(".card:visible h2").allInnerTexts();
    // Figures come one after the other: what is read is a moment in which none came.
    let [before, list] = [await titles(), await spoken(page)];
    for (let attempt = 0; attempt < 10 && before.join() !== (await titles()).join(); attempt += 1) [before, list] = [await titles(), await spoken(page)];
    const figures = list.filter(({ role }) => role === "figure");
    expect(figures.map(({ name }) => name)).toEqual(before);
    for (const figure of figures) {
      const content = inside(list, figure);
      const pictures = content.filter(({ role }) => role === "image");
      expect(pictures.map(({ name }) => name.startsWith(figure.name) && name.endsWith("The table below has the numbers."))).toEqual([true]);
      // Neither ticks nor marks one by one.
      expect(inside(list, pictures[0]!)).toEqual([]);
      expect(find(content, "button", `Export ${figure.name}`)!.states["hasPopup"]).toBe("menu");
      expect(find(content, "DisclosureTriangle", /^Table, [\d\s]+ rows$/)).toBeDefined();
    }
    const table = find(list, "table", "Features needed")!;
    expect(inside(list, table).filter(({ role }) => role === "columnheader").map(({ name }) => name)).toEqual(["Layer", "Basis", "Needed", "Of", "Share"]);
    expect(inside(list, table).filter(({ role }) => role === "row")).toHaveLength(7);
    expect(nameless(list)).toEqual([]);
  });

  test("table: caption, headers that are buttons, rows with a cell for every header", async () => {
    await page.getByRole("tab", { name: "Table" }).click();
    await page.getByRole("columnheader", { name: "Module" }).waitFor();
    // Labels came with the figures of the test before.
    await page.getByRole("columnheader", { name: "Label" }).waitFor();
    const list = await spoken(page);
    const table = find(list, "table", /^features, \d+ rows$/)!;
    const content = inside(list, table);
    const headers = content.filter(({ role }) => role === "columnheader");
    expect(headers.map(({ name }) => name)).toEqual(["Layer", "Feature", "Importance", "Share of layer", "Strongest input", "Strongest output", "Module", "Label"]);
    for (const header of headers) expect(inside(list, header)[0]).toMatchObject({ role: "button", name: header.name });
    const rows = content.filter(({ role }) => role === "row").slice(1);
    expect(rows).toHaveLength(100);
    for (const row of rows) expect(inside(list, row).filter(({ role }) => role === "cell")).toHaveLength(headers.length);
    expect(nameless(list)).toEqual([]);
  });
});
