import { describe, expect, it } from "vitest";
import { parseSpec, specProblems } from "../../../server/src/analysis/spec/parseSpec";
import { parseBytes, resolveSpec } from "../../../server/src/analysis/spec/resolveSpec";
import { SpecError } from "../../../server/src/analysis/spec/specError";

const minimal = '{ "model": "a.pt", "data": { "kind": "npz", "inputs": "d.npz" } }';

function messageOf(text: string): string {
  try {
    parseSpec(text, "a.lib.json");
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as Error).message;
  }
  throw new Error("the spec was accepted");
}

describe("a spec file", () => {
  it("may have comments and trailing commas", () => {
    const text = `{
      // the model
      "model": "runs/a.pt", /* relative */
      "data": { "kind": "modular-addition", "modulus": 113, },
    }`;
    expect(parseSpec(text, "s")).toEqual({ model: "runs/a.pt", data: { kind: "modular-addition", modulus: 113 } });
  });

  it("with every field of the contract is accepted", () => {
    expect(specProblems(`{
      "model": "runs/model_epoch_60000.pt", "architecture": { "family": "transformer-lens" },
      "data": { "kind": "modular-addition", "modulus": 113, "fracTrain": 0.3, "seed": 0, "split": "train" },
      "evaluation": { "data": { "kind": "modular-addition", "modulus": 113, "split": "test" }, "metric": "accuracy" },
      "nodeLayers": ["ln1.0", "ln2.0", "unembed", "output"], "lastPositionOnly": "add_resid1",
      "basis": { "formula": "jacobian", "center": true, "integration": "gradient", "intervals": 0, "global": false,
                 "sources": { "position": null, "hidden": null }, "threshold": 1e-6, "rotateOutput": false, "isolateLayerNormVariance": true },
      "edges": { "formula": "squared", "sources": null },
      "precision": "float32", "batchSize": "auto", "maxMemory": "4GB", "seed": 0
    }`)).toEqual([]);
  });

  it.each([
    ['{\n "modle": "a.pt",\n "data": {"kind": "npz"}\n}', 'line 2 (the first of 2 problems): Unknown field "modle": did you mean "model"?'],
    ['{\n "model": "a.pt",\n "data": {"kind": "npz"},\n "basis": {\n  "threshold": "small"\n }\n}', 'line 5: "basis.threshold" is "small"; a number or an object in braces is expected.'],
    ['{ "model": "a.pt", "data": { "kind": "nzp" } }', 'did you mean "npz"?'],
    ['{ "model": "a.pt" }', '"data" is missing in the spec: add it.'],
    ['{ "model": "a.pt", "data": {} }', '"kind" is missing in "data": add it.'],
    ['{ "model": "a.pt",\n "data": {"kind": "npz"}\n "seed": 1 }', "line 3: A comma or the closing brace is expected here."],
    ['{ "model": "a.pt', "line 1: This text has no closing quote."],
    ['{ "model": "a", "model": "b" }', '"model" is given twice.'],
    ['{ "model": a.pt }', '"a.pt" is no JSON value'],
    ["[]", "The spec is []; an object in braces is expected."],
    ["", "The text ends where a value is expected."],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "batchSize": 0 }', 'a whole number from 1 or "auto" is expected.'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "maxMemory": "lots" }', 'a size such as "4GB"'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"intervals": 5} }', '"basis.intervals" must be 0 with "gradient" integration'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"formula": "neuron", "center": true} }', '"basis.center" cannot be true'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "edges": {"formula": "functional"} }', '"functional" edges are zero everywhere'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"formula": "neuron", "rotateOutput": true} }', '"basis.rotateOutput" cannot be true with the "neuron" formula'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"formula": "svd", "global": true} }', '"basis.global" has no meaning with the "svd" formula'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"formula": "(1-0)*alpha", "sources": {"hidden": 2}} }', '"basis.sources" are for the "jacobian" formula only'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"formula": "(1-alpha)^2", "integration": "gradient"} }', '"(1-alpha)^2" formula is zero everywhere'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"integration": "gauss-legendre"}, "edges": {"formula": "functional", "sources": 1} }', '"edges.sources" are for "squared" edges only'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"integration": {"ln1": "gradient"}, "intervals": 2} }', '"basis.intervals" must be 0'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"integration": {"ln1": "simpson"}} }', '"gradient", "gauss-legendre" or "trapezoidal", or an object'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"threshold": {"relative": 1}} }', 'Unknown field "relative"'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "basis": {"threshold": 2} }', '"basis.threshold" is 2; it is less than 1.'],
    ['{ "model": "a.pt", "data": {"kind": "npz", "limit": 0} }', '"data.limit" is 0; it is at least 1.'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "nodeLayers": ["a"] }', '"nodeLayers" is ["a"]; at least 2 are expected: add to the list or leave the field out.'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "nodeLayers": ["a", "b", "a"] }', '"nodeLayers" has "a" twice: name each once.'],
    ['{ "model": "a.pt", "data": {"kind": "npz"}, "architecture": {"family": "layers"} }', 'needs "architecture.layers"'],
  ])("%j is refused in one sentence", (text, expected) => {
    const message = messageOf(text);
    expect(message).toContain("a.lib.json");
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
  });

  it("survives hostile text", () => {
    expect(specProblems("[".repeat(100_000))[0]!.message).toContain("nested");
    expect(specProblems(`{"__proto__": {"polluted": true}, "model": "a", "data": {"kind": "npz"}}`)[0]!.message).toContain("__proto__");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(specProblems(" ".repeat(2_000_000))[0]!.message).toContain("limit");
  });

  it("marks the place of a problem for the editor", () => {
    const [problem] = specProblems('{\n  "model": "a.pt",\n  "data": { "kind": "npz" },\n  "sed": 1\n}');
    expect(problem!.range).toEqual({ start: { line: 3, character: 9 }, end: { line: 3, character: 10 } });
    expect(problem!.pointer).toBe("/sed");
  });
});

describe("defaults", () => {
  it("are the published method's", () => {
    const { basis, edges, precision, evaluation } = resolveSpec(parseSpec(minimal, "s"));
    expect(basis).toMatchObject({ formula: "jacobian", center: true, integration: "gradient", intervals: 0, threshold: 1e-6, rotateOutput: false });
    expect(edges.formula).toBe("squared");
    expect(precision).toBe("float32");
    expect(evaluation.data).toEqual({ kind: "npz", inputs: "d.npz" });
  });

  it("integrate the two earlier formulas, which are zero or wrong otherwise", () => {
    const resolved = (formula: string): unknown => resolveSpec(parseSpec(`{ "model": "a.pt", "data": { "kind": "npz" }, "basis": { "formula": "${formula}" } }`, "s")).basis.integration;
    expect([resolved("(1-0)*alpha"), resolved("(1-alpha)^2"), resolved("jacobian")]).toEqual(["gauss-legendre", "gauss-legendre", "gradient"]);
  });

  it("are accepted when they are written out, as stored results have them", () => {
    for (const formula of ["jacobian", "(1-0)*alpha", "(1-alpha)^2", "svd", "neuron"]) {
      const spec = parseSpec(`{ "model": "a.pt", "data": { "kind": "npz" }, "basis": { "formula": "${formula}", "threshold": { "absolute": 1e-15 }, "integration": { "ln": "trapezoidal" } } }`, "s");
      const { basis, edges } = resolveSpec(spec);
      expect(resolveSpec(parseSpec(JSON.stringify({ ...spec, basis, edges }), "s"))).toEqual(resolveSpec(spec));
    }
  });

  it("turn centring off for neurons only", () => {
    expect(resolveSpec({ ...parseSpec(minimal, "s"), basis: { formula: "neuron" } }).basis.center).toBe(false);
    expect(resolveSpec({ ...parseSpec(minimal, "s"), basis: { formula: "svd" } }).basis.center).toBe(true);
  });

  it("read sizes", () => {
    expect(parseBytes("4GB")).toBe(4 * 2 ** 30);
    expect(parseBytes("1.5 MiB")).toBe(1.5 * 2 ** 20);
    expect(() => parseBytes("four")).toThrow("4GB");
  });
});
