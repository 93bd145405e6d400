/** @file Once before the tests in the editor: VS Code, the browser and the packaged extension. */

import { findChromium } from "../../../scripts/shared/chromium.mjs";
import { ensureVsCode } from "../../../scripts/install-vscode.mjs";
import { packageExtension } from "../../../scripts/package.mjs";

export default async function setup({ provide }) {
  provide("chromium", findChromium());
  provide("vscode", await ensureVsCode());
  provide("extension", await packageExtension({ target: `${process.platform}-${process.arch}`, out: "artifacts/lib-lens.vsix" }));
}
