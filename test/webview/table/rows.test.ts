import { expect, test } from "vitest";
import { buildGraph } from "../../../webview/src/graph/model";
import { countsAt } from "../../../webview/src/graph/threshold";
import { fromResult } from "../../../webview/src/shared/data";
import { edgeTable, featureTable, filtered, layerTable, sorted } from "../../../webview/src/table/rows";
import { fixture, modularAddition } from "../fixtures";

const graph = buildGraph(fromResult("file:///r", fixture(modularAddition, 2).metadata, null), { basis: "lib", showConstant: false });

test("the table says what the graph shows: layers, features, edges at the threshold", () => {
  expect(layerTable(graph).rows.map((row) => row.slice(0, 3))).toEqual([["ln1.0", 129, 23], ["ln2.0", 129, 18], ["unembed", 129, 20], ["output", 113, 113]]);
  expect(featureTable(graph).rows).toHaveLength(23 + 18 + 20 + 113);
  const above = countsAt(graph, "strongest", 0.01);
  expect(edgeTable(graph, above).rows).toHaveLength(above.reduce((sum, count) => sum + count, 0));
});

test("shares of a layer add up to one", () => {
  const shares = featureTable(graph).rows.filter((row) => row[0] === "ln2.0").map((row) => row[3] as number);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
});

test("sorting is numeric where it should be, keeps missing values last and changes nothing in place", () => {
  const rows = [["f10", 1], ["f2", null], ["f1", 3]];
  expect(sorted(rows, 0, false).map((row) => row[0])).toEqual(["f1", "f2", "f10"]);
  expect(sorted(rows, 1, true).map((row) => row[1])).toEqual([3, 1, null]);
  expect(sorted(rows, 1, false).map((row) => row[1])).toEqual([1, 3, null]);
  expect(rows[0]![0]).toBe("f10");
});

test("a filter needs every word", () => {
  const { rows } = featureTable(graph);
  expect(filtered(rows, "ln2 f3").every((row) => row[0] === "ln2.0")).toBe(true);
  expect(filtered(rows, "")).toHaveLength(rows.length);
  expect(filtered(rows, "nowhere")).toHaveLength(0);
});
