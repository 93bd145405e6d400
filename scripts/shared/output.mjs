/** @file Runs a program for what it prints: quiet, bounded in time, its failure as one sentence. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Enough for a compiler that complains at length. */
const maxBuffer = 64 * 2 ** 20;

/**
 * Standard output of a program.
 * @param {string} command
 * @param {string[]} args
 * @param {{ seconds?: number, cwd?: string, env?: Record<string, string> }} [options] `seconds`: the program is killed after this time
 * @throws {Error} one sentence: which program, and the line of its standard error that tells most
 */
export async function output(command, args, { seconds = 120, cwd, env = {} } = {}) {
  const options = { encoding: "utf8", maxBuffer, timeout: seconds * 1000, killSignal: "SIGKILL", cwd, env: { ...process.env, ...env } };
  try {
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    throw new Error(`${command} ${reason(error, seconds)}`, { cause: error });
  }
}

function reason({ killed, code, signal, stderr = "" }, seconds) {
  if (killed) return `did not end within ${seconds} seconds.`;
  if (code === "ENOENT") return "cannot be started: it is not installed.";
  // Compilers and Node name the error before they go on about it; other programs name it last.
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.includes("complete log of this run"));
  const line = lines.find((each) => /\b[eE]rror: /.test(each)) ?? lines.at(-1);
  return `failed: ${line ?? (signal ? `it was ended by ${signal}.` : `it ended with code ${code}.`)}`;
}
