import { beforeAll, describe, expect, it } from "vitest";
import { slice, transpose } from "../../../server/src/core/linalg/arrange";
import { matrix, type Matrix } from "../../../server/src/core/linalg/matrix";
import { multiply } from "../../../server/src/core/linalg/multiply";
import { symmetricEigen } from "../../../server/src/core/linalg/symmetricEigen";
import type { NetworkInputs } from "../../../server/src/core/network/network";
import type { HostTensor } from "../../../server/src/core/network/weights";
import type { Engine } from "../../../server/src/engine/engine";
import { randomSymmetric, uniform } from "../linalg/random";
import { analysisDifference, analyze, relativeDifference, type Analysis } from "../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine } from "../support/networks";

const samples = 256;
const widths = [4, 7, 6, 3];

/** Multiples of 1/64: sums and small integer multiples stay exact in float32, so that both networks see the same data. */
const next = uniform(1);
const values = Float32Array.from({ length: samples * 4 }, () => Math.round(next() * 128) / 64);
const inputsOf = (data: Float32Array): NetworkInputs => ({ kind: "vectors", count: samples, width: 4, values: data });

let engine: Engine;
let original: Analysis;
const weights = (): Map<string, HostTensor> => mlpWeights(widths, 2);
const run = (changed: Map<string, HostTensor>, data = values): Promise<Analysis> => analyze(mlpOf(changed, engine), inputsOf(data));
beforeAll(async () => {
  engine = await referenceEngine();
  original = await run(weights());
});

const toMatrix = ({ shape, values: data }: HostTensor): Matrix => matrix(shape[0], shape[1], Float64Array.from(data));
const toTensor = ({ rows, cols, data }: Matrix): HostTensor => ({ shape: [rows, cols], values: data });

describe("the analysis does not change under", () => {
  it("an invertible map of the inputs that the first layer undoes", async () => {
    // Unimodular, so that the inverse holds whole numbers too.
    const A = matrix(4, 4, Float64Array.of(1, 2, 0, -1, 0, 1, 3, 0, 0, 0, 1, 1, 0, 0, 0, 1));
    const inverse = matrix(4, 4, Float64Array.of(1, -2, 6, -5, 0, 1, -3, 3, 0, 0, 1, -1, 0, 0, 0, 1));
    const mapped = multiply(matrix(samples, 4, Float64Array.from(values)), A);
    const changed = weights();
    changed.set("w0", toTensor(multiply(inverse, toMatrix(changed.get("w0")!))));
    const analysis = await run(changed, Float32Array.from(mapped.data));
    expect(analysisDifference(analysis, original)).toBeLessThan(1e-11);
  });

  it("a shift of the inputs that the first bias undoes", async () => {
    const shift = [0.5, -1.25, 2, 0.75];
    const changed = weights();
    const w0 = changed.get("w0")!;
    changed.set("b0", { shape: [7], values: changed.get("b0")!.values.map((bias, col) => bias - shift.reduce((sum, c, row) => sum + c * w0.values[row * 7 + col], 0)) });
    expect(analysisDifference(await run(changed, values.map((value, index) => value + shift[index % 4])), original)).toBeLessThan(1e-12);
  });

  it("permutation and positive scaling of relu neurons", async () => {
    const order = [3, 0, 6, 2, 5, 1, 4];
    const factors = [0.5, 3, 1.7, 0.01, 10, 2, 1];
    const changed = weights();
    const [w0, b0, w1] = ["w0", "b0", "w1"].map((name) => changed.get(name)!);
    changed.set("w0", { shape: w0.shape, values: w0.values.map((_, at) => w0.values[Math.floor(at / 7) * 7 + order[at % 7]] * factors[at % 7]) });
    changed.set("b0", { shape: b0.shape, values: b0.values.map((_, at) => b0.values[order[at]] * factors[at]) });
    changed.set("w1", { shape: w1.shape, values: w1.values.map((_, at) => w1.values[order[Math.floor(at / 6)] * 6 + (at % 6)] / factors[Math.floor(at / 6)]) });
    expect(analysisDifference(await run(changed), original)).toBeLessThan(1e-11);
  });

  it("an orthogonal rotation of the output, in all earlier layers", async () => {
    const rotation = symmetricEigen(randomSymmetric(3, 4)).vectors;
    const changed = weights();
    changed.set("w2", toTensor(multiply(toMatrix(changed.get("w2")!), rotation)));
    changed.set("b2", { shape: [3], values: multiply(matrix(1, 3, Float64Array.from(changed.get("b2")!.values)), rotation).data });
    const analysis = await run(changed);
    for (const [layer, { lambda }] of analysis.bases.entries()) expect(relativeDifference(lambda, original.bases[layer].lambda)).toBeLessThan(1e-12);
    for (const section of [0, 1]) expect(relativeDifference(analysis.edges("lib", section), original.edges("lib", section))).toBeLessThan(1e-11);
  });

  it("splitting a neuron into two halves", async () => {
    const changed = weights();
    const w0 = transpose(toMatrix(changed.get("w0")!));
    const w1 = toMatrix(changed.get("w1")!);
    const appended = (source: Matrix, row: Float64Array): Matrix => matrix(source.rows + 1, source.cols, Float64Array.of(...source.data, ...row));
    changed.set("w0", toTensor(transpose(appended(w0, w0.data.slice(0, 4)))));
    changed.set("b0", { shape: [8], values: Float64Array.of(...changed.get("b0")!.values, changed.get("b0")!.values[0]) });
    const halved = w1.data.slice(0, 6).map((value) => value / 2);
    w1.data.set(halved, 0);
    changed.set("w1", toTensor(appended(w1, halved)));
    const analysis = await run(changed);
    expect(analysis.bases[1].D.length).toBe(original.bases[1].D.length);
    expect(analysisDifference(analysis, original)).toBeLessThan(1e-11);
  });

  it("a neuron that nothing reads", async () => {
    const changed = weights();
    const w0 = transpose(toMatrix(changed.get("w0")!));
    const w1 = toMatrix(changed.get("w1")!);
    const random = gaussian(5);
    changed.set("w0", toTensor(transpose(matrix(8, 4, Float64Array.of(...w0.data, random(), random(), random(), random())))));
    changed.set("b0", { shape: [8], values: Float64Array.of(...changed.get("b0")!.values, 0.3) });
    changed.set("w1", toTensor(matrix(8, 6, Float64Array.of(...w1.data, 0, 0, 0, 0, 0, 0))));
    const analysis = await run(changed);
    expect(analysis.bases[1].D.length).toBe(original.bases[1].D.length + 1);
    expect(analysis.bases[1].lambda.length).toBe(original.bases[1].lambda.length);
    expect(analysisDifference(analysis, original)).toBeLessThan(1e-11);
  });
});

describe("a rotated output", () => {
  it("changes no earlier layer, and becomes the principal components of the logits", async () => {
    const rotated = await analyze(mlpOf(weights(), engine), inputsOf(values), { rotateOutput: true });
    for (const [layer, { lambda }] of original.bases.entries()) expect(relativeDifference(rotated.bases[layer].lambda, lambda)).toBeLessThan(1e-12);
    const { C, masked } = rotated.bases[3];
    expect(masked).toBe(0);
    expect(relativeDifference(multiply(C, C, { transposeA: true }), matrix(3, 3, Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)))).toBeLessThan(1e-13);
  });

  it.each([true, false])("that is not the output changes no earlier layer either but for the constant's importance, and is its principal components (centred: %s)", async (center) => {
    const nodeLayers = ["layers.0", "layers.1", "layers.2"];
    const options = { nodeLayers, center, edgeBases: ["lib"] as const };
    const [plain, rotated] = [await analyze(mlpOf(weights(), engine), inputsOf(values), options), await analyze(mlpOf(weights(), engine), inputsOf(values), { ...options, rotateOutput: true })];
    const first = center ? 1 : 0;
    expect(plain.layers[2].basis).toBeNull();
    for (const layer of [0, 1]) expect(relativeDifference(rotated.bases[layer].lambda.slice(first), plain.bases[layer].lambda.slice(first))).toBeLessThan(1e-11);
    // Edges between earlier layers, those of the constant left out.
    const withoutConstant = ({ data, cols }: Matrix): Float64Array => data.filter((_, at) => at % cols >= first && at >= first * cols);
    expect(relativeDifference(withoutConstant(rotated.edges("lib", 0)), withoutConstant(plain.edges("lib", 0)))).toBeLessThan(1e-10);
    const { C, W, D, lambda, masked, CPinv } = rotated.bases[2];
    expect(masked).toBe(first);
    expect(relativeDifference(C, matrix(C.rows, C.cols, slice(W, 0, W.rows, 0, C.cols).data))).toBe(0);
    expect([...lambda]).toEqual([...D]);
    const product = multiply(CPinv, C);
    product.data.forEach((value, at) => expect(value).toBeCloseTo(at % (product.cols + 1) === 0 ? 1 : 0, 12));
    expect(rotated.layers[2].facts?.formula).toBe("svd");
  });
});
