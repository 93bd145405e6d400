import { describe, expect, it } from "vitest";
import { StoredBases } from "../../../server/src/analysis/runner/storedBases";
import type { NodeLayer } from "../../../server/src/core/network/section";
import type { ModelFile, TensorValues } from "../../../server/src/formats/modelFile";
import { random } from "../fixtures";

/** A result of two rotated layers of 4 and 3 components and an output of 2, in memory, that says what is read of it. */
function stored(change: Record<string, number[]> = {}): { bases: (centred?: boolean) => StoredBases; values: Map<string, TensorValues>; asked: string[]; open: () => number } {
  const next = random(4);
  const shapes: Record<string, number[]> = {
    "C/0": [4, 3], "CPinv/0": [3, 4], "W/0": [4, 4], "WPinv/0": [4, 4], "gram/0": [4, 4], "mean/0": [4],
    "C/1": [3, 2], "CPinv/1": [2, 3], "gram/1": [3, 3], "mean/1": [3], "edges/0": [2, 3], "edges/1": [2, 2], ...change,
  };
  const tensors = Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: "float64" as const }));
  const values = new Map(tensors.map(({ name, shape }) => [name, Float64Array.from({ length: shape.reduce((a, b) => a * b) }, next) as TensorValues]));
  const asked: string[] = [];
  let opened = 0;
  const file = (): Promise<ModelFile> => {
    opened += 1;
    return Promise.resolve({
      format: "safetensors", tensors, metadata: new Map(), notes: [],
      read: (name) => {
        asked.push(name);
        const found = values.get(name);
        return found ? Promise.resolve(found) : Promise.reject(new Error(`no ${name}`));
      },
      close: () => {
        opened -= 1;
        return Promise.resolve();
      },
    });
  };
  const layers = [4, 3, 2].map((width, index): NodeLayer => ({ index, name: `layer ${index}`, width, hasConstant: index < 2, isolatedVariance: false }));
  return { bases: (centred = true) => new StoredBases(tensors, layers, centred, file, "does not fit"), values, asked, open: () => opened };
}

describe("the bases of a stored result", () => {
  it("are read layer by layer, when they are asked for", async () => {
    const { bases, values, asked, open } = stored();
    const of = bases();
    expect(asked).toEqual([]);
    const map = await of.map(1, "lib");
    expect([map!.C, map!.CPinv]).toEqual([{ rows: 3, cols: 2, data: values.get("C/1") }, { rows: 2, cols: 3, data: values.get("CPinv/1") }]);
    expect(asked.splice(0)).toEqual(["C/1", "CPinv/1"]);
    expect((await of.edges(0))!.data).toBe(values.get("edges/0"));
    expect(asked.splice(0)).toEqual(["edges/0"]);
    expect(open()).toBe(0);
  });

  it("of the last two layers stay, so that neighbours and the same layer again cost nothing", async () => {
    const { bases, asked } = stored();
    const of = bases();
    const first = await of.map(0, "lib");
    await of.map(1, "lib");
    asked.length = 0;
    expect([await of.map(0, "lib"), (await of.map(1, "lib"))!.C.rows, asked]).toEqual([first, 3, []]);
    // The third one takes the place of the one not asked for longest.
    await of.map(0, "pca");
    expect(asked.splice(0)).toEqual(["W/0", "WPinv/0"]);
    await of.map(1, "lib");
    expect(asked.splice(0)).toEqual([]);
    await of.map(0, "lib");
    expect(asked).toEqual(["C/0", "CPinv/0"]);
  });

  it("are null where there are none, and neurons stand by their mean square after the constant", async () => {
    const { bases, values } = stored();
    const of = bases();
    expect([of.has(1, "pca"), of.has(2, "lib"), of.has(2, "neuron"), of.has(1, "neuron")]).toEqual([false, false, false, true]);
    expect([await of.map(1, "pca"), await of.map(2, "neuron"), await of.edges(7)]).toEqual([null, null, null]);
    for (const centred of [true, false]) {
      const { C, CPinv } = (await bases(centred).map(0, "neuron"))!;
      const order = Array.from({ length: 4 }, (_, feature) => [0, 1, 2, 3].find((neuron) => C.data[neuron * 4 + feature] === 1)!);
      expect(order[0]).toBe(3);
      expect([...order].sort()).toEqual([0, 1, 2, 3]);
      const square = (neuron: number): number => values.get("gram/0")![neuron * 5]! + (centred ? values.get("mean/0")![neuron]! ** 2 : 0);
      expect(order.slice(1)).toEqual([0, 1, 2].sort((a, b) => square(b) - square(a)));
      for (let a = 0; a < 4; a += 1) for (let b = 0; b < 4; b += 1) expect(CPinv.data[a * 4 + b]).toBe(C.data[b * 4 + a]);
    }
  });

  it.each([{ "C/0": [5, 3] }, { "CPinv/1": [1, 3] }, { "W/0": [4, 3] }, { "gram/1": [4, 4] }, { "mean/0": [3] }])("that do not fit the network are refused at once: %j", (change) => {
    expect(() => stored(change as Record<string, number[]>).bases()).toThrow("does not fit");
  });

  it("that cannot be read are asked for again the next time", async () => {
    const { bases, values } = stored();
    const of = bases();
    const kept = values.get("CPinv/0")!;
    values.delete("CPinv/0");
    await expect(of.map(0, "lib")).rejects.toThrow("no CPinv/0");
    values.set("CPinv/0", kept);
    expect((await of.map(0, "lib"))!.CPinv.data).toBe(kept);
  });
});
