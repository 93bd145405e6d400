/**
 * @file `npm run bench:engine -- [--clock processor] [--eigen]`: matrix products and elementwise operations of every engine that runs here, and
 * the eigensolver beside NumPy's (with `--eigen` this alone). Numbers are only comparable within one run on a quiet machine.
 */

import { withProgram } from "./bench/bundle.mjs";

try {
  await withProgram("engineBench", async (run) => { process.stdout.write(await run(...process.argv.slice(2))); });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
