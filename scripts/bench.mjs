/**
 * @file `npm run bench`: complete analyses (bases, edges, everything that is stored) through the command line, on every backend that works
 * here. Prints seconds per phase, peak memory and, within this one run, how many times longer each backend took than the fastest.
 *
 *   npm run bench -- [--backend NAME]... [--repeat N] [--data FOLDER] [--peers] [--python FILE]
 *
 * --peers also times LIB in PyTorch (test/bench/peers) where the Python at --python (python3 unless given) has it. The slow ways run on part
 * of the data and are scaled up: their time is proportional to the number of samples.
 *
 * With the authors' models and MNIST in --data (../shared/data unless given) it measures those, else the bundled examples.
 * Wall times are only comparable within one run on a quiet machine; processor seconds (the whole process, its start included) say how much
 * other work was in the way.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, tmpdir, type as systemName } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root, runNode } from "./shared/run.mjs";

const { values: flags } = parseArgs({
  options: {
    backend: { type: "string", multiple: true },
    repeat: { type: "string", default: "1" },
    data: { type: "string", default: join(root, "../shared/data") },
    peers: { type: "boolean", default: false },
    python: { type: "string", default: "python3" },
  },
});

/** Workloads as specs: [title, spec]. Paths are absolute, so the spec files can lie anywhere. */
function workloads(data) {
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
  if (existsSync(data)) {
    return [
      ["modular addition, the authors' seed 0, 3,830 pairs", modularAddition(join(data, "modadd/seed0/model_epoch_60000.pt"), 113, 0.3), [
        { way: "backward", title: "one backward pass per output feature", workload: `modadd:${data}` },
        { way: "jacrev", title: "functorch, vmap of jacrev", workload: `modadd:${data}`, samples: 500 },
      ]],
      ["MNIST MLP 784-100-100-10, the authors', 60,000 images", mnist(join(data, "mnist-mlp/model_epoch_12.pt"), join(data, "mnist"), "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"), [
        { way: "closed", title: "closed form of the bases, backward passes for the edges", workload: `mnist:${data}` },
        { way: "backward", title: "one backward pass per output feature", workload: `mnist:${data}`, samples: 6000 },
        { way: "jacrev", title: "functorch, vmap of jacrev", workload: `mnist:${data}`, samples: 1000 },
      ]],
    ];
  }
  const examples = join(root, "examples");
  return [
    ["modular addition, bundled example, 1,404 pairs", modularAddition(join(examples, "modular-addition/checkpoints/model.pt"), 53, 0.5)],
    ["MNIST MLP, bundled example, 2,000 images", mnist(join(examples, "mnist-mlp/checkpoints/mlp.pt"), join(examples, "mnist-mlp/data"), "train2k-images-idx3-ubyte.gz", "train2k-labels-idx1-ubyte.gz")],
  ];
}

/** Runs the command line and gives what it printed on standard output, its peak of resident memory in bytes and its processor seconds. */
function lens(args, folder) {
  const usageFile = join(folder, "usage.json");
  const hook = "data:text/javascript," + encodeURIComponent(`
    import { writeFileSync } from "node:fs";
    import { isMainThread } from "node:worker_threads";
    if (isMainThread) process.on("exit", () => writeFileSync(process.env.LIB_LENS_USAGE, JSON.stringify(process.resourceUsage())));
  `);
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ["--import", hook, join(root, "dist/cli.js"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LIB_LENS_USAGE: usageFile },
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (text) => { output += text; });
    child.stderr.on("data", (text) => { errors += text; });
    child.once("error", failed);
    child.once("exit", (code) => {
      if (code === 0) {
        const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(readFileSync(usageFile, "utf8"));
        done({ answer: JSON.parse(output), peak: maxRSS * 1024, processor: (userCPUTime + systemCPUTime) / 1e6 });
      } else failed(new Error(errors.trim().split("\n").at(-1) ?? `ended with code ${code}`));
    });
  });
}

/** The fastest of several complete analyses. Each has a store of its own: a stored result would be answered at once. */
async function measure(spec, backend, folder) {
  let best;
  for (let attempt = 0; attempt < Number(flags.repeat); attempt++) {
    const out = mkdtempSync(join(folder, "store-"));
    const run = await lens(["analyze", spec, "--json", "--backend", backend, "--out", out], folder);
    if (best === undefined || run.answer.seconds < best.answer.seconds) best = run;
    rmSync(out, { recursive: true, force: true });
  }
  return best;
}

function printTable(rows) {
  const phases = [...new Set(rows.flatMap(({ run }) => Object.keys(run.answer.phases)))];
  const fastest = Math.min(...rows.map(({ run }) => run.answer.seconds));
  console.log(`| backend | total s | × fastest | processor s | ${phases.map((phase) => `${phase} s`).join(" | ")} | peak MB |`);
  console.log(`|---|---|---|---|${phases.map(() => "---|").join("")}---|`);
  for (const { backend, run: { answer, peak, processor } } of rows) {
    const times = phases.map((phase) => (answer.phases[phase] ?? 0).toFixed(2));
    console.log(`| ${[backend, answer.seconds.toFixed(2), (answer.seconds / fastest).toFixed(1), processor.toFixed(1), ...times, (peak / 1e6).toFixed(0)].join(" | ")} |`);
  }
}

/** Times of the peers, scaled to all samples; the fastest of one and all threads. */
async function measurePeers(peers, samples) {
  const rows = [];
  for (const { way, title, workload, samples: part } of peers) {
    const runs = [];
    for (const threads of new Set([1, cpus().length])) {
      const run = spawnSync(flags.python, [
        join(root, "test/bench/peers/lib_pytorch.py"), workload, way, "--threads", String(threads), ...(part ? ["--samples", String(part)] : []),
      ], { encoding: "utf8" });
      if (run.status !== 0) throw new Error(`The peer ${way} did not run: ${(run.stderr ?? String(run.error)).trim().split("\n").at(-1)} Give a Python with PyTorch as --python.`);
      runs.push(JSON.parse(run.stdout));
    }
    const best = runs.reduce((a, b) => (a.total < b.total ? a : b));
    const scale = samples / best.samples;
    rows.push({ title: `PyTorch ${best.torch} float64, ${title}`, part: best.samples, bases: (best.bases - best.fixed) * scale + best.fixed, edges: best.edges * scale });
  }
  return rows;
}

/** Bases and edges of the peers against all of a backend's run and against its bases and edges alone. */
function printPeers(rows, ours) {
  console.log(`\n| peer | bases s | edges s | ${ours.map(({ backend }) => `× whole run of ${backend}`).join(" | ")} |`);
  console.log(`|---|---|---|${ours.map(() => "---|").join("")}`);
  for (const { title, part, bases, edges } of rows) {
    const ratios = ours.map(({ run }) => ((bases + edges) / run.answer.seconds).toFixed(1));
    console.log(`| ${[`${title} (from ${part} samples)`, bases.toFixed(1), edges.toFixed(1), ...ratios].join(" | ")} |`);
  }
}

async function main() {
  if (await runNode(["esbuild.mjs", "--production"]) !== 0) throw new Error("The build failed; its messages stand above.");
  const folder = mkdtempSync(join(tmpdir(), "lib-lens-bench-"));
  try {
    const { answer: backends } = await lens(["backends", "--json"], folder);
    for (const { name, available, reason } of backends) console.log(`${name}: ${available ? "works" : "not used"}; ${reason}`);
    // the reference backend takes minutes on these sizes: only when it is asked for
    const wanted = ({ name }) => flags.backend?.includes(name) ?? name !== "cpu";
    const chosen = backends.filter((backend) => backend.available && wanted(backend));
    if (chosen.length === 0) throw new Error(`None of the backends ${flags.backend?.join(", ") ?? ""} works here.`);
    console.log(`\n${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${systemName()} ${arch()}, Node ${process.versions.node}`);
    for (const [title, content, peers = []] of workloads(resolve(flags.data))) {
      console.log(`\n${title}`);
      const spec = join(folder, "bench.lib.json");
      writeFileSync(spec, JSON.stringify(content));
      const rows = [];
      for (const { name } of chosen) rows.push({ backend: name, run: await measure(spec, name, folder) });
      printTable(rows);
      if (flags.peers && peers.length > 0) printPeers(await measurePeers(peers, rows[0].run.answer.samples), rows);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
