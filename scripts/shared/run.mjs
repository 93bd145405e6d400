/** @file Starts programs for the other scripts: output goes straight to the terminal, nothing is left running. */

import { spawn } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * Runs a program in the project's root and streams its output.
 * @param {string} command
 * @param {string[]} args
 * @param {{ minutes?: number, env?: Record<string, string> }} [options] `minutes`: the program and its children are killed after this time.
 * @returns {Promise<number>} its exit code; 124 when the time was over, 127 when it could not be started.
 */
export function run(command, args, { minutes, env = {} } = {}) {
  return new Promise((done) => {
    // Its own process group, so that a stuck program goes with everything that it started.
    const detached = process.platform !== "win32" && minutes !== undefined;
    const child = spawn(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env }, detached });
    const killGroup = (signal) => {
      try {
        process.kill(detached ? -child.pid : child.pid, signal);
      } catch {
        // already gone
      }
    };
    const onSignal = () => killGroup("SIGTERM");
    process.once("SIGINT", onSignal);
    process.once("SIGTERM", onSignal);
    let late = false;
    const timer = minutes === undefined ? undefined : setTimeout(() => {
      late = true;
      console.error(`\n${command} ${args.join(" ")}: stopped after ${minutes} minutes`);
      killGroup("SIGKILL");
    }, minutes * 60_000);
    const finish = (code) => {
      clearTimeout(timer);
      process.removeListener("SIGINT", onSignal);
      process.removeListener("SIGTERM", onSignal);
      done(code);
    };
    child.once("error", (error) => {
      console.error(`${command} cannot be started: ${error.message}`);
      finish(127);
    });
    child.once("exit", (code) => finish(late ? 124 : (code ?? 1)));
  });
}

/** Runs one of the project's Node programs with the Node that runs this script. */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}
