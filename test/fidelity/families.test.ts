/**
 * Logits of every family of transformers against a plain PyTorch forward pass on the same weights (python/plain_transformers.py). The
 * checkpoints and logits are committed, so that this runs without PyTorch; where it is there, they are made again and compared.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildNetwork, loadModel } from "../../server/src/analysis/runner/loadModel";
import { inspectModel } from "../../server/src/analysis/inspectModel";
import { evaluateNetwork, type Network } from "../../server/src/core/network/network";
import { openModel } from "../../server/src/formats/openModel";
import type { DataSpec, Precision } from "../../server/src/protocol/spec";
import { referenceEngine } from "../core/support/networks";

const fixtures = join(__dirname, "../fixtures/families");
const maker = join(__dirname, "python/make_families.py");
const cases = readdirSync(fixtures).sort();
const data: DataSpec = { kind: "npy" };

async function networkOf(folder: string, precision: Precision): Promise<Network> {
  return buildNetwork(await loadModel(folder, { data }, Infinity, () => undefined), await referenceEngine(precision));
}

async function expectedOf(folder: string): Promise<{ tokens: Int32Array; samples: number; positions: number; logits: Float64Array; vocabulary: number }> {
  const file = await openModel(join(folder, "expected.safetensors"));
  const [samples, positions, vocabulary] = file.tensors.find(({ name }) => name === "logits")!.shape as [number, number, number];
  return { tokens: await file.read("tokens") as Int32Array, samples, positions, vocabulary, logits: await file.read("logits") as Float64Array };
}

/** Largest difference of the logits, relative to the largest of them. */
async function difference(folder: string, precision: Precision): Promise<number> {
  const { tokens, samples, positions, vocabulary, logits } = await expectedOf(folder);
  const network = await networkOf(folder, precision);
  const output = evaluateNetwork(network, network.encode({ kind: "tokens", values: tokens, count: samples, positions, vocabulary }, 0, samples));
  expect(output.shape).toEqual([samples, positions, vocabulary]);
  const found = await network.engine.read(output);
  let worst = 0;
  let largest = 0;
  logits.forEach((logit, index) => {
    worst = Math.max(worst, Math.abs(found[index]! - logit));
    largest = Math.max(largest, Math.abs(logit));
  });
  return worst / largest;
}

describe("logits equal those of a plain PyTorch forward pass", () => {
  it.each(cases)("%s: to 1e-12 in double precision, to 1e-5 in single", async (name) => {
    expect(await difference(join(fixtures, name), "float64")).toBeLessThan(1e-12);
    expect(await difference(join(fixtures, name), "float32")).toBeLessThan(1e-5);
  });
});

describe("what is said of the checkpoints", () => {
  it.each(cases)("%s: every tensor of the file is used or a buffer, and every parameter counted once", async (name) => {
    const file = await openModel(join(fixtures, name));
    const buffer = /(^|\.)attn\.(bias|masked_bias|mask)$/;
    const parameters = file.tensors.filter((tensor) => !buffer.test(tensor.name)).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect((await networkOf(join(fixtures, name), "float64")).parameterCount).toBe(parameters);
    const found = await inspectModel(join(fixtures, name));
    expect(found.reason).toBeNull();
    expect(found.notes).toEqual([]);
    expect(found.nodeLayers).toEqual(["ln1.0", "attn_in.0", "ln2.0", "ln1.1", "attn_in.1", "ln2.1", "ln_final", "unembed", "output"]);
  });
});

const python = ["/usr/bin/python3", "python3"].find((one) => spawnSync(one, ["-c", "import torch, numpy"]).status === 0);

describe.skipIf(python === undefined)("the fixtures (skipped without a Python that has torch and numpy)", () => {
  it("are what the script makes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "families-"));
    try {
      execFileSync(python!, ["-B", maker, folder]);
      expect(readdirSync(folder).sort()).toEqual(cases);
      for (const name of cases) {
        const [made, kept] = await Promise.all([openModel(join(folder, name)), openModel(join(fixtures, name))]);
        expect(made.tensors).toEqual(kept.tensors);
        expect(made.metadata).toEqual(kept.metadata);
        for (const tensor of kept.tensors) expect(await made.read(tensor.name), `${name}: ${tensor.name}`).toEqual(await kept.read(tensor.name));
        const [newly, stored] = await Promise.all([expectedOf(join(folder, name)), expectedOf(join(fixtures, name))]);
        expect(newly.tokens).toEqual(stored.tokens);
        stored.logits.forEach((logit, index) => { expect(Math.abs(newly.logits[index]! - logit)).toBeLessThan(1e-10); });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});
