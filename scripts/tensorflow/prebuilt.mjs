/** @file An addon with its TensorFlow library, built by others, out of a package of the npm registry. */

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { output } from "../shared/output.mjs";

/** A build of tfjs-node 2.7 with its TensorFlow library inside the package: old, but native, and enough for the engine's operations. */
const registryPackage = {
  name: "tfjs-node-lambda-releases@1.6.1",
  archive: "package/nodejs12.x-tf2.7.0.br",
  sha512: "D275PZpxsKenTuiPnvIE5T+D5JrT4aU9M3EDCedBQKlP0hUB7011Yzg8CAJ6MBIog9Lq90aaEair4yrBBlk61w==",
};

/**
 * Takes addon and library out of the package; npm's checksum is checked again against the pinned one.
 * @param {string} into where addon, libraries, headers and licences go
 * @param {string} work folder for what is removed again
 * @returns {Promise<string>} the addon's file, relative to `into`
 * @throws {Error} one sentence
 */
export async function unpackPrebuilt(into, work) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error("The registry holds a prebuilt addon for linux x64 only. Install TensorFlow for Python and use --wheel.");
  }
  mkdirSync(work, { recursive: true });
  await output("npm", ["pack", registryPackage.name, "--silent", "--pack-destination", work]);
  const tarball = join(work, readdirSync(work).find((name) => name.endsWith(".tgz")));
  const digest = createHash("sha512").update(readFileSync(tarball)).digest("base64");
  if (digest !== registryPackage.sha512) throw new Error(`${registryPackage.name} has an unexpected checksum; nothing was installed.`);
  await output("tar", ["-xzf", tarball, "-C", work, registryPackage.archive]);
  const archive = join(work, "tensorflow.tar");
  await pipeline(createReadStream(join(work, registryPackage.archive)), createBrotliDecompress(), createWriteStream(archive));
  const inside = "node_modules/@tensorflow/tfjs-node";
  // The addon looks for its libraries at ../../deps/lib, as in the package, so the layout stays.
  const addon = "lib/napi-v6/tfjs_binding.node";
  await output("tar", ["-xf", archive, "-C", into, "--strip-components=3", `${inside}/${addon}`,
    ...["tensorflow", "tensorflow_framework"].flatMap((name) => [".so.1", ".so.1.15.0"].map((end) => `${inside}/deps/lib/lib${name}${end}`)),
    `${inside}/deps/include`, `${inside}/binding`, `${inside}/deps/LICENSE`, `${inside}/deps/THIRD_PARTY_TF_C_LICENSES`]);
  return addon;
}
