/** @file The built view in plain Chromium, under the same content security policy as in VS Code; nothing but routes answers. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";
import { themes, type ThemeName } from "./themes";

const root = join(import.meta.dirname, "../../..");
const chromiumPath = process.env["LIB_LENS_CHROMIUM"] ?? "/usr/bin/chromium";

/** Page tests are skipped, and say so, where no browser is installed. */
export const browserMissing = existsSync(chromiumPath) ? null : `no browser at ${chromiumPath} (set LIB_LENS_CHROMIUM)`;

interface Bundle { script: string; style: string; host: string }

async function bundle(): Promise<Bundle> {
  const options = { absWorkingDir: root, bundle: true, write: false, platform: "browser", format: "iife", target: "es2022", legalComments: "none" } as const;
  const [view, host] = await Promise.all([
    build({ ...options, entryPoints: { result: "webview/src/main.ts" }, outdir: "out" }),
    build({ ...options, entryPoints: ["test/webview/harness/host.ts"] }),
  ]);
  const text = (end: string): string => view.outputFiles.find((file) => file.path.endsWith(end))!.text;
  return { script: text(".js"), style: text(".css"), host: host.outputFiles[0]!.text };
}

export interface ViewBrowser { browser: Browser; bundle: Bundle }

export async function startBrowser(): Promise<ViewBrowser> {
  const [browser, files] = await Promise.all([
    chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] }),
    bundle(),
  ]);
  return { browser, bundle: files };
}

export interface ViewPage {
  page: Page;
  /** Policy violations, script errors and requests to anywhere else. */
  problems: string[];
  close(): Promise<void>;
}

const origin = "http://view.test";

export async function openView({ browser, bundle: files }: ViewBrowser, options: { theme?: ThemeName; width?: number; height?: number } = {}): Promise<ViewPage> {
  const { theme = "dark", width = 1200, height = 800 } = options;
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce" });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("console", (message) => { if (message.type() === "error") problems.push(`console: ${message.text()}`); });
  const { classes, variables } = themes[theme];
  const policy = "default-src 'none'; img-src 'self' data: blob:; style-src 'self' 'nonce-n'; font-src 'self'; script-src 'nonce-n'";
  const html = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>LIB result</title><link rel="stylesheet" nonce="n" href="result.css"></head>
<body class="${classes}"><div id="app"></div><script nonce="n" src="host.js"></script><script nonce="n" src="result.js"></script></body></html>`;
  const variableSheet = `:root{${Object.entries(variables).map(([name, value]) => `--vscode-${name}:${value}`).join(";")}}\n`;
  const answers: Record<string, [string, string]> = {
    "/": ["text/html", html], "/result.css": ["text/css", variableSheet + files.style], "/result.js": ["text/javascript", files.script], "/host.js": ["text/javascript", files.host],
  };
  await context.route("**/*", (route) => {
    const url = new URL(route.request().url());
    const answer = url.origin === origin ? answers[url.pathname] : undefined;
    if (url.pathname === "/favicon.ico") return route.fulfill({ status: 204 });
    if (answer === undefined) { problems.push(`request: ${url.href}`); return route.abort(); }
    return route.fulfill({ contentType: answer[0], body: answer[1], headers: { "Content-Security-Policy": policy } });
  });
  await page.goto(`${origin}/`);
  await page.locator("body[data-ready]").waitFor();
  return { page, problems, close: () => context.close() };
}
