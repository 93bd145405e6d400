import { describe, expect, test } from "vitest";
import { parseViewMessage } from "../../../client/src/viewMessages";
import { readMatrix } from "../../../client/src/matrixMessage";
import { decodeEdges } from "../../../client/src/readResult";
import { ago } from "../../../client/src/format";
import { csv } from "../../../webview/src/shared/exports";
import { number, parseNumber, percent } from "../../../webview/src/shared/format";
import { parseHostMessage } from "../../../webview/src/shared/hostMessages";
import { initialState, restoreState } from "../../../webview/src/shared/savedState";
import { fixture, labelsOf, modularAddition, runEvents } from "../fixtures";

describe("messages to the view", () => {
  const { metadata } = fixture(modularAddition);
  const result = { kind: "result", uri: "file:///r", metadata };

  test("a result and every event of a run pass", () => {
    expect(parseHostMessage(result)).toEqual(result);
    for (const event of runEvents(metadata)) expect(parseHostMessage({ kind: "run", event })).toEqual({ kind: "run", event });
  });

  test.each(["class", "position", "token", "fourier"] as const)("labels of kind %s pass, damaged ones do not", (kind) => {
    const message = { kind: "labels", uri: "file:///r", basis: "lib", labels: labelsOf(metadata, kind, "lib"), news: true };
    expect(parseHostMessage(message)).toEqual(message);
    expect(parseHostMessage({ ...message, basis: "other" })).toBeNull();
    expect(parseHostMessage({ ...message, labels: { kind, layers: [{ name: "a", labels: [1], explained: [] }] } })).toBeNull();
    expect(parseHostMessage({ ...message, labels: { kind, layers: [{ name: "a", labels: [], explained: [], profile: [[{ group: -1, count: 1, mean: 0, deviation: 0 }]] }] } })).toBeNull();
  });

  test("a newer version is named, damage is a sentence", () => {
    expect(parseHostMessage({ ...result, metadata: { ...metadata, version: 7 } })).toMatchObject({ kind: "error", message: expect.stringContaining("version 7") as string });
    const broken = structuredClone(metadata);
    broken.sections[0]!.edges.source[0] = 1e6;
    expect(parseHostMessage({ ...result, metadata: broken })).toMatchObject({ kind: "error", message: expect.stringContaining("damaged") as string });
  });

  test.each([null, 3, {}, { kind: "run" }, { kind: "run", event: { kind: "layer", run: "r" } }, { kind: "matrix", request: 1, tensor: "t", matrix: { rows: 2, cols: 2, values: new Float32Array(3) } }, { kind: "show", tab: "elsewhere" }])("%j is not one", (value) => {
    expect(parseHostMessage(value)).toBeNull();
  });
});

describe("messages from the view", () => {
  test("what the protocol names passes, extra fields do not", () => {
    expect(parseViewMessage({ kind: "ready", extra: 1 })).toEqual({ kind: "ready" });
    expect(parseViewMessage({ kind: "ablate", request: 1, basis: "lib", layer: 0, remove: [1, 2] })).toEqual({ kind: "ablate", request: 1, basis: "lib", layer: 0, remove: [1, 2] });
    expect(parseViewMessage({ kind: "action", action: "showLog" })).toEqual({ kind: "action", action: "showLog" });
    expect(parseViewMessage({ kind: "modules", request: 1, resolution: 2, basis: "pca", extra: 1 })).toEqual({ kind: "modules", request: 1, resolution: 2, basis: "pca" });
    expect(parseViewMessage({ kind: "architecture", request: 4 })).toEqual({ kind: "architecture", request: 4 });
  });

  test.each([
    undefined, "ready", { kind: "open", path: "/etc/passwd" }, { kind: "action", action: "workbench.action.quit" }, { kind: "ablate", request: 1, basis: "other", layer: 0, remove: [] },
    { kind: "ablate", request: 1, basis: "lib", layer: 0, remove: [-1] }, { kind: "export", name: "x", format: "exe", bytes: new Uint8Array(1) }, { kind: "export", name: "x", format: "png", bytes: [1] }, { kind: "matrix", request: 0.5, tensor: "t" },
    { kind: "modules", request: 1, resolution: 1, basis: "neuron" }, { kind: "modules", request: 1, resolution: Infinity, basis: "lib" }, { kind: "architecture" },
  ])("%j is refused", (value) => {
    expect(parseViewMessage(value)).toBeNull();
  });
});

/** Serves rows of a matrix, `atOnce` in a message. */
function serving(rows: number, cols: number, values: Float32Array, atOnce: number): Parameters<typeof readMatrix>[0] & { asked: number } {
  return {
    asked: 0,
    request(_method, { firstRow = 0 }) {
      this.asked += 1;
      const part = values.slice(firstRow * cols, Math.min(rows, firstRow + atOnce) * cols);
      return Promise.resolve({ rows, cols, float32: Buffer.from(part.buffer).toString("base64") });
    },
  };
}

test.each([1, 2, 3, 10])("a matrix survives base64 in messages of %i rows and has a buffer of its own", async (atOnce) => {
  const values = Float32Array.of(1.5, -2, 0, 1e-30, Infinity, 3);
  const server = serving(3, 2, values, atOnce);
  const matrix = await readMatrix(server, "file:///r", "t");
  expect(matrix).toEqual({ rows: 3, cols: 2, values });
  expect(matrix?.values.buffer.byteLength).toBe(24);
  expect(server.asked).toBe(Math.ceil(3 / atOnce));
});

test("an empty matrix, none, and parts that do not fit", async () => {
  expect(await readMatrix(serving(0, 5, new Float32Array(0), 1), "file:///r", "t")).toEqual({ rows: 0, cols: 5, values: new Float32Array(0) });
  expect(await readMatrix({ request: () => Promise.resolve(null) }, "file:///r", "t")).toBeNull();
  for (const float32 of ["", "AAAA", "A".repeat(64)]) {
    await expect(readMatrix({ request: () => Promise.resolve({ rows: 2, cols: 2, float32 }) }, "file:///r", "t")).rejects.toThrow("Expected rows of 2 float32 values");
  }
  const changing = serving(3, 2, new Float32Array(6), 1);
  const request = (...args: Parameters<typeof changing.request>): ReturnType<typeof changing.request> => (changing.asked === 1 ? Promise.resolve(null) : changing.request(...args));
  await expect(readMatrix({ request }, "file:///r", "t")).rejects.toThrow("has changed");
});

test("edges survive base64, and lists that do not fit together are refused", () => {
  const base64 = (values: Uint32Array | Float64Array): string => Buffer.from(values.buffer).toString("base64");
  const message = { source: base64(Uint32Array.of(0, 4_000_000_000)), target: base64(Uint32Array.of(7, 1)), weight: base64(Float64Array.of(0.1, -1e-300)) };
  expect(decodeEdges(message)).toEqual({ source: [0, 4_000_000_000], target: [7, 1], weight: [0.1, -1e-300] });
  expect(() => decodeEdges({ ...message, target: base64(Uint32Array.of(7)) })).toThrow(/2 sources, 1 targets and 2 weights/);
  expect(() => decodeEdges({ ...message, weight: "AAAA" })).toThrow(RangeError);
});

test("numbers read as people write them", () => {
  expect([0, 1, 0.1234, 12345, 1234567, 0.0001234, -2.5].map(number)).toEqual(["0", "1", "0.123", "12\u202f345", "1.23e6", "1.23e−4", "−2.5"]);
  expect([0.99955, 1, 0, 0.5, 0.00001].map(percent)).toEqual(["99.95\u202f%", "100\u202f%", "0\u202f%", "50\u202f%", "<0.01\u202f%"]);
  expect(["0,5", " 12 %", "1e-3", "−2", "abc", ""].map(parseNumber)).toEqual([0.5, 0.12, 0.001, -2, null, null]);
});

test("ages are short", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  expect(["2026-11-20T11:59:50Z", "2026-11-20T11:56:00Z", "2026-11-20T09:00:00Z", "2026-11-18T09:00:00Z", "never"].map((iso) => ago(iso, now))).toEqual(["just now", "4 min ago", "3 h ago", "2 days ago", ""]);
});

test("fields with commas and quotes are quoted", () => {
  expect(csv(["a", "b"], [["x,y", 1], ['say "so"', 2]])).toBe('a,b\r\n"x,y",1\r\n"say ""so""",2\r\n');
});

test("state of another version is not guessed at, and missing fields get their first value", () => {
  expect(restoreState({ v: 9, tab: "table" })).toEqual(initialState);
  expect(restoreState({ v: 1, tab: "table", graph: { basis: "pca" } })).toMatchObject({ tab: "table", graph: { basis: "pca", norm: "strongest" }, heatmap: initialState.heatmap });
});
