/** @file What a screen reader is given: Chromium's accessibility tree of the page, as the sentences that are read in order. */

import type { Page } from "playwright-core";

interface Value { value?: unknown }
interface AXNode { nodeId: string; parentId?: string; ignored: boolean; role?: Value; name?: Value; description?: Value; value?: Value; properties?: { name: string; value: Value }[]; childIds?: string[] }

export interface Spoken {
  role: string;
  name: string;
  value: string;
  /** States and relations that are said: expanded, selected, sort, live, … */
  states: Record<string, unknown>;
  depth: number;
}

/** Nodes without words of their own, and pieces of a text that is read as a whole. */
const silent = new Set(["none", "generic", "InlineTextBox", "RootWebArea", "LineBreak", "ListMarker"]);

/** Everything that is not ignored, in reading order. */
export async function spoken(page: Page): Promise<Spoken[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree") as unknown as { nodes: AXNode[] };
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const list: Spoken[] = [];
  const walk = (node: AXNode, depth: number): void => {
    const text = ({ value }: Value = {}): string => (value === undefined || value === null ? "" : String(value)).replace(/\s+/g, " ").trim();
    const role = text(node.role);
    const said = !node.ignored && !silent.has(role);
    if (said) list.push({ role, name: text(node.name), value: text(node.value), states: Object.fromEntries((node.properties ?? []).map(({ name, value }) => [name, value.value])), depth });
    for (const id of node.childIds ?? []) {
      const child = byId.get(id);
      if (child !== undefined) walk(child, depth + (said ? 1 : 0));
    }
  };
  for (const node of nodes) if (node.parentId === undefined) walk(node, 0);
  return list;
}
