/** @file The strongest part of a label, for the little room beside a node. */

/** "97% cos(36x + 36y)|1% …" is cos(36x + 36y), "71% class|high 3 5|low 0" is 3 5, a label made by hand is itself. */
export function shortLabel(label: string | null): string {
  const parts = (label ?? "").split("|").map((part) => part.trim());
  const [first = ""] = parts;
  const term = first.replace(/^\d+%\s+/, "");
  if (!/^(class|position|token)$/.test(term)) return term;
  return parts.find((part) => part.startsWith("high "))?.slice("high ".length) ?? parts.find((part) => part.startsWith("low ")) ?? "";
}
