import { describe, expect, test } from "vitest";
import { actionOf, moved, shortcuts } from "../../../webview/src/graph/keyboard";
import { curveHeight, fitted, Layout, zoomAt } from "../../../webview/src/graph/layout";
import { buildGraph, featureName, neighbours } from "../../../webview/src/graph/model";
import { pick } from "../../../webview/src/graph/pick";
import { search } from "../../../webview/src/graph/search";
import { describeNode, describeShown } from "../../../webview/src/graph/describe";
import { shownEdges } from "../../../webview/src/graph/threshold";
import { fromResult } from "../../../webview/src/shared/data";
import { shortLabel } from "../../../webview/src/graph/shortLabel";
import { fixture, labelsOf, modularAddition } from "../fixtures";

const data = fromResult("file:///r", fixture(modularAddition, 5).metadata, null);
const graph = buildGraph(data, { basis: "lib", showConstant: false });
const layout = new Layout(graph, { width: 1000, height: 700 }, fitted);
const everything = graph.sections.map((section) => section.weight.length);

describe("picking", () => {
  test("every node is found where it is drawn", () => {
    graph.layers.forEach((layer, index) => {
      for (let feature = layer.first; feature < layer.count; feature++) {
        const node = { layer: index, feature };
        expect(pick(layout, everything, layout.x(index), layout.y(node)).node).toEqual(node);
      }
    });
  });

  test("the node of merged outputs is found where it is drawn, inside the picture", () => {
    const merged = buildGraph(data, { basis: "lib", showConstant: false, mergeOutputs: true });
    const last = merged.layers.length - 1;
    for (const width of [280, 1000]) {
      const at = new Layout(merged, { width, height: 400 }, fitted);
      expect(pick(at, everything, at.x(last), at.y({ layer: last, feature: 0 })).node).toEqual({ layer: last, feature: 0 });
      expect(at.extent.width).toBeLessThanOrEqual(width + 1e-9);
      expect(at.extent.height).toBeLessThanOrEqual(400 + 1e-9);
    }
  });

  test("an edge is found on its curve, also after zoom and pan", () => {
    const moved = new Layout(graph, layout.size, zoomAt({ x: -30, y: 0, zoom: 1.3, stretch: 1.2 }, 1.4, 60, 70));
    for (const at of [layout, moved]) {
      const x0 = at.exit({ layer: 0, feature: graph.sections[0]!.source[0]! });
      const x1 = at.x(1);
      const from = at.y({ layer: 0, feature: graph.sections[0]!.source[0]! });
      const to = at.y({ layer: 1, feature: graph.sections[0]!.target[0]! });
      const found = pick(at, [1, 0, 0], x0 + 0.4 * (x1 - x0), curveHeight(from, to, 0.4));
      expect(found.edge).toEqual({ section: 0, edge: 0 });
    }
  });

  test("a node says what it responds to as far as there is room, and its edges leave behind that", () => {
    const labelled = buildGraph(data, { basis: "lib", showConstant: false, labels: labelsOf(data.metadata!, "class", "lib") });
    const [wide, narrow] = [new Layout(labelled, { width: 1200, height: 700 }, fitted), new Layout(labelled, { width: 280, height: 700 }, fitted)];
    const node = { layer: 0, feature: 3 };
    expect(wide.text(node)).toBe("f3 · 3");
    expect(narrow.text(node)).toBe("f3");
    expect(wide.text({ layer: 3, feature: 3 })).toBe("n3");
    expect(wide.exit(node)).toBeGreaterThanOrEqual(new Layout(graph, { width: 1200, height: 700 }, fitted).exit(node));
    for (const at of [wide, narrow]) expect(at.exit(node)).toBeLessThan(at.x(1));
    const long = structuredClone(labelsOf(data.metadata!, "class", "lib"));
    long.layers[0]!.labels[3] = "97% cos(36x + 36y) and a great deal more than that|1% x";
    const cut = new Layout(buildGraph(data, { basis: "lib", showConstant: false, labels: long }), { width: 1200, height: 700 }, fitted);
    expect(cut.text(node)).toMatch(/^f3 · cos\(36x \+ 36y\).*…$/);
    expect(cut.exit(node)).toBeLessThan(cut.x(1));
  });

  test.each([
    ["97% cos(36x + 36y)|1% cos(3x)", "cos(36x + 36y)"], ["71% class|high 3 5|low 0", "3 5"], ["17% class|low 6", "low 6"], ['62% token|high " big" "id"', '" big" "id"'],
    ["wheels, mostly", "wheels, mostly"], ["constant", "constant"], ["12% class", ""], [null, ""],
  ])("the short form of %j is %j", (label, short) => expect(shortLabel(label)).toBe(short));

  test("a curve starts and ends at its nodes and never overshoots", () => {
    expect(curveHeight(10, 90, 0)).toBeCloseTo(10, 6);
    expect(curveHeight(10, 90, 1)).toBeCloseTo(90, 6);
    expect(curveHeight(10, 90, 0.5)).toBeCloseTo(50, 6);
    for (let share = 0; share <= 1; share += 0.01) expect(Math.abs(curveHeight(10, 90, share) - 50)).toBeLessThanOrEqual(40 + 1e-6);
  });

  test("the point under the pointer stays where it is while zooming", () => {
    const before = layout;
    const node = { layer: 2, feature: 4 };
    const after = new Layout(graph, layout.size, zoomAt(fitted, 1.7, before.x(2), before.y(node)));
    expect(after.x(2)).toBeCloseTo(before.x(2), 6);
    expect(after.y(node)).toBeCloseTo(before.y(node), 6);
  });
});

describe("keyboard", () => {
  test("no two shortcuts share a key", () => {
    const owner = new Map<string, string>();
    for (const shortcut of shortcuts) for (const key of shortcut.keys) {
      const name = `${key.ctrl === true ? "ctrl+" : ""}${key.key}`;
      expect(owner.get(name) ?? shortcut.does).toBe(shortcut.does);
      owner.set(name, shortcut.does);
    }
  });

  test("Tab and the editor's chords pass through", () => {
    const press = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };
    expect(actionOf({ ...press, key: "Tab" })).toBeNull();
    expect(actionOf({ ...press, key: "p", ctrlKey: true })).toBeNull();
    expect(actionOf({ ...press, key: "b", ctrlKey: true })).toBeNull();
    expect(actionOf({ ...press, key: "ArrowRight", ctrlKey: true })).toEqual({ kind: "move", to: "nextLayer" });
  });

  test("moves stay inside the graph, and right follows the strongest edge", () => {
    const start = moved(graph, null, "first")!;
    expect(start).toEqual({ layer: 0, feature: 1 });
    expect(moved(graph, start, "up")).toEqual(start);
    expect(moved(graph, start, "previousLayer")).toEqual(start);
    expect(moved(graph, start, "strongestOut")).toEqual(neighbours(graph, start, "out")[0]!.node);
    expect(moved(graph, { layer: 0, feature: 23 }, "nextLayer")).toEqual({ layer: 1, feature: 18 });
    expect(moved(graph, { layer: 3, feature: 0 }, "strongestOut")).toEqual({ layer: 3, feature: 0 });
  });
});

test("search finds a feature in one layer, in all layers, and a whole layer", () => {
  expect(search(graph, "ln2 f3")).toEqual([{ layer: 1, feature: 3 }]);
  expect(search(graph, "f3").map((node) => node.layer)).toEqual([0, 1, 2]);
  expect(search(graph, "unembed")).toHaveLength(20);
  expect(search(graph, "output 7")).toEqual([{ layer: 3, feature: 7 }]);
  expect(search(graph, "nothing here")).toEqual([]);
  expect(search(graph, " ")).toEqual([]);
});

test("sentences name node, importance and strongest partners, and say what is not drawn", () => {
  const node = { layer: 1, feature: 2 };
  const partner = neighbours(graph, node, "in")[0]!.node;
  expect(describeNode(graph, node)).toMatch(/^ln2\.0 f2, importance [\d.e−]+, [\d.<]+\u202f% of the layer\. 23 incoming, strongest ln1\.0 f/);
  expect(describeNode(graph, node)).toContain(featureName(graph.layers[0]!, partner.feature));
  const shown = shownEdges(graph, "strongest", 1e-9, 50, 0, 2);
  expect(describeShown(graph, data, shown, 1e-9, "strongest", "lib")).toContain("strongest of");
  const none = shownEdges(graph, "strongest", 2, 50, 0, 2);
  expect(describeShown(graph, data, none, 2, "strongest", "lib")).toMatch(/^None of .* reaches/);
});
