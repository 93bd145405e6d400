/**
 * @file What the measuring programs read: milliseconds by the clock or (`--clock processor`) of processor time over all threads, which
 * other work on the machine disturbs less.
 */

export const byProcessor = process.argv.includes("--clock") && process.argv.includes("processor");

export function now(): number {
  if (!byProcessor) return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
