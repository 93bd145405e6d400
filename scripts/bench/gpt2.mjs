/**
 * @file Case `gpt2`: bases and edges of one block of GPT-2's size with random weights, 64 sequences of 256 tokens, exact, section by section;
 * with --peers beside one random source per feature in PyTorch. Edges are also computed by that estimator in closed form (`edges.sources: 1`).
 *
 * Bases and edges from random signs are computed from all sequences. Exact edges are proportional to the tokens: they are computed from
 * --edge-sequences and scaled up, with --full from all sequences.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withProgram } from "./bundle.mjs";
import { printTable } from "./commandLine.mjs";
import { fastestPeer } from "./peers.mjs";
import { writeGpt2 } from "./randomModels.mjs";

const positions = 256;
/** Tokens of the vocabulary: more than the width, so that activations fill their space. */
const vocabulary = 4096;

export async function gpt2Case(flags, backends, folder) {
  const [width, heads, sequences] = [flags.width, flags.heads, flags.sequences].map(Number);
  const edgeSequences = flags.full ? sequences : Math.min(sequences, Number(flags["edge-sequences"]));
  const model = join(folder, "gpt2");
  const spec = join(folder, "gpt2.lib.json");
  writeFileSync(spec, JSON.stringify(writeGpt2(model, { width, heads, layers: 1, vocabulary, sequences, positions, seed: 0 })));
  console.log(`\none GPT-2 block, width ${width}, ${heads} heads, random weights, ${sequences} sequences of ${positions} tokens; exact edges from ${edgeSequences}${edgeSequences < sequences ? ", scaled up" : ""}`);
  await withProgram("sectionBench", async (run) => {
    let peer = null;
    for (const backend of backends) {
      const answer = JSON.parse(await run(backend, spec, "--edge-samples", String(edgeSequences), "--edge-draws", "1", "--clock", flags.clock));
      const kept = answer.layers.map((layer) => layer.kept);
      if (flags.peers) peer ??= fastestPeer(flags.python, "gpt2_block.py", [model, kept.join(","), "--all-sequences", String(sequences)]);
      console.log(`\n${backend}: ${answer.description}. Features kept: ${answer.layers.map((layer) => `${layer.name} ${layer.kept} of ${layer.width}`).join(", ")}.`);
      console.log("\nExact edges:");
      printSections(answer, "edges", sequences, peer);
      console.log("\nEdges from one draw of random signs over the positions of every sequence, where they save much:");
      printSections(answer, "drawn edges", sequences, peer);
      printNotes(answer, peer);
    }
  });
}

/** Seconds per section of ours and of the peer, and how many times longer the peer takes. @param kind step that the edges are from */
function printSections({ layers, steps }, kind, sequences, peer) {
  const secondsOf = (step, layer) => {
    const found = steps.find((each) => each.step === step && each.layer === layer);
    return (found.seconds * sequences) / found.samples;
  };
  const rows = layers.slice(0, -1).map(({ name }, index) => ({
    name: `${name} to ${layers[index + 1].name}`, basis: secondsOf("basis", name), edges: secondsOf(kind, name), peer: peer?.sections[index] ?? null,
  }));
  const sum = (pick) => rows.reduce((total, row) => total + pick(row), 0);
  rows.push({
    name: "all", basis: sum(({ basis }) => basis), edges: sum(({ edges }) => edges),
    peer: peer && { bases: sum((row) => row.peer.bases), edges: sum((row) => row.peer.edges) },
  });
  printTable(
    ["section", "basis s", "edges s", ...(peer ? ["PyTorch bases s", "× basis", "PyTorch edges s", "× edges", "× both"] : [])],
    rows.map(({ name, basis, edges, peer: theirs }) => [name, basis.toFixed(2), edges.toFixed(1), ...(theirs ? [
      theirs.bases.toFixed(0), (theirs.bases / basis).toFixed(0), theirs.edges.toFixed(0), (theirs.edges / edges).toFixed(1), ((theirs.bases + theirs.edges) / (basis + edges)).toFixed(1),
    ] : [])]),
  );
}

function printNotes({ steps }, peer) {
  const statistics = steps.filter(({ step }) => step === "means" || step === "grams").reduce((total, { seconds }) => total + seconds, 0);
  console.log(`\nMeans and Grams: ${statistics.toFixed(2)} s. A basis is the Jacobian Gram and its eigenproblems.`);
  if (peer) console.log(`PyTorch ${peer.torch} float32, one random source per feature: ${peer.features} backward passes per section on ${peer.sequences} sequences, scaled up; without means, Grams and eigenproblems.`);
}
