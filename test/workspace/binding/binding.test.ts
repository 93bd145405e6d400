import { describe, expect, it } from "vitest";
import { openModel } from "../../../server/src/formats/openModel";
import { bindWorkspace } from "../../../server/src/workspace/binding/bindWorkspace";
import type { ModelBinding, ModelTensors } from "../../../server/src/workspace/binding/binding";
import { sharedData } from "../../formats/sharedData";
import { scan } from "../support";

type Shapes = Record<string, number[]>;

/** Binds one model that `from` refers to. */
async function bind(files: Record<string, string>, shapes: Shapes, from = Object.keys(files)[0] ?? ""): Promise<ModelBinding> {
  const tensors = Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: "float32" as const }));
  return bindModel(files, { path: "/w/model.pt", tensors, referencedBy: new Set([`file:///w/${from}`]) });
}

async function bindModel(files: Record<string, string>, model: ModelTensors): Promise<ModelBinding> {
  const documents = new Map();
  for (const [name, text] of Object.entries(files)) {
    const facts = await scan(text, `file:///w/${name}`);
    documents.set(facts.uri, facts);
  }
  const [binding] = bindWorkspace(documents, [model], new Set()).bindings;
  if (!binding) throw new Error("no binding");
  return binding;
}

/** tensor -> "file:line shapeAgrees" */
function lines(binding: ModelBinding): Record<string, string> {
  return Object.fromEntries((binding.bound?.matches ?? []).map(({ tensor, pattern, shapeAgrees }) => [
    tensor.name, `${pattern.place.uri.slice("file:///w/".length)}:${pattern.place.range.start.line + 1}${shapeAgrees ? "" : " differs"}`,
  ]));
}

const mlp = `class MLP(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.fc1 = nn.Linear(4, hidden)
        self.fc2 = nn.Linear(hidden, 2)
`;
const mlpShapes: Shapes = { "fc1.weight": [8, 4], "fc1.bias": [8], "fc2.weight": [2, 8], "fc2.bias": [2] };

function prefixed(prefix: string, shapes: Shapes): Shapes {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));
}

describe("binding of classes to state dicts", () => {
  it.each(["", "module.", "_orig_mod.", "model.", "module._orig_mod."])("finds the class below the prefix %j", async (prefix) => {
    const { bound } = await bind({ "a.py": mlp }, prefixed(prefix, mlpShapes));
    expect(bound).toMatchObject({ prefix, names: 1, shapes: 1, module: { name: "MLP" } });
    expect(bound?.matches).toHaveLength(4);
  });

  it("prefers the class that explains the prefix itself", async () => {
    const lit = `import models as M\nclass Lit(L.LightningModule):\n    def __init__(self):\n        self.model = M.MLP()\n`;
    const binding = await bind({ "lit.py": lit, "models.py": mlp }, prefixed("model.", mlpShapes), "lit.py");
    expect(binding.bound).toMatchObject({ prefix: "", module: { name: "Lit" }, names: 1 });
    expect(lines(binding)["model.fc1.weight"]).toBe("models.py:4");
    expect(binding.bound?.matches[0]?.pattern.via[0]?.range.start.line).toBe(3);
  });

  it("resolves imports: of two classes with one name the imported one is meant", async () => {
    const other = mlp.replaceAll("fc", "layer");
    const train = "from nets.second import MLP as Net\ntorch.load('model.pt')\nclass Wrap(nn.Module):\n    def __init__(self):\n        self.body = Net()\n";
    const binding = await bind({ "train.py": train, "nets/first.py": other, "nets/second.py": mlp }, prefixed("body.", mlpShapes), "train.py");
    expect(lines(binding)["body.fc2.bias"]).toBe("nets/second.py:5");
  });

  it("follows blocks in lists, relative imports and base classes", async () => {
    const block = "class Block(nn.Module):\n    def __init__(self, d):\n        self.lin = nn.Linear(d, d)\n        self.norm = nn.LayerNorm(d)\n";
    const net = `from .block import Block
class Base(nn.Module):
    def __init__(self):
        self.embed = nn.Embedding(10, 6)
class Net(Base):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(6) for _ in range(2)])
`;
    const shapes: Shapes = { "embed.weight": [10, 6] };
    for (const i of [0, 1]) {
      Object.assign(shapes, prefixed(`blocks.${i}.`, { "lin.weight": [6, 6], "lin.bias": [6], "norm.weight": [6], "norm.bias": [6] }));
    }
    const binding = await bind({ "p/net.py": net, "p/block.py": block }, shapes);
    expect(binding.bound).toMatchObject({ names: 1, shapes: 1, module: { name: "Net" } });
    expect(lines(binding)).toMatchObject({ "embed.weight": "p/net.py:4", "blocks.1.norm.bias": "p/block.py:4" });
  });

  it("reports ambiguity and binds nothing", async () => {
    const binding = await bind({ "a.py": `${mlp}${mlp.replace("class MLP", "class Other")}` }, mlpShapes);
    expect(binding.bound).toBeNull();
    expect(binding.ambiguous.map(({ module }) => module.name).sort()).toEqual(["MLP", "Other"]);
  });

  it("takes a subclass that adds nothing for no ambiguity", async () => {
    expect((await bind({ "a.py": `${mlp}class Same(MLP):\n    pass\n` }, mlpShapes)).bound).not.toBeNull();
  });

  it("prefers the class that the referring document can see over one that only looks alike", async () => {
    const { bound } = await bind({ "b/train.py": `from b.net import MLP\n`, "a/net.py": mlp, "b/net.py": mlp }, mlpShapes, "b/train.py");
    expect(bound).toMatchObject({ proximity: 1, module: { uri: "file:///w/b/net.py" } });
  });

  it("binds nothing when an unknown layer is all the evidence", async () => {
    const opaque = "class Net(nn.Module):\n    def __init__(self):\n        self.body = Mystery(3)\n";
    expect((await bind({ "a.py": opaque }, prefixed("body.", mlpShapes))).bound).toBeNull();
  });

  it("binds nothing to a class of other names", async () => {
    expect(await bind({ "a.py": mlp }, { "encoder.weight": [8, 4], "decoder.weight": [4, 8] })).toMatchObject({ bound: null, ambiguous: [] });
  });

  it("says which sizes disagree", async () => {
    const binding = await bind({ "a.py": mlp }, { ...mlpShapes, "fc2.weight": [3, 8], "fc2.bias": [3] });
    expect(lines(binding)).toMatchObject({ "fc1.weight": "a.py:4", "fc2.weight": "a.py:5 differs", "fc2.bias": "a.py:5 differs" });
  });

  it("fills parameters in from the calls of the class", async () => {
    const binding = await bind({ "a.py": `${mlp}model = MLP(hidden=16)\n` }, { ...mlpShapes, "fc1.weight": [16, 4], "fc1.bias": [16], "fc2.weight": [2, 16] });
    expect(binding.bound?.shapes).toBe(1);
  });

  it("ignores a default when a call passes what only a run could tell", async () => {
    const binding = await bind({ "a.py": `${mlp}model = MLP(args.hidden)\n` }, { ...mlpShapes, "fc1.weight": [99, 4], "fc1.bias": [99], "fc2.weight": [2, 99] });
    expect(Object.values(lines(binding)).every((line) => !line.includes("differs"))).toBe(true);
  });

  it("ignores sizes that calls do not agree on", async () => {
    const binding = await bind({ "a.py": `${mlp}small = MLP(4)\nlarge = MLP(32)\n` }, { ...mlpShapes, "fc1.weight": [32, 4], "fc1.bias": [32], "fc2.weight": [2, 32] });
    expect(binding.bound?.shapes).toBe(1);
  });

  it("gives looped layers the tensors that the last one does not claim", async () => {
    const loop = `class Net(nn.Module):
    def __init__(self, sizes):
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Linear(6, 2))
`;
    const binding = await bind({ "a.py": loop }, {
      "net.0.weight": [8, 4], "net.0.bias": [8], "net.2.weight": [6, 8], "net.2.bias": [6], "net.4.weight": [2, 6], "net.4.bias": [2],
    });
    expect(lines(binding)).toMatchObject({ "net.0.weight": "a.py:5", "net.2.weight": "a.py:5", "net.4.weight": "a.py:6" });
  });

  it("uses a helper function that makes parameters", async () => {
    const code = `def weight(*shape):
    return nn.Parameter(torch.randn(shape) / 8)
class Net(nn.Module):
    def __init__(self, d=4):
        self.W_E = weight(10, d)
        self.b = nn.Parameter(torch.zeros(d))
`;
    const binding = await bind({ "a.py": code }, { W_E: [10, 5], b: [4] });
    expect(lines(binding)).toEqual({ W_E: "a.py:5 differs", b: "a.py:6" });
  });

  it("survives classes that contain themselves", async () => {
    const code = "class A(A):\n    def __init__(self):\n        self.a = A()\n        self.fc1 = nn.Linear(4, 8)\n";
    expect((await bind({ "a.py": code }, mlpShapes)).model).toBe("/w/model.pt");
  });
});

describe("real checkpoints", () => {
  const cnn = `class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.conv3 = nn.Conv2d(16, 24, kernel_size=3)
        self.norm1 = nn.BatchNorm2d(24)
        self.fc1 = nn.Linear(24 * 22 * 22, 32)
        self.fc2 = nn.Linear(32, 10)
        self.norm2 = nn.BatchNorm1d(10)
        self.drop = nn.Dropout(0.1)
`;
  const lit = `class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.all_layers = nn.Sequential(
            nn.Linear(28 * 28, 50), nn.ReLU(),
            nn.Linear(50, 25), nn.ReLU(),
            nn.Linear(25, 10),
        )
class Lit(L.LightningModule):
    def __init__(self, model):
        self.model = MLP()
`;
  const loopBuilt = `class Layer(nn.Module):
    def __init__(self, a, b):
        self.W = nn.Parameter(torch.randn(a, b))
        self.b = nn.Parameter(torch.zeros(b))
class MLP(nn.Module):
    def __init__(self, sizes):
        self.layers = nn.ModuleList()
        for a, b in zip(sizes, sizes[1:]):
            self.layers.append(Layer(a, b))
`;
  const cases: [file: string, code: string, tensors: number][] = [
    ["formats/mnist_cnn.safetensors", cnn, 20],
    ["formats/mnist_cnn_mps.pt", cnn, 20],
    ["formats/lightning_mlp.ckpt", lit, 6],
    ["formats/lightning_mlp_state.pt", lit, 6],
    ["mnist-mlp/model_epoch_12.pt", loopBuilt, 6],
  ];
  for (const [name, code, count] of cases) {
    const path = sharedData(name);
    it.skipIf(path === null)(path === null ? `${name} (skipped: ../shared/data is not there)` : name, async () => {
      const file = await openModel(path ?? "");
      const binding = await bindModel({ "net.py": code }, { path: file.format, tensors: file.tensors, referencedBy: new Set(["file:///w/net.py"]) });
      await file.close();
      expect(binding.bound).toMatchObject({ names: 1 });
      expect(binding.bound?.matches).toHaveLength(count);
      expect(binding.bound?.matches.every((match) => match.shapeAgrees)).toBe(true);
    });
  }
});
