/** @file Lifetime of tensors: what is made inside `tidy` and not returned is freed when its body ends. */

/** Keeps the stack of open `tidy` scopes for one engine. */
export class TensorScopes<Handle extends object> {
  readonly #stack: Handle[][] = [];

  constructor(
    private readonly isHandle: (value: unknown) => value is Handle,
    private readonly free: (handle: Handle) => void,
  ) {}

  /** Remembers a new tensor; call it for every tensor the engine makes. */
  track(handle: Handle): Handle {
    this.#stack.at(-1)?.push(handle);
    return handle;
  }

  tidy<T>(body: () => T): T {
    const made: Handle[] = [];
    this.#stack.push(made);
    let kept = new Set<Handle>();
    try {
      const result = body();
      if (result instanceof Promise) throw new TypeError("tidy: the body is asynchronous; await outside and tidy each synchronous part.");
      kept = this.#handlesIn(result);
      return result;
    } finally {
      this.#stack.pop();
      for (const handle of made) {
        if (kept.has(handle)) this.track(handle);
        else this.free(handle);
      }
    }
  }

  /** Every tensor reachable from `value` through arrays, maps and plain objects. */
  #handlesIn(value: unknown): Set<Handle> {
    const found = new Set<Handle>();
    const seen = new Set<object>();
    const visit = (item: unknown): void => {
      if (typeof item !== "object" || item === null || seen.has(item) || ArrayBuffer.isView(item)) return;
      seen.add(item);
      if (this.isHandle(item)) found.add(item);
      else if (item instanceof Map || item instanceof Set || Array.isArray(item)) for (const each of item.values()) visit(each);
      else for (const each of Object.values(item)) visit(each);
    };
    visit(value);
    return found;
  }
}
