import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addFound, foundLabelsFile, readFound } from "../../../server/src/analysis/store/foundLabels";
import { FormatError } from "../../../server/src/formats/modelFile";
import type { FoundLabels, LabelKind } from "../../../server/src/protocol/labels";
import type { BasisName } from "../../../server/src/protocol/result";
import { folder, random } from "../fixtures";

const found = (basis: BasisName, kind: LabelKind, text: string, share = 0.5): FoundLabels => ({
  basis, labels: { kind, layers: [{ name: "fc1", labels: ["constant", text], explained: [0, share], profile: [[], [{ group: 2, text: " cat", count: 7, mean: -0.25, deviation: 1e-3 }]] }] },
});

describe("the labels kept beside a result", () => {
  it("are the last ones of every basis, all of one kind", async () => {
    const result = join(await folder(), "abc.libresult");
    expect(await readFound(result, "k")).toEqual([]);
    for (const one of [found("lib", "class", "a"), found("pca", "class", "b"), found("lib", "class", "c")]) await addFound(result, "k", one);
    expect(await readFound(result, "k")).toEqual([found("pca", "class", "b"), found("lib", "class", "c")]);
    await addFound(result, "k", found("lib", "token", "d"));
    expect(await readFound(result, "k")).toEqual([found("lib", "token", "d")]);
    // Those of another analysis are not shown, and go when there are own ones.
    expect(await readFound(result, "other")).toEqual([]);
    await addFound(result, "other", found("pca", "class", "e"));
    expect([await readFound(result, "k"), await readFound(result, "other")]).toEqual([[], [found("pca", "class", "e")]]);
    // JSON has no word for it: the answer before stays.
    await addFound(result, "other", found("pca", "class", "f", NaN));
    expect(await readFound(result, "other")).toEqual([found("pca", "class", "e")]);
  });

  it("damaged anywhere are either read or refused in a sentence, and found anew", async () => {
    const result = join(await folder(), "abc.libresult");
    await addFound(result, "k", found("lib", "class", "a"));
    const text = await readFile(foundLabelsFile(result), "utf8");
    const next = random(3);
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const at = Math.floor((next() + 1) / 2 * text.length);
      await writeFile(foundLabelsFile(result), `${text.slice(0, at)}${["", "{", "9", "\"", "null", "-"][round % 6]!}${text.slice(at + round % 3)}`);
      const error: unknown = await readFound(result, "k").then(() => null, (one: unknown) => one);
      if (error === null) continue;
      refused += 1;
      expect(error).toBeInstanceOf(FormatError);
      expect((error as FormatError).message).toMatch(/abc\.labels\.json .*: delete it and look for labels again\.$/s);
    }
    expect(refused).toBeGreaterThan(100);
    await addFound(result, "k", found("lib", "class", "b"));
    expect(await readFound(result, "k")).toEqual([found("lib", "class", "b")]);
  });
});
