import { join, resolve } from "node:path";
import { ESLint } from "eslint";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const eslint = new ESLint({ cwd: root });

/** What the lint says of an import from a file that need not exist. */
async function complaints(file: string, imported: string): Promise<string[]> {
  const [{ messages }] = await eslint.lintText(`import { x } from "${imported}";\nexport const y = x;\n`, { filePath: join(root, file) });
  return messages.map(({ ruleId }) => ruleId ?? "syntax");
}

/** The design's rule: client, webview -> protocol; language, analysis -> workspace, formats, core -> engine, protocol. */
const allowed: [string, string][] = [
  ["client/src/a.ts", "../../server/src/protocol/spec"], ["webview/src/graph/a.ts", "../../../server/src/protocol/spec"],
  ["server/src/server.ts", "./language/languageServer"], ["server/src/cli.ts", "./analysis/runs"],
  ["server/src/language/a.ts", "../analysis/runs"], ["server/src/analysis/store/a.ts", "../../formats/openModel"],
  ["server/src/workspace/python/a.ts", "../../core/random"], ["server/src/core/lib/a.ts", "../../engine/engine"], ["server/src/engine/a.ts", "../protocol/result"],
];
const forbidden: [string, string][] = [
  ["client/src/a.ts", "../../server/src/core/random"], ["client/src/a.ts", "../../webview/src/main"], ["webview/src/graph/a.ts", "../../../server/src/core/random"],
  ["webview/src/a.ts", "node:fs"], ["webview/src/a.ts", "vscode"],
  ["server/src/core/lib/a.ts", "../../formats/openModel"], ["server/src/core/lib/a.ts", "../../analysis/runs"], ["server/src/core/lib/a.ts", "node:fs"],
  ["server/src/core/lib/a.ts", "vscode"], ["server/src/core/lib/a.ts", "vscode-languageserver"],
  ["server/src/engine/a.ts", "../core/random"], ["server/src/formats/zip/a.ts", "../../core/random"], ["server/src/workspace/a.ts", "../analysis/runs"],
  ["server/src/analysis/a.ts", "../language/hover"], ["server/src/protocol/a.ts", "../core/random"], ["server/src/protocol/a.ts", "yaml"], ["server/src/language/a.ts", "vscode"],
];

it.each(allowed)("%s may import %s", async (file, imported) => {
  expect(await complaints(file, imported)).toEqual([]);
});

it.each(forbidden)("%s may not import %s", async (file, imported) => {
  expect(await complaints(file, imported)).toContain("no-restricted-imports");
});
