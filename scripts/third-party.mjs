/**
 * @file Writes THIRD_PARTY.md: every package whose code is in the bundles or ships beside them, with its licence. The list comes from
 * esbuild's own account of what went into each bundle, so it cannot forget or invent one.
 *
 *   node scripts/third-party.mjs            writes the file
 *   node scripts/third-party.mjs --check    exit code 1 when the file is not what would be written
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { metafiles, wasmFiles } from "../esbuild.mjs";
import { root } from "./shared/run.mjs";

const file = join(root, "THIRD_PARTY.md");

/** In the .vsix of a platform, not inside a bundle. */
const nativePackages = ["onnxruntime-node", "onnxruntime-common"];

/** Folder of the package that a path belongs to (the innermost one); null for the project's own sources. */
function packageFolder(path) {
  return /^(.*node_modules\/(?:@[^/]+\/[^/]+|[^/]+))\//.exec(path)?.[1] ?? null;
}

function licenceOf({ license, licenses }) {
  if (typeof license === "string") return license;
  const listed = [licenses ?? license ?? []].flat().map((one) => one.type).filter(Boolean);
  return listed.length > 0 ? listed.join(" OR ") : "not stated";
}

function readPackage(folder) {
  const absolute = join(root, folder);
  const manifest = JSON.parse(readFileSync(join(absolute, "package.json"), "utf8"));
  const name = readdirSync(absolute).filter((entry) => /^(licen[cs]e|copying)/i.test(entry)).sort()[0];
  return {
    name: manifest.name,
    version: manifest.version,
    licence: licenceOf(manifest),
    text: name === undefined ? null : readFileSync(join(absolute, name), "utf8").replaceAll("\r\n", "\n").trimEnd(),
  };
}

async function shippedPackages() {
  const bundled = (await metafiles()).flatMap((metafile) => Object.keys(metafile.inputs)).map(packageFolder).filter((folder) => folder !== null);
  const beside = [...wasmFiles.map((path) => packageFolder(`node_modules/${path}`)), ...nativePackages.map((name) => `node_modules/${name}`)];
  const packages = new Map();
  for (const folder of new Set([...bundled, ...beside])) {
    const one = readPackage(folder);
    packages.set(`${one.name}@${one.version}`, one);
  }
  return [...packages.values()].sort((a, b) => a.name.localeCompare(b.name, "en") || a.version.localeCompare(b.version, "en"));
}

/** Packages under the same text share one copy of it. */
function licenceTexts(packages) {
  const byText = new Map();
  for (const { name, version, text } of packages) {
    if (text !== null) byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  return [...byText].map(([text, names]) => `### ${names.join(", ")}\n\n\`\`\`text\n${text}\n\`\`\`\n`);
}

function render(packages) {
  const rows = packages.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return `# Third-party software

LIB Lens is built from the packages below. This file is written by \`scripts/third-party.mjs\` from the bundles themselves.

| package | version | licence |
|---|---|---|
${rows.join("\n")}

## Licence texts

${licenceTexts(packages).join("\n")}`;
}

const wanted = render(await shippedPackages());
if (process.argv.includes("--check")) {
  let current = "";
  try {
    current = readFileSync(file, "utf8");
  } catch {
    // a missing file is an outdated one
  }
  if (current !== wanted) {
    console.error("THIRD_PARTY.md does not list what the bundles hold: run node scripts/third-party.mjs and commit the result.");
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, wanted);
}
