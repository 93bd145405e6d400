import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LabelFiles, labelsOf, labelsPath, merged, readLabels, writeLabels, type LabelRow } from "../../../server/src/analysis/store/labelsFile";
import type { ResultMetadata } from "../../../server/src/protocol/result";
import { folder, random } from "../fixtures";

const [key, other] = ["a".repeat(64), "b".repeat(64)];
const computed = [{ name: "fc1", labels: ["constant", "one", "two"] }, { name: "fc2", labels: ["constant", "three"] }];
const metadata = { key, layers: [{ name: "fc1", kept: 3 }, { name: "fc2", kept: 2 }] } as ResultMetadata;
const shown = (rows: readonly LabelRow[], of: ResultMetadata): Record<string, (string | null)[]> => Object.fromEntries(labelsOf(rows, of));
const row = (layer: string, feature: number, label: string, text: string, of = key): LabelRow => ({ layer, feature, label, computed: text, result: of.slice(0, 12) });

describe("the file of labels", () => {
  it("lies beside the spec under its name", () => {
    expect(labelsPath("/a/b.lib.json")).toBe("/a/b.labels.csv");
    expect(labelsPath("/a/model.pt")).toBe("/a/model.pt.labels.csv");
  });

  it("is read as it was written, whatever the labels hold", async () => {
    const file = join(await folder(), "x.labels.csv");
    const rows = merged([row("fc1", 2, 'a "quoted", strange\nlabel ✓', "old")], key, computed);
    await writeLabels(file, rows);
    expect(await readLabels(file)).toEqual(rows);
    expect(await readLabels(`${file}.absent`)).toEqual([]);
  });

  it("keeps labels made by hand, wherever they belong", () => {
    const first = merged([], key, computed);
    expect(first.every(({ label }) => label === "")).toBe(true);
    expect(shown(first, metadata)).toEqual({ fc1: ["constant", "one", "two"], fc2: ["constant", "three"] });
    const mine = first.map((one) => (one.computed === "two" ? { ...one, label: "mine" } : one));
    const again = merged(mine, key, [{ name: "fc1", labels: ["constant", "uno", "due"] }]);
    expect(again.filter(({ label }) => label !== "")).toEqual([row("fc1", 2, "mine", "due")]);
    // Of a result with another key nothing is lost, and nothing of it is shown.
    const later = merged(mine, other, computed);
    expect(later.filter(({ label }) => label !== "")).toEqual([row("fc1", 2, "mine", "two")]);
    expect(shown(later, { ...metadata, key: other })["fc1"]).toEqual(["constant", "one", "two"]);
    // Nor of a feature that is gone; a row without a key belongs to any result.
    const gone = merged([row("fc9", 40, "lost", ""), { ...row("fc2", 1, "any", ""), result: "" }], key, computed);
    expect(gone.map(({ label }) => label).filter(Boolean).sort()).toEqual(["any", "lost"]);
    expect(shown(gone, metadata)["fc2"]).toEqual(["constant", "any"]);
    expect(merged(merged(gone, key, computed), key, computed)).toEqual(merged(gone, key, computed));
  });

  it("says what is wrong where it is asked for, and shows nothing where it is not", async () => {
    const into = await folder();
    const file = join(into, "bad.labels.csv");
    await writeFile(file, "layer,feature,label,computed,result\nfc1,two,x,y,z\n");
    await expect(readLabels(file)).rejects.toThrow("bad.labels.csv, line 2: a row is layer,feature,label,computed,result");
    await writeFile(file, "name,text\n");
    await expect(readLabels(file)).rejects.toThrow('line 1: the first row should be "layer,feature,label,computed,result"');
    const files = new LabelFiles();
    expect(await files.rows(into)).toEqual([]);
    await writeLabels(join(into, "good.labels.csv"), merged([], key, computed));
    expect(await files.rows(into)).toHaveLength(5);
    expect(await files.rows(join(into, "nowhere"))).toEqual([]);
  });

  it("damaged anywhere is either read or refused in a sentence", async () => {
    const file = join(await folder(), "x.labels.csv");
    await writeLabels(file, merged([], key, computed));
    const bytes = Buffer.from(merged([], key, computed).map((one) => Object.values(one).join()).join("\n"));
    const next = random(3);
    for (let run = 0; run < 300; run += 1) {
      const damaged = Buffer.concat([Buffer.from("layer,feature,label,computed,result\n"), bytes]);
      for (let hit = 0; hit < 3; hit += 1) damaged[Math.floor(((next() + 1) / 2) * damaged.length)] = Math.floor(((next() + 1) / 2) * 256);
      await writeFile(file, damaged);
      const rows = await readLabels(file).catch((error: Error) => error.message);
      if (typeof rows === "string") expect(rows).toContain("x.labels.csv");
      else expect(Object.keys(shown(rows, metadata)).every((name) => name === "fc1" || name === "fc2")).toBe(true);
    }
  });
});
