"""Writes a ReLU network of independent blocks: its modules are known, so that one can see whether an analysis finds them.

    python make_model.py                       # 2 blocks of 4 neurons, 4 hidden layers: the checkpoint of this folder
    python make_model.py --blocks 4 --width 16
    python make_model.py --mix 2               # layer 2 also connects the blocks, weakly
    python make_model.py --show                # reads the checkpoint and prints which blocks each layer connects

No training: weights within a block are 2 N(0, 1), between blocks 0 (0.3 N(0, 1) in the mixing layer); there are no biases.
"""
import argparse
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = Path(__file__).parent
CHECKPOINT = HERE / "checkpoints" / "blocks.pt"


class Blocks(nn.Module):
    def __init__(self, width=8, hidden=4):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width, bias=False) for _ in range(hidden + 1)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def block_weight(width, blocks, between):
    """[out, in]; entries outside the blocks on the diagonal have the standard deviation `between`."""
    block = torch.arange(width) * blocks // width
    inside = block[:, None] == block[None, :]
    return torch.where(inside, 2.0 * torch.randn(width, width), between * torch.randn(width, width))


def make(arguments):
    torch.manual_seed(arguments.seed)
    model = Blocks(arguments.width, arguments.hidden)
    with torch.no_grad():
        for index, layer in enumerate(model.layers):
            layer.weight.copy_(block_weight(arguments.width, arguments.blocks, 0.3 if index == arguments.mix else 0.0))
    CHECKPOINT.parent.mkdir(exist_ok=True)
    torch.save(model.state_dict(), CHECKPOINT)


def show(blocks):
    for name, weight in torch.load(CHECKPOINT).items():
        width = len(weight)
        size = weight.abs().reshape(blocks, width // blocks, blocks, width // blocks).amax((1, 3))
        print(name, "largest weight from block to block", size.T.tolist())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=4, help="number of hidden layers")
    parser.add_argument("--mix", type=int, default=None, help="index of a layer that connects the blocks weakly")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    parsed = parser.parse_args()
    if parsed.width % parsed.blocks:
        parser.error("--width must be a multiple of --blocks")
    if not parsed.show:
        make(parsed)
    show(parsed.blocks)
