/** @file What a person does in the editor's window, in terms of its rendered page. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, type Browser, type Frame, type Locator, type Page } from "playwright-core";

/** Milliseconds that a list may take to open or to fill on a busy machine. */
const patience = 8000;

/**
 * Milliseconds that a step waits: for what the window answers by itself, and for what is computed first (a run, a view of one), which takes many
 * times longer where other programs use the machine. A wait ends as soon as what it waits for is there.
 */
export const waits = { answer: 30_000, work: 110_000 } as const;

/** Pictures are kept here for people to look at. */
const pictures = "artifacts/screenshots";

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--disable-gpu",
      // nothing but this machine can be reached, whatever a page asks for
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ],
  });
}

/** Hosts other than this machine that a page asked for. Webview resources have a host name of their own but never leave the browser. */
function recordForeignHosts(page: Page): Set<string> {
  const foreign = new Set<string>();
  page.context().on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol === "data:" || protocol === "blob:" || hostname === "") return;
    if (hostname === "127.0.0.1" || hostname === "localhost" || hostname.endsWith(".vscode-resource.vscode-cdn.net")) return;
    foreign.add(request.url());
  });
  return foreign;
}

/** One state of a result view, as its document says it. */
export interface ViewState { status: string; layers: number; sections: number; panes: number }

/** Runs in every frame before its own scripts: keeps each state that a result view goes through, however short. */
const stateRecorder = `
  const states = globalThis.libLensStates = [];
  const note = () => {
    const { ready, status, layers, sections } = document.body?.dataset ?? {};
    if (ready === undefined) return;
    const panes = document.querySelector("[data-panes]")?.dataset.panes ?? 0;
    const state = { status, layers: Number(layers), sections: Number(sections), panes: Number(panes) };
    if (JSON.stringify(state) !== JSON.stringify(states.at(-1))) states.push(state);
  };
  // Told after each message that the view answers: a look every few milliseconds misses those that come in a burst.
  const observer = new MutationObserver(note);
  let watched;
  // VS Code writes the view's document later, in place of the frame's first one.
  setInterval(() => {
    if (document.body === watched || document.body === null) return;
    watched = document.body;
    observer.observe(watched, { subtree: true, attributes: true, attributeFilter: ["data-ready", "data-status", "data-layers", "data-sections", "data-panes"] });
    note();
  }, 5);
`;

export class Workbench {
  private constructor(readonly page: Page, readonly foreignHosts: ReadonlySet<string>) {}

  /** Opens a folder in a new window and waits until the explorer lists its files. */
  static async open(browser: Browser, url: string, folder: string, viewport = { width: 1400, height: 900 }): Promise<Workbench> {
    const context = await browser.newContext({ viewport, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
    await context.addInitScript(stateRecorder);
    const page = await context.newPage();
    const foreignHosts = recordForeignHosts(page);
    await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    const workbench = new Workbench(page, foreignHosts);
    await workbench.ready();
    return workbench;
  }

  private async ready(): Promise<void> {
    await this.page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
    await this.page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: 60_000 });
  }

  /** Reloads the window, as a person would after an update. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
  }

  /**
   * Types into Quick Open or the palette and picks a row. The list is computed when the text changes, so a command of an extension that
   * is still being scanned would stay missing for ever, and an input that is just closing is visible but dead: open, type and look again
   * until the row is there.
   */
  private async quickPick(key: string, text: string, row: string | RegExp): Promise<void> {
    const widget = this.page.locator(".quick-input-widget");
    const input = widget.locator(".quick-input-box input");
    const found = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: row }).first();
    const end = Date.now() + 90_000;
    for (;;) {
      try {
        await this.page.keyboard.press(key);
        await input.fill(text, { timeout: patience });
        await found.click({ timeout: patience });
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await this.page.keyboard.press("Escape");
        await sleep(200);
      }
    }
  }

  /** Runs a command from the palette. The palette may stay open when the command asks something itself. */
  async runCommand(title: string): Promise<void> {
    await this.quickPick("F1", `>${title}`, title);
  }

  /** What the palette offers for a text, once the row `known` is among it; it is closed again. */
  async paletteRows(text: string, known: string): Promise<string[]> {
    const widget = this.page.locator(".quick-input-widget");
    const labels = this.page.locator(".quick-input-list .monaco-list-row .quick-input-list-row .monaco-icon-label .label-name");
    const end = Date.now() + 60_000;
    for (;;) {
      await this.page.keyboard.press("F1");
      await widget.locator(".quick-input-box input").fill(`>${text}`);
      await sleep(500);
      const rows = (await labels.allInnerTexts()).map((row) => row.trim());
      await this.page.keyboard.press("Escape");
      await widget.waitFor({ state: "hidden" });
      if (rows.includes(known)) return rows;
      if (Date.now() > end) throw new Error(`The palette never showed "${known}", only: ${rows.join(", ")}`);
    }
  }

  /** Chooses a row of the list that a command is showing. */
  async choose(row: string | RegExp): Promise<void> {
    await this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: row }).first().click({ timeout: 30_000 });
  }

  /** Picks a colour theme by its label; it reaches open webviews too. */
  async setTheme(label: string): Promise<void> {
    await this.runCommand("Preferences: Color Theme");
    await this.page.locator(".quick-input-widget .quick-input-box input").fill(label);
    // By the keyboard: with the mouse on the row the window is drawn in the new theme before the click is through.
    await this.page.locator(".quick-input-list .monaco-list-row.focused").filter({ hasText: new RegExp(`^${label}`) }).waitFor({ timeout: waits.answer });
    await this.page.keyboard.press("Enter");
  }

  /** Moves the mouse out of the way and waits until two pictures of the window in a row are equal. */
  async settled(): Promise<void> {
    await this.page.mouse.move(600, 5);
    let last = await this.page.screenshot();
    for (let attempt = 0; attempt < 20; attempt++) {
      await sleep(150);
      const next = await this.page.screenshot();
      if (next.equals(last)) return;
      last = next;
    }
  }

  /** Opens a file in the first column. */
  async openFile(path: string): Promise<void> {
    await this.page.keyboard.press("Control+1");
    await this.quickPick("Control+P", path, path.split("/").at(-1) ?? path);
    await this.page.locator(".tab.active").filter({ hasText: path.split("/").at(-1) ?? path }).first().waitFor();
    await this.page.locator(".monaco-editor .view-line").first().waitFor();
  }

  /** Puts the cursor on a line (from 1) of the active editor and scrolls it into view. */
  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press("Control+G");
    const input = this.page.locator(".quick-input-widget:visible .quick-input-box input");
    await input.fill(`:${line}`);
    await input.press("Enter");
  }

  /** The line of the active editor that contains a text. */
  line(text: string): Locator {
    return this.page.locator(".editor-group-container.active .view-line, .editor-group-container .view-line").filter({ hasText: text }).first();
  }

  /** Rests the mouse on a word and gives the hover's text once it contains `expected`. The mouse moves away and back until it does. */
  async hover(lineText: string, word: string, expected: string | RegExp): Promise<Locator> {
    const shown = this.page.locator(".monaco-hover:visible").filter({ hasText: expected }).first();
    const target = this.line(lineText).locator("span span").filter({ hasText: word }).last();
    const end = Date.now() + 60_000;
    for (;;) {
      try {
        await this.page.mouse.move(5, 5);
        await target.hover({ timeout: 3000 });
        await shown.waitFor({ timeout: 3000 });
        return shown;
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  /** The content frame of the webview whose document contains `selector`; several webviews may be open. */
  async webview(selector: string, timeout: number = waits.work): Promise<Frame> {
    const end = Date.now() + timeout;
    while (Date.now() < end) {
      for (const frame of this.page.frames()) {
        const isContent = frame.name() === "active-frame" || frame.name() === "pending-frame" || frame.url().includes("fake.html");
        if (isContent && await frame.locator(selector).count().catch(() => 0) > 0) return frame;
      }
      await sleep(50);
    }
    throw new Error(`No webview with ${selector}; frames: ${this.page.frames().map((frame) => `${frame.name()} ${frame.url()}`).join("\n")}`);
  }

  /** Every state that a result view has been in so far. */
  states(view: Frame): Promise<ViewState[]> {
    return view.evaluate<ViewState[]>("globalThis.libLensStates");
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(pictures, { recursive: true });
    await this.page.screenshot({ path: join(pictures, `${name}.png`) });
  }
}
