import { expect, it } from "vitest";
import { bindWorkspace } from "../../../server/src/workspace/binding/bindWorkspace";
import { scan } from "../support";

/** Layer and its `state_dict()` shapes as PyTorch 1.13 prints them. */
const cases: [code: string, stateDict: Record<string, number[]>][] = [
  ["nn.Linear(6, 4)", {"weight": [4, 6], "bias": [4]}],
  ["nn.Linear(6, 4, bias=False)", {"weight": [4, 6]}],
  ["nn.Linear(6, 4, False)", {"weight": [4, 6]}],
  ["nn.Bilinear(2, 3, 4)", {"weight": [4, 2, 3], "bias": [4]}],
  ["nn.Embedding(10, 3)", {"weight": [10, 3]}],
  ["nn.EmbeddingBag(10, 3)", {"weight": [10, 3]}],
  ["nn.Conv1d(2, 4, 3)", {"weight": [4, 2, 3], "bias": [4]}],
  ["nn.Conv2d(4, 8, (3, 5), groups=2)", {"weight": [8, 2, 3, 5], "bias": [8]}],
  ["nn.Conv2d(4, 8, kernel_size=3, bias=False)", {"weight": [8, 4, 3, 3]}],
  ["nn.Conv2d(4, 8, 3, 1, 0, 1, 4)", {"weight": [8, 1, 3, 3], "bias": [8]}],
  ["nn.Conv3d(1, 2, 3)", {"weight": [2, 1, 3, 3, 3], "bias": [2]}],
  ["nn.ConvTranspose2d(4, 8, 3, groups=2)", {"weight": [4, 4, 3, 3], "bias": [8]}],
  ["nn.ConvTranspose1d(4, 8, 3)", {"weight": [4, 8, 3], "bias": [8]}],
  ["nn.BatchNorm1d(5)", {"weight": [5], "bias": [5], "running_mean": [5], "running_var": [5], "num_batches_tracked": []}],
  ["nn.BatchNorm2d(5, affine=False)", {"running_mean": [5], "running_var": [5], "num_batches_tracked": []}],
  ["nn.BatchNorm2d(5, track_running_stats=False)", {"weight": [5], "bias": [5]}],
  ["nn.InstanceNorm2d(5)", {}],
  ["nn.InstanceNorm2d(5, affine=True)", {"weight": [5], "bias": [5]}],
  ["nn.LayerNorm(7)", {"weight": [7], "bias": [7]}],
  ["nn.LayerNorm((2, 3))", {"weight": [2, 3], "bias": [2, 3]}],
  ["nn.LayerNorm(7, elementwise_affine=False)", {}],
  ["nn.GroupNorm(2, 6)", {"weight": [6], "bias": [6]}],
  ["nn.MultiheadAttention(8, 2)", {"in_proj_weight": [24, 8], "in_proj_bias": [24], "out_proj.weight": [8, 8], "out_proj.bias": [8]}],
  ["nn.MultiheadAttention(8, 2, bias=False)", {"in_proj_weight": [24, 8], "out_proj.weight": [8, 8]}],
  ["nn.LSTM(3, 5)", {"weight_ih_l0": [20, 3], "weight_hh_l0": [20, 5], "bias_ih_l0": [20], "bias_hh_l0": [20]}],
  ["nn.LSTM(3, 5, num_layers=2, bidirectional=True)", {"weight_ih_l0": [20, 3], "weight_hh_l0": [20, 5], "bias_ih_l0": [20], "bias_hh_l0": [20], "weight_ih_l0_reverse": [20, 3], "weight_hh_l0_reverse": [20, 5], "bias_ih_l0_reverse": [20], "bias_hh_l0_reverse": [20], "weight_ih_l1": [20, 10], "weight_hh_l1": [20, 5], "bias_ih_l1": [20], "bias_hh_l1": [20], "weight_ih_l1_reverse": [20, 10], "weight_hh_l1_reverse": [20, 5], "bias_ih_l1_reverse": [20], "bias_hh_l1_reverse": [20]}],
  ["nn.GRU(3, 5, bias=False)", {"weight_ih_l0": [15, 3], "weight_hh_l0": [15, 5]}],
  ["nn.RNN(3, 5)", {"weight_ih_l0": [5, 3], "weight_hh_l0": [5, 5], "bias_ih_l0": [5], "bias_hh_l0": [5]}],
  ["nn.PReLU()", {"weight": [1]}],
  ["nn.PReLU(4)", {"weight": [4]}],
  ["nn.ReLU()", {}],
  ["nn.Dropout(0.5)", {}],
  ["nn.MaxPool2d(2)", {}],
  ["nn.Flatten()", {}],
  ["nn.Softmax(dim=1)", {}],
];

it.each(cases)("%s", async (code, stateDict) => {
  const facts = await scan(`class Net(nn.Module):\n    def __init__(self):\n        self.x = ${code}\n`);
  const { layers } = bindWorkspace(new Map([[facts.uri, facts]]), [], new Set([facts.uri]));
  const expected = layers.flatMap((layer) => layer.expected);
  expect(Object.fromEntries(expected.map(({ name, shape }) => [name.replace("x.", ""), shape]))).toEqual(stateDict);
});
