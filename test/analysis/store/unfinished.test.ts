import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Unfinished } from "../../../server/src/analysis/store/unfinished";
import type { LayerBasis, LayerResult } from "../../../server/src/core/lib/basis/layerBasis";
import { matrix } from "../../../server/src/core/linalg/matrix";
import { folder, random } from "../fixtures";

const key = "a".repeat(64);

function layer(index: number): LayerResult {
  const next = random(index + 1);
  const filled = (rows: number, cols: number): ReturnType<typeof matrix> => matrix(rows, cols, Float64Array.from({ length: rows * cols }, next));
  const basis: LayerBasis = {
    mean: filled(1, 4).data, gram: filled(4, 4), gramEigenvalues: filled(1, 4).data, D: filled(1, 3).data, W: filled(4, 3), WPinv: filled(3, 4),
    C: filled(4, 2), CPinv: filled(2, 4), lambda: filled(1, 2).data, masked: 1,
  };
  const facts = { formula: "jacobian" as const, global: false, apart: ["constant" as const] };
  return { index, name: `layers.${index}`, width: 4, basis, facts, path: "affine" };
}

describe("an unfinished run", () => {
  it("gives back exactly what was finished", async () => {
    const store = await folder();
    const pieces = new Unfinished(store, key);
    const output: LayerResult = { index: 2, name: "output", width: 2, basis: null, facts: null, path: null };
    const edges = { basis: "pca" as const, section: 1, edges: matrix(1, 2, Float64Array.from([0.1, Math.PI])), path: "closed form" };
    for (const one of [output, layer(1), layer(0)]) await pieces.saveLayer(one);
    await pieces.saveEdges(edges);
    const loaded = await new Unfinished(store, key).load();
    expect(loaded.layers).toEqual([output, layer(1), layer(0)]);
    expect(loaded.edges).toEqual([edges]);
    expect(await new Unfinished(store, "b".repeat(64)).load()).toEqual({ layers: [], edges: [] });
  });

  it("does not build on a gap or on a damaged piece", async () => {
    const store = await folder();
    const pieces = new Unfinished(store, key);
    for (const index of [3, 2, 1, 0]) await pieces.saveLayer(layer(index));
    await writeFile(join(store, "unfinished", key, "layer-1.safetensors"), "damaged");
    expect((await pieces.load()).layers.map(({ index }) => index)).toEqual([3, 2]);
  });

  it("goes when it is finished, together with what nobody continued for a month", async () => {
    const store = await folder();
    const [old, recent] = ["c".repeat(64), "d".repeat(64)];
    await new Unfinished(store, key).saveLayer(layer(0));
    for (const name of [old, recent]) await mkdir(join(store, "unfinished", name));
    await utimes(join(store, "unfinished", old), new Date(), new Date(Date.now() - 40 * 24 * 3600 * 1000));
    await new Unfinished(store, key).remove();
    expect(await readdir(join(store, "unfinished"))).toEqual([recent]);
  });
});
