"""One stochastic source per output feature in PyTorch, as a peer for the benchmark: Jacobian Grams and squared edges of the sections of one
GPT-2 block, as LIB was run on language models (r_p = 1: random signs over the output positions, every output feature on its own).

    python3 gpt2_block.py FOLDER KEPT [--sequences N] [--features K] [--all-sequences M] [--threads T]

FOLDER  written by scripts/bench/randomModels.mjs: model.safetensors, config.json, tokens.npy
KEPT    features of ln1, attn_in, ln2, ln_final: how many backward passes a section takes, and how wide the features are

Times K backward passes per section on N sequences, in float32, and scales to all features and M sequences; means, Grams and eigenproblems are
left out. The values of C do not matter for the time: they are random. Prints one JSON object.
"""

import argparse
import json
import os
import time

import numpy
import torch


def read_model(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    weights = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        weights[name] = torch.tensor(numpy.frombuffer(data[start:end], numpy.float32).reshape(entry["shape"]).copy())
    with open(os.path.join(folder, "config.json")) as file:
        return weights, json.load(file)["n_head"]


def sections_of(w, heads):
    """Functions between ln1, attn_in, ln2 and ln_final; the last component is the constant 1 that biases read."""
    plain = lambda x: (x[..., :-1], x[..., -1:])
    norm = lambda f: torch.nn.functional.layer_norm(f, f.shape[-1:])

    def norm_in(x):
        f, c = plain(x)
        return torch.cat([norm(f), c, f, c], -1)

    def attention(x):
        half = x.shape[-1] // 2
        (f, c), (residual, _) = plain(x[..., :half]), plain(x[..., half:])
        batch, positions, d = f.shape
        qkv = f @ w["h.0.attn.c_attn.weight"] + c * w["h.0.attn.c_attn.bias"]
        q, k, v = (part.view(batch, positions, heads, d // heads).transpose(1, 2) for part in qkv.split(d, -1))
        scores = q @ k.transpose(-1, -2) / (d // heads) ** 0.5
        scores = scores + torch.full((positions, positions), -torch.inf).triu(1)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, positions, d)
        return torch.cat([residual + mixed @ w["h.0.attn.c_proj.weight"] + c * w["h.0.attn.c_proj.bias"], c], -1)

    def mlp(x):
        f, c = plain(x)
        hidden = torch.nn.functional.gelu(norm(f) @ w["h.0.mlp.c_fc.weight"] + c * w["h.0.mlp.c_fc.bias"])
        return torch.cat([f + hidden @ w["h.0.mlp.c_proj.weight"] + c * w["h.0.mlp.c_proj.bias"], c], -1)

    return [norm_in, attention, mlp]


def signs(batch, positions):
    return torch.randint(0, 2, (batch, positions)).float() * 2 - 1


def seconds_of_gram(section, x, C, features):
    d = x.shape[-1]
    total = torch.zeros(d, d, dtype=torch.float64)
    x = x.detach().requires_grad_()
    out = section(x) @ C
    started = time.perf_counter()
    for i in range(features):
        phi = torch.zeros_like(out)
        phi[..., i] = signs(*out.shape[:2])
        row = torch.autograd.grad(out, x, phi, retain_graph=True)[0].reshape(-1, d)
        total += row.T @ row
    return (time.perf_counter() - started) / features


def seconds_of_edges(section, x, to_features, from_features, C, features):
    z = (x @ to_features).detach().requires_grad_()
    out = section(z @ from_features) @ C
    E = torch.zeros(C.shape[1], z.shape[-1], dtype=torch.float64)
    started = time.perf_counter()
    for i in range(features):
        phi = torch.zeros_like(out)
        phi[..., i] = signs(*out.shape[:2])
        row = torch.autograd.grad(out, z, phi, retain_graph=True)[0]
        E[i] += (row * z.detach()).sum(1).square().sum(0)
    return (time.perf_counter() - started) / features


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("kept")
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--all-sequences", type=int, default=64)
    parser.add_argument("--features", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    args = parser.parse_args()
    torch.manual_seed(0)
    if args.threads:
        torch.set_num_threads(args.threads)
    weights, heads = read_model(args.folder)
    kept = [int(count) for count in args.kept.split(",")]
    tokens = torch.tensor(numpy.load(os.path.join(args.folder, "tokens.npy"))[: args.sequences].astype(numpy.int64))
    x = weights["wte.weight"][tokens] + weights["wpe.weight"][: tokens.shape[1]]
    x = torch.cat([x, torch.ones(*x.shape[:-1], 1)], -1)
    scale = args.all_sequences / len(tokens)
    answer = []
    for index, section in enumerate(sections_of(weights, heads)):
        with torch.no_grad():
            following = section(x)
        orthogonal = lambda rows, columns: torch.linalg.qr(torch.randn(rows, rows))[0][:, :columns].contiguous()
        C, own = orthogonal(following.shape[-1], kept[index + 1]), orthogonal(x.shape[-1], kept[index])
        # not timed: at the first backward pass PyTorch 2 imports parts of itself, and that would be scaled up, too
        seconds_of_gram(section, x[:1], C, 1)
        bases = seconds_of_gram(section, x, C, args.features)
        edges = seconds_of_edges(section, x, own, own.T.contiguous(), C, args.features)
        answer.append({"bases": bases * kept[index + 1] * scale, "edges": edges * kept[index + 1] * scale})
        x = following
    total = sum(section["bases"] + section["edges"] for section in answer)
    print(json.dumps({"sections": answer, "total": total, "torch": torch.__version__, "sequences": len(tokens), "features": args.features}))


if __name__ == "__main__":
    main()
