import { expect, it } from "vitest";
import { marked, scan } from "../support";

it("tells loading from saving and models from data, with the range of the path expression", async () => {
  const { text, at } = marked([
    'state = torch.load(«start»"a.pt"«end», map_location="cpu")',
    'torch.save(model.state_dict(), "b.pt")',
    'w = safetensors.torch.load_file("c.safetensors")',
    'save_file(w, "d.safetensors")',
    'model.load_state_dict(torch.load("e.pth"))',
    'x = np.load("x.npy")',
    'm = keras.models.load_model("f.keras")',
    'lit = Lit.load_from_checkpoint("g.ckpt")',
    'AutoModel.from_pretrained("./runs/best")',
  ].join("\n"));
  const { references } = await scan(text);
  expect(references.map((r) => [r.path, r.what, r.how])).toEqual([
    ["a.pt", "model", "load"], ["b.pt", "model", "save"], ["c.safetensors", "model", "load"], ["d.safetensors", "model", "save"],
    ["e.pth", "model", "load"], ["x.npy", "data", "load"], ["f.keras", "model", "load"], ["g.ckpt", "model", "load"],
    ["./runs/best", "model", "load"],
  ]);
  expect(references[0]?.range).toEqual({ start: at("start"), end: at("end") });
});

it("takes no hub name, no state dict variable and no address for a file", async () => {
  const { references } = await scan([
    'AutoModel.from_pretrained("gpt2")',
    "model.load_state_dict(state)",
    'torch.load("https://example.org/a.pt")',
    "torch.load(unknown)",
    'm.from_pretrained("openai/clip")',
  ].join("\n"));
  expect(references).toEqual([]);
});

it("takes no device and no framework for a file where the path itself is not known", async () => {
  const { references } = await scan([
    'torch.load(args.model, map_location="cpu")',
    'torch.load(args.model, "cuda:0")',
    'safe_open(args.model, framework="pt", device="cpu")',
    'torch.load(f="runs/best", map_location="cpu")',
    'torch.save(model, "runs/last")',
    'load_model(compile="no", filepath="runs/model")',
  ].join("\n"));
  expect(references.map(({ path }) => path)).toEqual(["runs/best", "runs/last", "runs/model"]);
});

it("still reads what stands around broken code", async () => {
  const { references } = await scan('torch.load("a.pt")\ndef f(:\n  x = (\ntorch.load("b.pt")\n');
  expect(references.map((r) => r.path)).toContain("a.pt");
});

it("gives columns in UTF-16 units", async () => {
  const { references } = await scan('name = "𝒳"; torch.load("a.pt")');
  expect(references[0]?.range.start.character).toBe('name = "𝒳"; torch.load('.length);
});
