import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openModel } from "../../../server/src/formats/openModel";

interface Expected { dtype: string; shape: number[]; values: (number | string)[] }
const folder = join(__dirname, "../../fixtures/torch");
const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Record<string, Record<string, Expected>>;
const open = (name: string) => openModel(join(folder, name));

const text = (value: number): number | string => (Number.isFinite(value) ? value : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");

describe("PyTorch files agree with torch, value by value", () => {
  it.each([
    ["all_types.pt", "pytorch"], ["all_types_legacy.pt", "pytorch-legacy"], ["module.pt", "pytorch"], ["module_legacy.pt", "pytorch-legacy"],
    ["checkpoint.pt", "pytorch"], ["script.pt", "torchscript"], ["hostile.pt", "pytorch"], ["hostile_legacy.pt", "pytorch-legacy"], ["cyclic.pt", "pytorch"],
  ])("%s (%s)", async (name, format) => {
    const tensors = expected[name]!;
    const file = await open(name);
    expect(file.format).toBe(format);
    expect(file.tensors.map((t) => t.name).sort()).toEqual(Object.keys(tensors).sort());
    for (const { name: tensor, dtype, shape } of file.tensors) {
      expect({ tensor, dtype, shape }).toEqual({ tensor, dtype: tensors[tensor]!.dtype, shape: tensors[tensor]!.shape });
      expect({ tensor, values: [...await file.read(tensor)].map(text) }).toEqual({ tensor, values: tensors[tensor]!.values });
    }
    await file.close();
  });
});

describe("what stands beside the tensors", () => {
  it("tells classes and constructor facts of whole modules", async () => {
    for (const name of ["module.pt", "module_legacy.pt"]) {
      const file = await open(name);
      expect(file.metadata.get("modules")).toMatchObject({
        "": { class: "torch.nn.modules.container.Sequential" },
        first: { class: "torch.nn.modules.linear.Linear", in_features: 3, out_features: 4 },
        act: { class: "torch.nn.modules.activation.GELU", approximate: "tanh" },
        norm: { eps: 1e-5 },
        "blocks.1": { class: "torch.nn.modules.conv.Conv2d", kernel_size: [3, 3], padding: [1, 1] },
      });
      expect(Object.keys(file.metadata.get("modules") as object)).toEqual(["", "first", "act", "norm", "blocks", "blocks.0", "blocks.1"]);
      await file.close();
    }
  });

  it("keeps facts of a checkpoint as data that JSON can hold, and says what it leaves out", async () => {
    const file = await open("checkpoint.pt");
    const facts = JSON.parse(JSON.stringify(Object.fromEntries(file.metadata))) as Record<string, unknown>;
    expect(facts).toMatchObject({
      tensorsFrom: "model_state_dict", epoch: 3, best: "-Infinity", big: String(2n ** 70n),
      hyper_parameters: { lr: 1e-3, sizes: [3, 4], names: ["a"], path: { class: "pathlib.PurePosixPath", args: ["a", "b"] } },
    });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(file.notes).toEqual([expect.stringMatching(/"model_state_dict"; left out: "optimizer_state_dict" \(\d+ tensors\)/)]);
    await file.close();
  });

  it("shows an attack as data and runs nothing", async () => {
    const file = await open("hostile.pt");
    expect(file.metadata.get("attack")).toEqual({ class: "posix.system", args: ["touch lib-lens-was-attacked"] });
    expect(existsSync("lib-lens-was-attacked")).toBe(false);
    await file.close();
  });

  it("lists the code of TorchScript without reading it", async () => {
    const file = await open("script.pt");
    expect(file.metadata.get("torchScriptFiles")).toEqual(expect.arrayContaining([expect.stringMatching(/\.py$/)]));
    expect(file.notes).toEqual([expect.stringContaining("TorchScript")]);
    await file.close();
  });

  it("says that quantised numbers were widened", async () => {
    const file = await open("all_types.pt");
    expect(file.notes).toEqual([expect.stringContaining("quantized, quantized_int8")]);
    await file.close();
  });
});
