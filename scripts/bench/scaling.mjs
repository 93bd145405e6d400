/**
 * @file Case `scaling`: seconds of bases and edges against the number of samples, the length of sequences and the width, with exponents fitted
 * to the last points (where products are large), as a table and as docs/images/scaling.svg.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared/run.mjs";
import { withProgram } from "./bundle.mjs";
import { printRow, printTable } from "./commandLine.mjs";
import { writeGpt2, writeMlp } from "./randomModels.mjs";

const block = (changes) => (folder) => writeGpt2(folder, { width: 128, heads: 4, layers: 1, vocabulary: 1024, sequences: 4, positions: 64, seed: 0, ...changes });
const perceptron = (width, samples) => (folder) => writeMlp(folder, { widths: [width, width, width, 10], samples, seed: 0 });

/** What is varied, with the exponents that the number of operations has for large sizes. */
const series = [
  {
    name: "samples", title: "Perceptron, width 128", axis: "samples", expected: { basis: 1, edges: 1 },
    points: [2000, 4000, 8000, 16000].map((x) => ({ x, write: perceptron(128, x) })),
  },
  {
    name: "width", title: "Perceptron, 1,000 samples", axis: "width", expected: { basis: 2, edges: 3 },
    points: [64, 128, 256, 512].map((x) => ({ x, write: perceptron(x, 1000) })),
  },
  {
    name: "sequences", title: "Block, width 128, 64 tokens each", axis: "sequences", expected: { basis: 1, edges: 1 },
    points: [4, 8, 16, 32].map((x) => ({ x, write: block({ sequences: x }) })),
  },
  {
    name: "positions", title: "Block, width 128, 4 sequences", axis: "tokens per sequence", expected: { basis: 2, edges: 2 },
    points: [32, 64, 128, 256].map((x) => ({ x, write: block({ positions: x }) })),
  },
  {
    name: "block-width", title: "Block, 4 sequences of 64 tokens", axis: "width (head width 32)", expected: { basis: 2, edges: 3 },
    points: [64, 128, 256, 384].map((x) => ({ x, write: block({ width: x, heads: x / 32 }) })),
  },
];

export async function scalingCase(flags, backends, folder) {
  const backend = backends[0];
  const measured = [];
  console.log(`\nscaling on ${backend}: seconds of the passes over the data, Jacobian Grams (basis) and edges`);
  printTable(["varied", "values", "basis s", "exponent (operations)", "edges s", "exponent (operations)"], []);
  await withProgram("sectionBench", async (run) => {
    for (const { points, ...one } of series) {
      const specs = points.map(({ x, write }) => {
        const at = join(folder, `scaling-${one.name}-${x}`);
        writeFileSync(`${at}.lib.json`, JSON.stringify(write(at)));
        return `${at}.lib.json`;
      });
      // In turn, so that a busy moment does not meet one point alone; the first round also warms the program up.
      const rounds = Array.from({ length: 1 + Number(flags.repeat) }, () => specs).flat();
      const seconds = (await run(backend, ...rounds, "--clock", flags.clock)).trim().split("\n").map((line) => secondsOf(JSON.parse(line)));
      const answers = points.map(({ x }, place) => ({ x, ...seconds.filter((_, at) => at % points.length === place).reduce(faster) }));
      const result = { ...one, points: answers, basis: exponent(answers, "basis"), edges: exponent(answers, "edges") };
      measured.push(result);
      const list = (name) => answers.map((point) => point[name].toFixed(3)).join(", ");
      printRow([
        `${one.title}: ${one.axis}`, answers.map(({ x }) => x).join(", "),
        list("basis"), `${result.basis.toFixed(2)} (${one.expected.basis})`, list("edges"), `${result.edges.toFixed(2)} (${one.expected.edges})`,
      ]);
    }
  });
  const input = join(folder, "scaling.json");
  writeFileSync(input, JSON.stringify(measured));
  await withProgram("scalingFigure", async (run) => writeFileSync(join(root, "docs/images/scaling.svg"), await run(input)));
  console.log("Wrote docs/images/scaling.svg.");
}

/** Passes over the data only: eigenproblems do not depend on the samples. */
function secondsOf({ steps }) {
  const sum = (name) => steps.filter(({ step }) => step === name).reduce((total, { accumulating }) => total + accumulating, 0);
  return { basis: sum("basis"), edges: sum("edges") };
}

const faster = (a, b) => ({ basis: Math.min(a.basis, b.basis), edges: Math.min(a.edges, b.edges) });

/** Slope of log seconds against log x through the last three points. */
function exponent(points, name) {
  const last = points.slice(-3).map((point) => [Math.log(point.x), Math.log(point[name])]);
  const mean = (k) => last.reduce((sum, point) => sum + point[k], 0) / last.length;
  const [x, y] = [mean(0), mean(1)];
  return last.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / last.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
