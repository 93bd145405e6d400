/** @file Which class of the workspace a name means, through imports. */

import type { DocumentFacts, ModuleDefinition } from "../facts";
import { cellModule } from "../notebook/notebook";

export interface FoundModule { facts: DocumentFacts; definition: ModuleDefinition }

const maxHops = 8;

export class Symbols {
  readonly #documents: ReadonlyMap<string, DocumentFacts>;
  /** Path ends such as `models/mlp` -> documents. */
  readonly #byModule = new Map<string, string[]>();

  constructor(documents: ReadonlyMap<string, DocumentFacts>) {
    this.#documents = documents;
    for (const uri of documents.keys()) {
      const path = modulePath(uri);
      const name = path.slice(path.lastIndexOf("/") + 1);
      const list = this.#byModule.get(name);
      if (list) list.push(uri);
      else this.#byModule.set(name, [uri]);
    }
  }

  /** The class that `callee` (`MLP`, `models.MLP`) names in a document; null when it is not in the workspace. */
  find(callee: string, from: DocumentFacts, hops = 0): FoundModule | null {
    if (hops > maxHops) return null;
    const parts = callee.split(".");
    const name = parts.at(-1) ?? "";
    if (parts.length === 1) {
      const own = from.modules.find((definition) => definition.kind === "class" && definition.name === name);
      if (own) return { facts: from, definition: own };
      for (const imported of from.imports) {
        if (imported.as !== name && imported.name !== "*") continue;
        const source = this.#document(imported.module, imported.level, from.uri);
        const found = source && this.find(imported.name === "*" ? name : imported.name ?? name, source, hops + 1);
        if (found) return found;
      }
      return null;
    }
    const qualifier = parts.slice(0, -1).join(".");
    for (const imported of from.imports) {
      if (imported.as !== qualifier) continue;
      const module = imported.name === null ? imported.module : [imported.module, imported.name].filter(Boolean).join(".");
      const source = this.#document(module, imported.level, from.uri);
      const found = source && this.find(name, source, hops + 1);
      if (found) return found;
    }
    return null;
  }

  /** Documents that a document imports, directly or not, itself included. */
  reachable(from: DocumentFacts): Set<string> {
    const seen = new Set([from.uri]);
    const queue = [from];
    for (let facts = queue.pop(); facts; facts = queue.pop()) {
      for (const imported of facts.imports) {
        const candidates = [imported.module, imported.name === null ? null : [imported.module, imported.name].filter(Boolean).join(".")];
        for (const module of candidates) {
          const next = module === null ? null : this.#document(module, imported.level, facts.uri);
          if (next && !seen.has(next.uri)) {
            seen.add(next.uri);
            queue.push(next);
          }
        }
      }
    }
    return seen;
  }

  /** The document of a dotted module: relative to the importing document, else the one whose path ends so and is nearest to it. */
  #document(module: string, level: number, from: string): DocumentFacts | null {
    if (module.startsWith(cellModule)) return this.#documents.get(module.slice(cellModule.length)) ?? null;
    const tail = module.replaceAll(".", "/");
    if (level > 0) {
      const base = from.split("/").slice(0, -level).join("/");
      const path = tail ? `${base}/${tail}` : base;
      return this.#documents.get(`${path}.py`) ?? this.#documents.get(`${path}/__init__.py`) ?? null;
    }
    if (!tail) return null;
    const candidates = (this.#byModule.get(tail.slice(tail.lastIndexOf("/") + 1)) ?? [])
      .filter((uri) => modulePath(uri).endsWith(`/${tail}`))
      .sort((a, b) => commonPrefix(b, from) - commonPrefix(a, from));
    const best = candidates[0];
    return best === undefined ? null : this.#documents.get(best) ?? null;
  }
}

/** URI of a document without `.py` and without `/__init__`. */
function modulePath(uri: string): string {
  return uri.replace(/\.pyi?$/, "").replace(/\/__init__$/, "");
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
