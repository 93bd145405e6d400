/**
 * @file Cases `mnist`, `modadd` and `wide`: complete analyses through the command line on every backend that works here, in seconds per phase,
 * peak memory and times the fastest of this run; with --peers beside LIB in PyTorch.
 */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared/run.mjs";
import { lens, measure, printTable } from "./commandLine.mjs";
import { fastestPeer } from "./peers.mjs";
import { writeMlp } from "./randomModels.mjs";

const examples = join(root, "examples");

const modularAddition = (model, modulus, fracTrain) => ({
  model,
  architecture: { family: "transformer-lens" },
  data: { kind: "modular-addition", modulus, fracTrain, seed: 0, split: "train" },
  evaluation: { data: { kind: "modular-addition", modulus, fracTrain, seed: 0, split: "test" }, metric: "accuracy" },
  nodeLayers: ["ln1.0", "ln2.0", "unembed", "output"],
  lastPositionOnly: "add_resid1",
});

const mnist = (model, folder, images, labels) => ({
  model,
  architecture: { family: "mlp", activation: "relu" },
  data: { kind: "idx", inputs: join(folder, images), labels: join(folder, labels), scale: 1 / 255 },
});

/**
 * Workloads: title, spec and the ways to compute the same in PyTorch. Paths are absolute, so the spec file can lie anywhere.
 * The slow ways run on part of the data and are scaled up: their time is proportional to the number of samples.
 */
export const workloads = {
  /** With the authors' model in `data`, else the bundled example. */
  modadd(data) {
    const model = join(data, "modadd/seed0/model_epoch_60000.pt");
    if (!existsSync(model)) return { title: "modular addition, bundled example, 1,404 pairs", spec: modularAddition(join(examples, "modular-addition/checkpoints/model.pt"), 53, 0.5), peers: [] };
    return {
      title: "modular addition, the authors' seed 0, 3,830 pairs", spec: modularAddition(model, 113, 0.3),
      peers: [
        { way: "backward", title: "one backward pass per output feature", workload: `modadd:${data}` },
        { way: "jacrev", title: "vmap of jacrev", workload: `modadd:${data}`, samples: 500 },
      ],
    };
  },
  mnist(data) {
    const model = join(data, "mnist-mlp/model_epoch_12.pt");
    if (!existsSync(model)) {
      const spec = mnist(join(examples, "mnist-mlp/checkpoints/mlp.pt"), join(examples, "mnist-mlp/data"), "train2k-images-idx3-ubyte.gz", "train2k-labels-idx1-ubyte.gz");
      return { title: "MNIST MLP, bundled example, 2,000 images", spec, peers: [] };
    }
    return {
      title: "MNIST MLP 784-100-100-10, the authors', 60,000 images",
      spec: mnist(model, join(data, "mnist"), "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
      peers: [
        { way: "closed", title: "closed form of the bases, backward passes for the edges", workload: `mnist:${data}` },
        { way: "backward", title: "one backward pass per output feature", workload: `mnist:${data}`, samples: 6000 },
        { way: "jacrev", title: "vmap of jacrev", workload: `mnist:${data}`, samples: 1000 },
      ],
    };
  },
  wide(_data, folder) {
    const widths = [1024, 1024, 1024, 10];
    const spec = writeMlp(join(folder, "wide"), { widths, samples: 5000, seed: 0 });
    return { title: `perceptron ${widths.join("-")} with random weights, 5,000 normal vectors`, spec, peers: [] };
  },
};

/** The backends to measure, with what each is. */
export async function chosenBackends({ backend }, folder) {
  const { answer: backends } = await lens(["backends", "--json"], folder);
  for (const { name, available, reason } of backends) console.log(`${name}: ${available ? "works" : "not used"}; ${reason}`);
  // the reference backend takes minutes on these sizes: only when it is asked for
  const chosen = backends.filter(({ name, available }) => available && (backend?.includes(name) ?? name !== "cpu")).map(({ name }) => name);
  if (chosen.length === 0) throw new Error(`None of the backends ${backend?.join(", ") ?? ""} works here.`);
  return chosen;
}

export const analysisCase = (name) => async (flags, backends, folder) => {
  const { title, spec, peers } = workloads[name](flags.data, folder);
  console.log(`\n${title}`);
  const file = join(folder, `${name}.lib.json`);
  writeFileSync(file, JSON.stringify(spec));
  const rows = [];
  for (const backend of backends) rows.push({ backend, run: await measure(file, backend, folder, Number(flags.repeat)) });
  printRuns(rows);
  if (flags.peers && peers.length > 0) printPeers(peers.map((peer) => measurePeer(flags.python, peer, rows[0].run.answer.samples)), rows);
};

/** Seconds of what the peers do, too: means, Grams, bases and edges (ours in both bases, LIB and PCA). */
const basesAndEdges = ({ phases }) => ["means", "grams", "bases", "edges"].reduce((sum, phase) => sum + (phases[phase] ?? 0), 0);

function printRuns(rows) {
  const phases = [...new Set(rows.flatMap(({ run }) => Object.keys(run.answer.phases)))];
  const fastest = Math.min(...rows.map(({ run }) => run.answer.seconds));
  printTable(["backend", "total s", "× fastest", "processor s", "means to edges s", ...phases.map((phase) => `${phase} s`), "peak MB"], rows.map(({ backend, run: { answer, peak, processor } }) => [
    backend, answer.seconds.toFixed(2), (answer.seconds / fastest).toFixed(1), processor.toFixed(1), basesAndEdges(answer).toFixed(2),
    ...phases.map((phase) => (answer.phases[phase] ?? 0).toFixed(2)), (peak / 1e6).toFixed(0),
  ]));
}

/** Times of one way, scaled to all samples. */
function measurePeer(python, { way, title, workload, samples: part }, samples) {
  const best = fastestPeer(python, "lib_pytorch.py", [workload, way, ...(part ? ["--samples", String(part)] : [])]);
  const scale = samples / best.samples;
  return { title: `PyTorch ${best.torch} float64, ${title}`, part: best.samples, bases: (best.bases - best.fixed) * scale + best.fixed, edges: best.edges * scale };
}

/** Means, bases and edges of the peers against the same of a backend's run, and against all of it. */
function printPeers(peers, ours) {
  console.log("");
  printTable(["peer", "bases s", "edges s", ...ours.flatMap(({ backend }) => [`× ${backend}, means to edges`, `× its whole run`])], peers.map(({ title, part, bases, edges }) => [
    `${title} (from ${part} samples)`, bases.toFixed(1), edges.toFixed(1), ...ours.flatMap(({ run: { answer } }) => [basesAndEdges(answer), answer.seconds].map((own) => ((bases + edges) / own).toFixed(1))),
  ]));
}
