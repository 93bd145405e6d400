import { describe, expect, it } from "vitest";
import { baseScore } from "../../../server/src/core/lib/ablation/evaluate";
import { ablateNodes } from "../../../server/src/core/lib/ablation/nodeAblation";
import { analyzeLib } from "../../../server/src/core/lib/analyze";
import type { LayerBasis } from "../../../server/src/core/lib/basis/layerBasis";
import { jacobianSummaries } from "../../../server/src/core/lib/jacobians/summary";
import { defaultLibOptions, silentSignals, type LibOptions } from "../../../server/src/core/lib/options";
import type { Engine, FloatArray } from "../../../server/src/engine/engine";
import { plainArrays } from "../../../server/src/engine/host/arrayFunctions";
import { HostEngine } from "../../../server/src/engine/host/hostEngine";
import { plainProducts } from "../../../server/src/engine/products/plainProducts";
import { familyFixture, mlpFixture, transformerFixture, type Fixture } from "../support/fixtures";
import { descriptions } from "../support/transformers";

const signals = { checkCancelled: (): void => undefined, progress: (): void => undefined };

/** An engine that counts the arrays that its tensors hold. */
function counting(): { engine: Engine; held: () => number } {
  const held = new Set<FloatArray>();
  const arrays = {
    ...plainArrays,
    source: () => ({
      take: (length: number): FloatArray => {
        const array = new Float64Array(length);
        held.add(array);
        return array;
      },
      give: (array: FloatArray): void => { held.delete(array); },
    }),
  };
  return { engine: new HostEngine("cpu", "float64", plainProducts, arrays), held: () => held.size };
}

async function basesOf({ network, batches }: Fixture, options: Partial<LibOptions>): Promise<(LayerBasis | null)[]> {
  const bases: (LayerBasis | null)[] = [];
  for await (const event of analyzeLib(network, batches, { ...defaultLibOptions, threshold: 1e-10, ...options }, silentSignals)) {
    if (event.kind === "layer") bases[event.layer.index] = event.layer.basis;
  }
  return bases;
}

const classes = (fixture: Fixture): Int32Array => new Int32Array(fixture.inputs.count * (fixture.inputs.kind === "tokens" ? fixture.inputs.positions : 1));

const networks: readonly (readonly [string, (engine: Engine) => Fixture])[] = [
  ["a perceptron of ReLU", (engine) => mlpFixture(engine)],
  ["a perceptron of GELU", (engine) => mlpFixture(engine, { activation: "gelu" })],
  ["the transformer of modular addition", (engine) => transformerFixture(engine)],
  ...Object.keys(descriptions).map((family) => [family, (engine: Engine): Fixture => familyFixture(engine, family, ["ln1.0", "ln2.0", "ln1.1"])] as const),
];

describe.each(networks)("%s", (_, make) => {
  it.each<readonly [string, Partial<LibOptions>]>([
    ["exactly", {}],
    ["with random sources", { edgeSources: 2, sources: { position: 1, hidden: 2 } }],
    ["keeping no activations", { memoryBudget: 2 ** 16 }],
  ])("leaves no tensor behind, analysed %s", async (_how, options) => {
    const { engine, held } = counting();
    const fixture = make(engine);
    const before = held();
    await basesOf(fixture, options);
    expect(held()).toBe(before);
  });

  it("leaves no tensor behind in summaries, scores and ablations", async () => {
    const { engine, held } = counting();
    const fixture = make(engine);
    const bases = await basesOf(fixture, { edgeBases: [] });
    const before = held();
    let summaries = 0;
    for await (const summary of jacobianSummaries(fixture.network, fixture.batches, bases, { bases: ["neuron", "pca", "lib"], memoryBudget: 2 ** 24 }, silentSignals)) {
      summaries += summary.mean.rows > 0 ? 1 : 0;
    }
    expect(summaries).toBeGreaterThan(0);
    expect(held()).toBe(before);
    const data = { batches: fixture.batches, labels: classes(fixture), metric: "accuracy" as const };
    const base = await baseScore(fixture.network, data, signals);
    expect(held()).toBe(before);
    await ablateNodes(fixture.network, 0, bases[0]!, data, base, { schedule: { kind: "linear", points: 3 }, tolerance: 1 }, signals);
    expect(held()).toBe(before);
  });
});
