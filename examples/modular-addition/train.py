"""Trains a one-layer transformer to add modulo 53, until it generalises ("groks").

    python train.py                 # about two minutes on one core
    python train.py --evaluate      # reads the checkpoint and prints its accuracies

The parameters carry TransformerLens names (blocks.0.attn.W_Q, ...), as research code often stores them.
"""
import argparse
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml

CHECKPOINTS = Path(__file__).parent / "checkpoints"

CONFIG = {
    "dataset": {"dataset_type": "modular_arithmetic", "fn_name": "add", "frac_train": 0.5, "modulus": 53, "seed": 0},
    "model": {
        "act_fn": "relu", "d_head": 16, "d_mlp": 256, "d_model": 64, "d_vocab": 54,
        "n_ctx": 3, "n_heads": 4, "n_layers": 1, "normalization_type": None,
    },
    "seed": 0,
    "train": {"epochs": 3500, "learning_rate": 1e-3, "weight_decay": 1.0, "warm_up": 10, "cool_down": 500},
}


def weight(*shape):
    """Normal entries with the variance that keeps activations of order one."""
    return nn.Parameter(torch.randn(shape) / math.sqrt(CONFIG["model"]["d_model"]))


class Embed(nn.Module):
    def __init__(self, d_vocab, d_model):
        super().__init__()
        self.W_E = weight(d_vocab, d_model)

    def forward(self, tokens):
        return self.W_E[tokens]


class PosEmbed(nn.Module):
    def __init__(self, n_ctx, d_model):
        super().__init__()
        self.W_pos = weight(n_ctx, d_model)

    def forward(self, tokens):
        return self.W_pos[: tokens.shape[-1]]


class Attention(nn.Module):
    def __init__(self, n_heads, d_model, d_head, n_ctx):
        super().__init__()
        self.d_head = d_head
        self.W_Q = weight(n_heads, d_model, d_head)
        self.W_K = weight(n_heads, d_model, d_head)
        self.W_V = weight(n_heads, d_model, d_head)
        self.W_O = weight(n_heads, d_head, d_model)
        self.b_Q = nn.Parameter(torch.zeros(n_heads, d_head))
        self.b_K = nn.Parameter(torch.zeros(n_heads, d_head))
        self.b_V = nn.Parameter(torch.zeros(n_heads, d_head))
        self.b_O = nn.Parameter(torch.zeros(d_model))
        self.register_buffer("mask", torch.tril(torch.ones(n_ctx, n_ctx, dtype=torch.bool)))

    def forward(self, x):
        q = torch.einsum("bpd,hde->bhpe", x, self.W_Q) + self.b_Q[:, None]
        k = torch.einsum("bpd,hde->bhpe", x, self.W_K) + self.b_K[:, None]
        v = torch.einsum("bpd,hde->bhpe", x, self.W_V) + self.b_V[:, None]
        scores = (q @ k.transpose(-1, -2) / math.sqrt(self.d_head)).masked_fill(~self.mask, -1e9)
        z = scores.softmax(-1) @ v
        return torch.einsum("bhpe,hed->bpd", z, self.W_O) + self.b_O


class MLP(nn.Module):
    def __init__(self, d_model, d_mlp):
        super().__init__()
        self.W_in = weight(d_model, d_mlp)
        self.b_in = nn.Parameter(torch.zeros(d_mlp))
        self.W_out = weight(d_mlp, d_model)
        self.b_out = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return F.relu(x @ self.W_in + self.b_in) @ self.W_out + self.b_out


class Block(nn.Module):
    def __init__(self, n_heads, d_model, d_head, d_mlp, n_ctx):
        super().__init__()
        self.attn = Attention(n_heads, d_model, d_head, n_ctx)
        self.mlp = MLP(d_model, d_mlp)

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


class Unembed(nn.Module):
    def __init__(self, d_model, d_vocab):
        super().__init__()
        self.W_U = weight(d_model, d_vocab)
        self.b_U = nn.Parameter(torch.zeros(d_vocab))

    def forward(self, x):
        return x @ self.W_U + self.b_U


class Transformer(nn.Module):
    def __init__(self, d_vocab, d_model, n_ctx, n_heads, d_head, d_mlp, n_layers, **_):
        super().__init__()
        self.embed = Embed(d_vocab, d_model)
        self.pos_embed = PosEmbed(n_ctx, d_model)
        self.blocks = nn.ModuleList([Block(n_heads, d_model, d_head, d_mlp, n_ctx) for _ in range(n_layers)])
        self.unembed = Unembed(d_model, d_vocab)

    def forward(self, tokens):
        x = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.unembed(x)


def make_data(modulus, frac_train, seed, **_):
    """All pairs (x, y) as tokens (x, y, =) with the label x + y; the split is a seeded permutation."""
    x, y = torch.meshgrid(torch.arange(modulus), torch.arange(modulus), indexing="ij")
    tokens = torch.stack([x.flatten(), y.flatten(), torch.full((modulus**2,), modulus)], dim=1)
    labels = (tokens[:, 0] + tokens[:, 1]) % modulus
    order = torch.randperm(modulus**2, generator=torch.Generator().manual_seed(seed))
    cut = int(frac_train * modulus**2)
    return (tokens[order[:cut]], labels[order[:cut]]), (tokens[order[cut:]], labels[order[cut:]])


def accuracy(model, data):
    tokens, labels = data
    with torch.no_grad():
        return (model(tokens)[:, -1].argmax(-1) == labels).float().mean().item()


def train(model, train_data, test_data, epochs, learning_rate, weight_decay, warm_up, cool_down):
    tokens, labels = train_data
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, (epochs + 1 - step) / cool_down, 1.0))
    for epoch in range(epochs + 1):
        loss = F.cross_entropy(model(tokens)[:, -1], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if epoch % 500 == 0:
            print(f"epoch {epoch:5d}  loss {loss.item():.2e}  "
                  f"train {accuracy(model, train_data):.4f}  test {accuracy(model, test_data):.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluate", action="store_true", help="read the checkpoint instead of training")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(CONFIG["seed"])
    model = Transformer(**CONFIG["model"])
    train_data, test_data = make_data(**CONFIG["dataset"])
    if args.evaluate:
        model.load_state_dict(torch.load(CHECKPOINTS / "model.pt", map_location="cpu"))
    else:
        train(model, train_data, test_data, **CONFIG["train"])
        CHECKPOINTS.mkdir(exist_ok=True)
        torch.save(model.state_dict(), CHECKPOINTS / "model.pt")
        (CHECKPOINTS / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    print(f"train accuracy {accuracy(model, train_data):.4f}, test accuracy {accuracy(model, test_data):.4f}")


if __name__ == "__main__":
    main()
