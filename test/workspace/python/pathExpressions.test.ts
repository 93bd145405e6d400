import { describe, expect, it } from "vitest";
import { scan } from "../support";

/** The only reference of a script. */
async function reference(text: string) {
  const { references } = await scan(text);
  expect(references).toHaveLength(1);
  return references[0];
}

describe("path expressions of model references", () => {
  const cases: [what: string, code: string, path: string, anchor?: string][] = [
    ["a literal", 'torch.load("runs/mlp.pt")', "runs/mlp.pt"],
    ["implicit concatenation", 'torch.load("runs/" "mlp.pt")', "runs/mlp.pt"],
    ["an f-string with a loop variable", 'for e in range(9):\n    torch.save(m, f"out/mlp_epoch{e}.pt")', "out/mlp_epoch*.pt"],
    ["an f-string with a constant", 'NAME = "mlp"\ntorch.load(f"out/{NAME}.pt")', "out/mlp.pt"],
    ["escaped braces", 'torch.load(f"out/{{x}}.pt")', "out/{x}.pt"],
    ["Path joins", 'ROOT = Path("runs")\nn = ask()\ntorch.load(ROOT / "best" / f"{n}.pt")', "runs/best/*.pt"],
    ["Path with several parts", 'torch.load(Path("runs", "best", "a.pt"))', "runs/best/a.pt"],
    ["os.path.join", 'torch.load(os.path.join("runs", name, "a.ckpt"))', "runs/*/a.ckpt"],
    ["the % operator", 'torch.load("runs/model_%03d_%s.pth" % (epoch, "x"))', "runs/model_*_x.pth"],
    ["the + operator", 'D = "runs/"\ntorch.load(D + name + ".pt")', "runs/*.pt"],
    ["str.format", 'torch.load("runs/{}_{}.pt".format(a, b))', "runs/*_*.pt"],
    ["joinpath and with_suffix", 'torch.load(Path("runs").joinpath("m.tmp").with_suffix(".pt"))', "runs/m.pt"],
    ["parents of __file__", 'torch.load(Path(__file__).parent / "m.pt")', "m.pt", "document"],
    ["two parents of __file__", 'torch.load(Path(__file__).resolve().parent.parent / "w" / "m.pt")', "../w/m.pt", "document"],
    ["parents[1] of __file__", 'torch.load(Path(__file__).parents[1] / "m.pt")', "../m.pt", "document"],
    ["os.path.dirname(__file__)", 'torch.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "m.pt"))', "m.pt", "document"],
    ["an argparse default", 'p = argparse.ArgumentParser()\np.add_argument("--check-point", default="runs/a.ckpt")\nargs = p.parse_args()\ntorch.load(args.check_point)', "runs/a.ckpt"],
    ["a default parameter", 'def load(path="runs/a.pt"):\n    return torch.load(path)', "runs/a.pt"],
    ["a keyword argument", 'torch.load(map_location="cpu", f="runs/a.pt")', "runs/a.pt"],
    ["an attribute of self", 'class T:\n    def __init__(self):\n        self.out = "runs"\n    def save(self):\n        torch.save(1, self.out + "/a.pt")', "runs/a.pt"],
    ["an absolute path", 'torch.load("/data/a.pt")', "/data/a.pt", "absolute"],
    ["the last assignment before the use", 'p = "a.pt"\np = "b.pt"\ntorch.load(p)\np = "c.pt"', "b.pt"],
    ["an environment default", 'torch.load(os.environ.get("CKPT", "runs/a.pt"))', "runs/a.pt"],
    ["str of a conditional", 'torch.load(str("a.pt" if big else "b.pt"))', "a.pt"],
  ];
  it.each(cases)("%s", async (_what, code, path, anchor = "relative") => {
    expect(await reference(code)).toMatchObject({ path, anchor });
  });

  it("does not loop on a name that is defined by itself", async () => {
    expect((await scan('p = p + "x"\np = p + "y.pt"\ntorch.load(p)')).references[0]?.path).toBe("*xy.pt");
  });
});
