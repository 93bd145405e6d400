/** @file Wrappers that put a prefix before every name of a state dict. */

const wrappers = ["module.", "_orig_mod.", "model.", "net.", "network.", "state_dict."];
const maxWrappers = 3;

/**
 * Prefixes under which a class may be stored, shortest first: `""`, then each run of known wrappers that at least half
 * of the names share (`module.model.`). DataParallel writes `module.`, torch.compile `_orig_mod.`, Lightning `model.`.
 */
export function candidatePrefixes(names: readonly string[]): string[] {
  const found = [""];
  for (let prefix = "", depth = 0; depth < maxWrappers; depth++) {
    const next = wrappers.find((wrapper) => 2 * names.filter((name) => name.startsWith(prefix + wrapper)).length >= names.length);
    if (next === undefined || names.length === 0) break;
    prefix += next;
    found.push(prefix);
  }
  return found;
}
