/** @file Paths with `*`, as the path folder gives them. `*` matches any characters but `/`. */

export function hasWildcard(path: string): boolean {
  return path.includes("*");
}

export function globExpression(path: string): RegExp {
  const source = path.split(/\*+/).map((text) => text.replace(/[^\w/]/g, "\\$&")).join("[^/]*");
  return new RegExp(`^${source}$`);
}
