import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTokenizer } from "../../server/src/formats/tokenizers/openTokenizer";
import type { LabelsAnswer } from "../../server/src/protocol/labels";
import { bundle, runCli } from "../analysis/bundles";
import { sharedData } from "../formats/sharedData";
import { json } from "./answers";

const model = sharedData("stories260K/stories260K.bin");
const tokenizer = sharedData("stories260K/tok512.bin");
const stories = sharedData("text/tinystories_1000.json");
const paths = [model, tokenizer, stories];

describe.skipIf(paths.includes(null))("labels of a language model (skipped without ../shared/data)", () => {
  let bundles = "";
  let folder = "";
  beforeAll(async () => {
    bundles = await bundle(["cli", "worker", "probe"]);
    folder = await mkdtemp(join(tmpdir(), "lib-lens-tokens-"));
    await writeFile(join(folder, "stories.lib.json"), JSON.stringify({
      model, data: { kind: "text", inputs: stories, tokenizer, contextLength: 32, limit: 8 }, nodeLayers: ["ln_final", "output"],
    }));
  });
  afterAll(async () => {
    await rm(bundles, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  });

  it("name tokens as the tokenizer spells them, between quotation marks", async () => {
    const { kind, layers } = json<LabelsAnswer>(await runCli(bundles, ["labels", join(folder, "stories.lib.json"), "--backend", "wasm", "--json"]));
    const spelling = await openTokenizer(tokenizer!);
    expect(kind).toBe("token");
    const [{ labels, profile }] = layers as [LabelsAnswer["layers"][number]];
    for (const groups of profile!.slice(1)) {
      expect(groups.length).toBeGreaterThan(0);
      for (const { group, text } of groups) expect(JSON.parse(text!)).toBe(spelling.tokenText(group));
    }
    const spelled = new Set(Array.from({ length: 512 }, (_, id) => JSON.stringify(spelling.tokenText(id)).replaceAll("|", "\\u007c")));
    const named = labels.slice(1).flatMap((label) => label.split("|").slice(1).flatMap((side) => side.replace(/^(high|low) /, "").match(/"(?:[^"\\]|\\.)*"/g) ?? []));
    expect(named.length).toBeGreaterThan(20);
    for (const token of named) expect(spelled).toContain(token);
  }, 120_000);
});
