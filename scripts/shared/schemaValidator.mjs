/**
 * @file A JSON schema as the function that checks it, written when the bundles are built: compiling the schema at run time took a tenth of a
 * second of every start of the command line, and as long a pause of the language server.
 *
 *   import validate from "./x.schema.json?validator"
 */

import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const query = "?validator";

/** Source of an ES module whose default export checks a value against the schema in `file`. */
function validatorSource(file) {
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, code: { source: true, esm: true } });
  const source = standaloneCode(ajv, ajv.compile(JSON.parse(readFileSync(file, "utf8"))));
  // Ajv writes `require` for its helpers also into ES modules.
  return source.replace(/const (\w+) = require\("([^"]+)"\)\.default;/g, 'import $1module from "$2.js"; const $1 = $1module.default ?? $1module;');
}

/** For esbuild. */
export const schemaValidators = {
  name: "schema-validators",
  setup(build) {
    build.onResolve({ filter: /\.schema\.json\?validator$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice(0, -query.length)), namespace: "schema-validator",
    }));
    build.onLoad({ filter: /.*/, namespace: "schema-validator" }, ({ path }) => ({
      contents: validatorSource(path), loader: "js", resolveDir: dirname(fileURLToPath(import.meta.url)), watchFiles: [path],
    }));
  },
};

/** For Vitest. */
export const schemaValidatorsInTests = {
  name: "schema-validators",
  enforce: "pre",
  load(id) {
    return id.endsWith(`.schema.json${query}`) ? validatorSource(id.slice(0, -query.length)) : null;
  },
};
