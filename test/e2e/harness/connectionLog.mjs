/**
 * @file Loaded (node --import) into every Node process of the editor under test: writes one line per process start and one per
 * connection to a host other than this machine, so that a test can assert that there was none.
 */

import childProcess from "node:child_process";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { isMainThread } from "node:worker_threads";

const log = process.env.LIB_LENS_CONNECTION_LOG;
const loopback = /^(localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::ffff:127(\.\d+){3})?$/;

function write(line) {
  appendFileSync(log, `${line}\n`);
}

function watchConnections() {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const options = Array.isArray(args[0]) ? args[0][0] : args[0];
    const host = typeof options === "object" && options !== null
      ? (options.path === undefined ? options.host : undefined)
      : (typeof args[1] === "string" ? args[1] : undefined);
    if (!loopback.test(host ?? "")) write(`connect ${host} from ${process.argv.slice(1).join(" ")}`);
    return connect.apply(this, args);
  };
}

/** The editor removes NODE_OPTIONS from the environment of its extension host; here every child gets it back. */
function followChildren() {
  for (const name of ["spawn", "fork"]) {
    const original = childProcess[name];
    childProcess[name] = function (file, ...rest) {
      const at = rest.findIndex((argument) => typeof argument === "object" && argument !== null && !Array.isArray(argument));
      const options = at < 0 ? {} : rest[at];
      const watched = {
        ...options,
        env: { ...(options.env ?? process.env), NODE_OPTIONS: `--import ${import.meta.url}`, LIB_LENS_CONNECTION_LOG: log },
      };
      return original.call(this, file, ...(at < 0 ? [...rest, watched] : rest.with(at, watched)));
    };
  }
  syncBuiltinESMExports();
}

if (log !== undefined) {
  if (isMainThread) write(`start ${[...process.execArgv, ...process.argv.slice(1)].join(" ")}`);
  watchConnections();
  followChildren();
}
