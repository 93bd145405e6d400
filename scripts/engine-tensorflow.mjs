/**
 * @file Gives the `tensorflow` backend its native half without the download of @tensorflow/tfjs-node's own install step.
 *
 *   npm run engine:tensorflow                     the first of these three that works; what is passed over says why in a line
 *   npm run engine:tensorflow -- --wheel [DIR]    compile the addon against an installed TensorFlow: Python's, or the one in DIR
 *                                                 (".../site-packages/tensorflow", or the unpacked C library with its `lib` and `include`)
 *   npm run engine:tensorflow -- --pip            compile it against the libraries of the wheel that pip downloads, which are kept beside it (linux)
 *   npm run engine:tensorflow -- --registry       a prebuilt addon and library from the npm registry (linux x64)
 *
 * `--into FOLDER` puts the result there instead of `.engine/tensorflow` in the project's root, where the engine looks; it looks in FOLDER
 * when LIB_LENS_TENSORFLOW names it. What was said stays in FOLDER.log. `--binding FOLDER` compiles other sources of the addon than those
 * of the installed @tensorflow/tfjs-node, which need TensorFlow 2.4.
 */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildTools, compileAddon, keepUsedHeaders } from "./tensorflow/addon.mjs";
import { output } from "./shared/output.mjs";
import { unpackPrebuilt } from "./tensorflow/prebuilt.mjs";
import { installedTensorflow, unpackWheelOfPip } from "./tensorflow/wheel.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(root, "package.json"));

/**
 * The JavaScript half of the backend. `npm ci` drops the optional package where its install step cannot download the library, so it
 * is put back without that step.
 */
async function ensureTfjsNode() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  try {
    require.resolve("@tensorflow/tfjs-node/package.json");
  } catch {
    await output("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `@tensorflow/tfjs-node@${optionalDependencies["@tensorflow/tfjs-node"]}`], { cwd: root });
  }
}

/** Sources of the addon in the installed package. */
const installedBinding = () => join(dirname(require.resolve("@tensorflow/tfjs-node/package.json")), "binding");

/** The ways to an addon in `fresh`, in order of preference. Each returns the addon's file in there and whence TensorFlow is. */
function waysTo(fresh, { wheel, binding }) {
  const sources = () => resolve(binding ?? installedBinding());
  const work = join(fresh, "work");
  const compiled = "tfjs_binding.node";
  return {
    wheel: {
      name: "an installed TensorFlow",
      async take() {
        const folder = resolve(wheel ?? await installedTensorflow());
        await compileAddon(folder, sources(), join(fresh, compiled), await buildTools());
        return { addon: compiled, from: folder };
      },
    },
    pip: {
      name: "pip's TensorFlow",
      async take() {
        const tools = await buildTools();
        const libraries = join(fresh, "deps");
        const name = await unpackWheelOfPip(libraries, work);
        await compileAddon(libraries, sources(), join(fresh, compiled), tools, { libraries: "$ORIGIN/deps/lib" });
        await keepUsedHeaders(libraries, sources(), tools);
        return { addon: compiled, from: `pip's wheel ${name}` };
      },
    },
    registry: {
      name: "the npm registry's TensorFlow",
      take: async () => ({ addon: await unpackPrebuilt(fresh, work), from: "the npm registry" }),
    },
  };
}

/** Follows one way, loads what it brought in a process of its own, and puts it at `target` in one step. @returns what to say */
async function install(way, fresh, target) {
  mkdirSync(fresh);
  const { addon, from } = await way.take();
  rmSync(join(fresh, "work"), { recursive: true, force: true });
  // TensorFlow's remarks at its start look like errors; a failure is an exception or the end of the process.
  const env = { TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? "3" };
  const version = await output(process.execPath, ["-p", "require(process.argv[1]).TF_Version", join(fresh, addon)], { env });
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  return `TensorFlow ${version.trim()} from ${from}: the addon loads.`;
}

function readArguments() {
  const { values } = parseArgs({
    // --wheel alone means Python's
    args: process.argv.slice(2).map((one, at, all) => (one === "--wheel" && (all[at + 1] ?? "--").startsWith("--") ? "--wheel=" : one)),
    options: {
      wheel: { type: "string" }, pip: { type: "boolean", default: false }, registry: { type: "boolean", default: false },
      into: { type: "string" }, binding: { type: "string" },
    },
  });
  const asked = ["wheel", "pip", "registry"].filter((name) => values[name] !== undefined && values[name] !== false);
  if (asked.length > 1) throw new Error(`--${asked.join(" and --")} exclude each other: give one of them, or none to try each in turn.`);
  return { ...values, wheel: values.wheel || undefined, asked: asked[0], target: resolve(values.into ?? join(root, ".engine", "tensorflow")) };
}

/** @throws {Error} one sentence, when no way was left */
async function takeFirst(ways, fresh, target, say) {
  for (const way of ways) {
    try {
      say(await install(way, fresh, target));
      return;
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      if (ways.length === 1) throw error;
      say(`Not from ${way.name}: ${error.message}`);
    }
  }
  throw new Error("No TensorFlow can be had here; the other backends work without it.");
}

async function main() {
  const { target, asked, ...options } = readArguments();
  mkdirSync(dirname(target), { recursive: true });
  const place = mkdtempSync(`${target}.new-`);
  const said = [];
  const finish = () => {
    rmSync(place, { recursive: true, force: true });
    writeFileSync(`${target}.log`, said.map((line) => `${line}\n`).join(""));
  };
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      said.push(`It was ended by ${signal}.`);
      finish();
      process.exit(130);
    });
  }
  try {
    await ensureTfjsNode();
    const fresh = join(place, "addon");
    const ways = waysTo(fresh, options);
    await takeFirst(asked === undefined ? Object.values(ways) : [ways[asked]], fresh, target, (line) => {
      said.push(line);
      console.log(`engine:tensorflow: ${line}`);
    });
  } catch (error) {
    said.push(error.message);
    throw error;
  } finally {
    finish();
  }
}

await main().catch((error) => {
  console.error(`engine:tensorflow: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
