import { execFileSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FormatError } from "../../server/src/formats/modelFile";
import { openModel } from "../../server/src/formats/openModel";
import { writeSafetensors } from "../../server/src/formats/safetensors/writeSafetensors";

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "model-")); });
afterAll(async () => { await rm(folder, { recursive: true }); });
const fixtures = join(__dirname, "../fixtures/torch");
const one = (name: string, value: number) => [{ name, dtype: "F32" as const, shape: [1], data: Float32Array.of(value) }];

async function refusal(path: string): Promise<string> {
  const error: unknown = await openModel(path).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

describe("openModel", () => {
  it("goes by content, not by extension", async () => {
    await copyFile(join(fixtures, "all_types.pt"), join(folder, "wrong.safetensors"));
    await writeSafetensors(join(folder, "wrong.pt"), one("x", 1), {});
    await copyFile(join(fixtures, "compressed.npz"), join(folder, "wrong"));
    for (const [name, format] of [["wrong.safetensors", "pytorch"], ["wrong.pt", "safetensors"], ["wrong", "npz"]] as const) {
      const model = await openModel(join(folder, name));
      expect(model.format).toBe(format);
      await model.close();
    }
  });

  it("reads compressed arrays, big-endian and in Fortran order too", async () => {
    const model = await openModel(join(fixtures, "compressed.npz"));
    expect(model.tensors).toEqual([
      { name: "x", dtype: "float32", shape: [2, 3, 4] }, { name: "ids", dtype: "int32", shape: [4, 10] }, { name: "flag", dtype: "bool", shape: [] },
    ]);
    expect(await model.read("x")).toEqual(Float32Array.from({ length: 24 }, (_, i) => i));
    // numpy's reshape(4, 10, order="F") of 0..39: entry (i, j) is i + 4 j.
    expect([...await model.read("ids")]).toEqual(Array.from({ length: 40 }, (_, k) => Math.floor(k / 10) + 4 * (k % 10)));
    expect([...await model.read("flag")]).toEqual([1]);
    await model.close();
  });

  it.each([
    ["empty", "", "is empty"], ["lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"], ["hdf5", "\x89HDF\r\n\x1a\n....", "HDF5"],
    ["gguf", "GGUF\x03\0\0\0", "GGUF"], ["gzip", "\x1f\x8b\x08\0", "unpack"], ["json", "{\"a\": 1}", "lists no weights"], ["text", "hello", "no known format"],
  ])("tells what to do with a file of kind %s", async (name, content, words) => {
    await writeFile(join(folder, name), Buffer.from(content, "latin1"));
    const message = await refusal(join(folder, name));
    expect(message).toContain(words);
    expect(message).toContain(join(folder, name));
  });

  it("refuses what is absent, a folder without weights, or no regular file, without waiting", async () => {
    expect(await refusal(join(folder, "nothing.pt"))).toContain("no such file");
    await mkdir(join(folder, "bare"));
    expect(await refusal(join(folder, "bare"))).toContain("pytorch_model.bin");
    if (process.platform !== "win32") {
      execFileSync("mkfifo", [join(folder, "pipe")]);
      expect(await refusal(join(folder, "pipe"))).toContain("not a regular file");
      expect(await refusal("/dev/zero")).toContain("not a regular file");
    }
  });
});

describe("Hugging Face folders", () => {
  const shards = async (name: string, weightMap: unknown): Promise<string> => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    await writeSafetensors(join(path, "s1.safetensors"), one("a", 1), { format: "pt" });
    await writeSafetensors(join(path, "s2.safetensors"), [...one("b", 2), ...one("unlisted", 3)], {});
    await writeFile(join(path, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
    return path;
  };

  it("join the shards of an index and carry the config", async () => {
    const path = await shards("good", { a: "s1.safetensors", b: "s2.safetensors" });
    await writeFile(join(path, "config.json"), JSON.stringify({ model_type: "llama", hidden_size: 4 }));
    for (const name of [path, join(path, "model.safetensors.index.json")]) {
      const model = await openModel(name);
      expect(model.tensors.map((t) => t.name)).toEqual(["a", "b"]);
      expect([...await model.read("a"), ...await model.read("b")]).toEqual([1, 2]);
      expect(model.metadata.get("config")).toEqual({ model_type: "llama", hidden_size: 4 });
      await expect(model.read("unlisted")).rejects.toThrow(FormatError);
      await model.close();
    }
  });

  it.each(["../good/s1.safetensors", "/etc/passwd", "..", "C:\\x", "a\0b", 7, null])("follow no shard named %j", async (file) => {
    expect(await refusal(await shards("bad", { a: file }))).toContain("not a plain file name");
  });

  it("refuse shards that are absent, nested or lack a promised tensor", async () => {
    expect(await refusal(await shards("absent", { a: "s9.safetensors" }))).toContain("no such file");
    expect(await refusal(await shards("lacking", { z: "s1.safetensors" }))).toContain("does not hold it");
    expect(await refusal(await shards("nested", { a: "model.safetensors.index.json" }))).toContain("lists no weights");
    expect(await refusal(await shards("none", {}))).toContain("names no shard");
  });

  it("open a file through a link, as download caches store them", async () => {
    const path = await shards("cache", { a: "s1.safetensors" });
    await symlink(join(path, "s1.safetensors"), join(folder, "link.safetensors"));
    const model = await openModel(join(folder, "link.safetensors"));
    expect([...await model.read("a")]).toEqual([1]);
    await model.close();
  });
});
