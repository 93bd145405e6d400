import { describe, expect, it } from "vitest";
import { analyzeLib } from "../../../../server/src/core/lib/analyze";
import type { LayerBasis } from "../../../../server/src/core/lib/basis/layerBasis";
import { jacobianSummaries, type JacobianSummary } from "../../../../server/src/core/lib/jacobians/summary";
import { defaultLibOptions, silentSignals } from "../../../../server/src/core/lib/options";
import { matrix, type Matrix } from "../../../../server/src/core/linalg/matrix";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import type { Section } from "../../../../server/src/core/network/section";
import { familyFixture, mlpFixture, transformerFixture, type Fixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";

const engine = await referenceEngine();

async function summaries(fixture: Fixture): Promise<{ bases: (LayerBasis | null)[]; summaries: JacobianSummary[] }> {
  const bases: (LayerBasis | null)[] = [];
  for await (const event of analyzeLib(fixture.network, fixture.batches, { ...defaultLibOptions, threshold: 1e-10, edgeBases: [] }, silentSignals)) {
    if (event.kind === "layer") bases[event.layer.index] = event.layer.basis;
  }
  const found: JacobianSummary[] = [];
  const options = { bases: ["neuron", "pca", "lib"] as const, memoryBudget: 2 ** 24 };
  for await (const summary of jacobianSummaries(fixture.network, fixture.batches, bases, options, silentSignals)) found.push(summary);
  return { bases, summaries: found };
}

/** Mean and root mean square in the neuron basis by central differences. */
async function byDifferences(fixture: Fixture, section: Section): Promise<{ mean: Matrix; rms: Matrix }> {
  const [d, next] = [section.inputWidth, section.outputWidth];
  const mean = new Float64Array(next * d);
  const square = new Float64Array(next * d);
  const step = 1e-5;
  let answers = 0;
  await fixture.source.at(section.index).forEachBatch(async (x) => {
    const [samples, positions] = x.shape;
    const values = Float64Array.from(await engine.read(x));
    for (let s = 0; s < positions; s += 1) {
      for (let j = 0; j < d; j += 1) {
        const [up, down] = await Promise.all([step, -step].map((change) => {
          const moved = values.slice();
          for (let b = 0; b < samples; b += 1) moved[(b * positions + s) * d + j] += change;
          return engine.read(section.forward(engine.tensor(moved, x.shape)).output);
        }));
        up.forEach((value, at) => {
          const slope = (value - down[at]) / (2 * step);
          mean[(at % next) * d + j] += slope;
          square[(at % next) * d + j] += slope * slope;
        });
        if (s === 0 && j === 0) answers += up.length / next;
      }
    }
  });
  return { mean: matrix(next, d, mean.map((value) => value / answers)), rms: matrix(next, d, square.map((value) => Math.sqrt(value / answers))) };
}

function expectClose(a: Matrix, b: Matrix, tolerance: number): void {
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols]);
  const largest = Math.max(...b.data.map(Math.abs));
  a.data.forEach((value, index) => expect(Math.abs(value - b.data[index])).toBeLessThan(tolerance * largest));
}

const cases: { name: string; fixture: Fixture; inputsPerOutput: number }[] = [
  { name: "MLP with gelu", fixture: mlpFixture(engine, { activation: "gelu" }), inputsPerOutput: 1 },
  { name: "transformer", fixture: transformerFixture(engine), inputsPerOutput: 1 },
  { name: "transformer read at the last position", fixture: transformerFixture(engine, { lastPositionOnly: "add_resid1" }), inputsPerOutput: 4 },
  { name: "local attention", fixture: familyFixture(engine, "GPT-Neo", ["attn_in.1", "ln2.1"]), inputsPerOutput: 1 },
  { name: "rotary positions and grouped heads", fixture: familyFixture(engine, "llama", ["attn_in.1", "ln2.1"]), inputsPerOutput: 1 },
  { name: "attention behind a norm", fixture: familyFixture(engine, "GPT-2", ["ln1.1", "ln2.1"]), inputsPerOutput: 1 },
  { name: "rotary positions and a window", fixture: familyFixture(engine, "one shared key, llama3 frequencies", ["attn_in.0", "ln2.0"]), inputsPerOutput: 1 },
];

describe.each(cases)("Jacobian summary: $name", ({ fixture, inputsPerOutput }) => {
  it("covers every section in every basis, [features of the output, features of the input]", async () => {
    const { bases, summaries: found } = await summaries(fixture);
    expect(found.map(({ basis, section }) => `${basis}/${section}`)).toEqual(
      ["neuron", "pca", "lib"].flatMap((basis) => fixture.network.sections.map((_, index) => `${basis}/${index}`)),
    );
    for (const { section, mean } of found.filter(({ basis }) => basis === "lib")) {
      expect([mean.rows, mean.cols]).toEqual([bases[section + 1]?.C.cols ?? fixture.network.sections[section].outputWidth, bases[section]!.C.cols]);
    }
  });

  it("agrees with finite differences in the neuron basis", async () => {
    const { summaries: found } = await summaries(fixture);
    for (const { section, mean, rms } of found.filter(({ basis }) => basis === "neuron")) {
      const expected = await byDifferences(fixture, fixture.network.sections[section]);
      expectClose(mean, expected.mean, 1e-6);
      expectClose(rms, expected.rms, 1e-6);
    }
  });

  it("transforms the mean like a Jacobian: CPinv J C", async () => {
    const { bases, summaries: found } = await summaries(fixture);
    for (const section of fixture.network.sections) {
      const of = (name: string): Matrix => found.find(({ basis, section: index }) => basis === name && index === section.index)!.mean;
      const into = multiply(of("neuron"), bases[section.index]!.CPinv, { transposeB: true });
      const next = bases[section.index + 1];
      expectClose(of("lib"), next ? multiply(next.C, into, { transposeA: true }) : into, 1e-10);
    }
  });

  it("has columns of length S/T in the LIB basis", async () => {
    const { summaries: found } = await summaries(fixture);
    for (const { section, rms } of found.filter(({ basis }) => basis === "lib")) {
      for (let feature = 1; feature < rms.cols; feature += 1) {
        let square = 0;
        for (let row = 0; row < rms.rows; row += 1) square += rms.data[row * rms.cols + feature] ** 2;
        expect(square).toBeCloseTo(section === 0 ? inputsPerOutput : 1, 6);
      }
    }
  });
});
