/**
 * @file Loaded (node --import) into every Node process of the editor under test: writes one line per process start and one per
 * connection to a host other than this machine, so that a test can assert that there was none.
 */

import { appendFileSync } from "node:fs";
import net from "node:net";

const file = process.env.LIB_LENS_CONNECTION_LOG;
const loopback = /^(localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::ffff:127(\.\d+){3})?$/;

if (file !== undefined) {
  const write = (line) => appendFileSync(file, `${line}\n`);
  write(`start ${process.argv.slice(1).join(" ")}`);
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const options = Array.isArray(args[0]) ? args[0][0] : args[0];
    const host = typeof options === "object" && options !== null
      ? (options.path === undefined ? options.host : undefined)
      : (typeof args[1] === "string" ? args[1] : undefined);
    if (!loopback.test(host ?? "")) write(`connect ${host}`);
    return connect.apply(this, args);
  };
}
