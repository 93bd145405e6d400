/**
 * @file `npm start`: installs and builds where needed, then analyses the bundled example with the command line
 * and says where the result and the report are.
 */

import { ensureInstalled } from "./shared/install.mjs";
import { runNode } from "./shared/run.mjs";

const spec = "examples/modular-addition/modular-addition.lib.json";

async function main() {
  await ensureInstalled();
  const built = await runNode(["esbuild.mjs"]);
  if (built !== 0) throw new Error("The build failed; its messages stand above.");
  console.log(`\nlib-lens analyze ${spec}\n`);
  process.exitCode = await runNode(["dist/cli.js", "analyze", spec]);
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
