"""LIB in PyTorch, as a peer for the benchmark: bases and squared edges of a list of sections, in float64.

    python3 lib_pytorch.py WORKLOAD WAY [--samples N] [--threads T]

WORKLOAD  mnist:FOLDER      the MLP FOLDER/mnist-mlp/model_epoch_12.pt on the images of FOLDER/mnist
          modadd:FOLDER     the one-layer transformer FOLDER/modadd/seed0/model_epoch_60000.pt on its training pairs
WAY       backward          one backward pass for every output feature and position, the whole batch at once
          jacrev            torch.func (functorch before PyTorch 2): vmap of jacrev over the samples
          closed            closed form of the Jacobian Gram, edges by one backward pass per feature (mnist only)

Prints one JSON object: seconds of the bases and of the edges, those of them that do not depend on the number of samples (`fixed`:
eigenproblems), samples, kept features.
"""

import argparse
import gzip
import json
import os
import time

import numpy
import torch

try:
    from torch.func import jacrev, vmap
except ImportError:
    from functorch import jacrev, vmap

relative_threshold = 1e-6
batch_size = 2000


def mnist(folder, samples):
    state = torch.load(os.path.join(folder, "mnist-mlp", "model_epoch_12.pt"), map_location="cpu")
    weights = [value.double() for name, value in state.items() if value.dim() == 2]
    biases = [value.double() for name, value in state.items() if value.dim() == 1]
    with gzip.open(os.path.join(folder, "mnist", "train-images-idx3-ubyte.gz")) as file:
        images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 784)
    x = torch.tensor(images[:samples] / 255.0)
    folded = []
    for index, (weight, bias) in enumerate(zip(weights, biases)):
        matrix = torch.cat([weight, bias[None]])
        if index + 1 < len(weights):
            matrix = torch.cat([matrix, torch.zeros(matrix.shape[0], 1, dtype=x.dtype)], 1)
            matrix[-1, -1] = 1
        folded.append(matrix)
    sections = [lambda x, W=W: torch.relu(x @ W) for W in folded[:-1]] + [lambda x: x @ folded[-1]]
    x = torch.cat([x, torch.ones(x.shape[0], 1, dtype=x.dtype)], 1)[:, None]
    return sections, x, folded


def modular_addition(folder, samples):
    state = torch.load(os.path.join(folder, "modadd", "seed0", "model_epoch_60000.pt"), map_location="cpu")
    w = {name: value.double() for name, value in state.items()}
    with open(os.path.join(folder, "modadd", "split_seed0.json")) as file:
        split = json.load(file)
    pairs = torch.tensor((split["train"] if isinstance(split, dict) else split)[:samples])
    tokens = torch.stack([pairs // 113, pairs % 113, torch.full_like(pairs, 113)], 1)
    x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"][:3]
    one = lambda x: torch.ones(*x.shape[:-1], 1, dtype=x.dtype)
    plain = lambda x: (x[..., :-1], x[..., -1:])

    def attention(x):
        f, c = plain(x)
        name = "blocks.0.attn."
        q, k, v = (torch.einsum("bsd,hde->bhse", f, w[name + "W_" + part]) + (c[:, None] * w[name + "b_" + part][None, :, None]) for part in "QKV")
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        mask = torch.full((3, 3), -torch.inf, dtype=x.dtype).triu(1)
        mixed = (scores + mask).softmax(-1) @ v
        out = torch.einsum("bhse,hed->bsd", mixed, w[name + "W_O"]) + c * w[name + "b_O"]
        return torch.cat([f + out, c], -1)[:, -1:]

    def mlp(x):
        f, c = plain(x)
        name = "blocks.0.mlp."
        out = torch.relu(f @ w[name + "W_in"] + c * w[name + "b_in"]) @ w[name + "W_out"] + c * w[name + "b_out"]
        return torch.cat([f + out, c], -1)

    def unembed(x):
        f, c = plain(x)
        return f @ w["unembed.W_U"] + c * w["unembed.b_U"]

    return [attention, mlp, unembed], torch.cat([x, one(x)], -1), None


def batches(x):
    return x.split(batch_size)


def vjp_rows(function, x):
    """Jacobian row by row: yields d out[:, t, i] / d x, [B, S, d], for every output position t and feature i."""
    x = x.detach().requires_grad_()
    out = function(x)
    for t in range(out.shape[1]):
        for i in range(out.shape[2]):
            yield t, i, torch.autograd.grad(out[:, t, i].sum(), x, retain_graph=True)[0]


def jacobians(function, x, rows=50):
    """Chunks of [B, T, r, S, d]."""
    for part in x.split(rows):
        yield part, vmap(jacrev(lambda one: function(one[None])[0]))(part)


def jacobian_gram(function, x, way):
    d = x.shape[-1]
    total = torch.zeros(d, d, dtype=x.dtype)
    for batch in batches(x):
        if way == "jacrev":
            for _, J in jacobians(function, batch):
                rows = J.reshape(-1, d)
                total += rows.T @ rows
        else:
            for _, _, row in vjp_rows(function, batch):
                flat = row.reshape(-1, d)
                total += flat.T @ flat
    return total / (x.shape[0] * x.shape[1])


def edges(function, z, outputs, way):
    E = torch.zeros(outputs, z.shape[-1], dtype=z.dtype)
    for batch in batches(z):
        if way == "jacrev":
            for part, J in jacobians(function, batch):
                E += torch.einsum("btisj,bsj->btij", J, part).square().sum((0, 1))
        else:
            for _, i, row in vjp_rows(function, batch):
                E[i] += (row * batch).sum(1).square().sum(0)
    return E / (z.shape[0] * z.shape[1])


def lib(sections, x0, folded, way):
    started = time.perf_counter()
    xs = [x0]
    with torch.no_grad():
        for section in sections:
            xs.append(section(xs[-1]))
    C_next = None
    bases = [None] * len(sections)
    fixed = 0.0
    for l in reversed(range(len(sections))):
        x = xs[l]
        d = x.shape[-1]
        mean = x.mean((0, 1))
        centred = torch.cat([x[..., :-1] - mean[:-1], x[..., -1:]], -1).reshape(-1, d)
        gram = centred.T @ centred / len(centred)
        mark = time.perf_counter()
        D, U = torch.linalg.eigh(gram[:-1, :-1])
        keep = D > relative_threshold * D.max()
        D, U = D[keep].flip(0), U[:, keep].flip(1)
        D = torch.cat([torch.ones(1, dtype=D.dtype), D])
        full = torch.zeros(d, len(D), dtype=D.dtype)
        full[-1, 0] = 1
        full[:-1, 1:] = U
        Y, Y_inv = torch.eye(d, dtype=D.dtype), torch.eye(d, dtype=D.dtype)
        Y[-1, :-1], Y_inv[-1, :-1] = -mean[:-1], mean[:-1]
        R, R_pinv = Y @ full / D.sqrt(), D.sqrt()[:, None] * (full.T @ Y_inv)
        fixed += time.perf_counter() - mark
        if way == "closed" and folded is not None:
            P = torch.eye(xs[l + 1].shape[-1], dtype=D.dtype) if C_next is None else C_next @ C_next.T
            if l + 1 < len(sections):
                slope = (x.reshape(-1, d) @ folded[l] > 0).double()
                P = P * (slope.T @ slope / len(slope))
            M = folded[l] @ P @ folded[l].T
        else:
            M = jacobian_gram(lambda f: sections[l](f) if C_next is None else sections[l](f) @ C_next, x, way)
        mark = time.perf_counter()
        M = R_pinv @ M @ R_pinv.T
        lam, V2 = torch.linalg.eigh((M[1:, 1:] + M[1:, 1:].T) / 2)
        keep = lam > relative_threshold * lam.max()
        lam = torch.cat([M[:1, 0], lam[keep].flip(0)])
        V = torch.zeros(len(M), len(lam), dtype=D.dtype)
        V[0, 0] = 1
        V[1:, 1:] = V2[:, keep].flip(1)
        C_next = R @ V * lam.sqrt()
        bases[l] = (C_next, (V.T @ R_pinv) / lam.sqrt()[:, None])
        fixed += time.perf_counter() - mark
    bases_done = time.perf_counter()
    for l in range(len(sections)):
        C, C_pinv = bases[l]
        following = bases[l + 1][0] if l + 1 < len(sections) else None
        outputs = xs[l + 1].shape[-1] if following is None else following.shape[1]
        edges(lambda z: sections[l](z @ C_pinv) if following is None else sections[l](z @ C_pinv) @ following, xs[l] @ C, outputs, way)
    done = time.perf_counter()
    return {"bases": bases_done - started, "edges": done - bases_done, "total": done - started, "fixed": fixed, "samples": len(x0), "kept": [C.shape[1] for C, _ in bases]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("way", choices=["backward", "jacrev", "closed"])
    parser.add_argument("--samples", type=int, default=None)
    parser.add_argument("--threads", type=int, default=None)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    kind, folder = args.workload.split(":", 1)
    if args.way == "jacrev":
        # the first call imports and compiles parts of PyTorch 2, which takes seconds
        vmap(jacrev(torch.sin))(torch.zeros(1, 1, dtype=torch.float64))
    sections, x, folded = (mnist if kind == "mnist" else modular_addition)(folder, args.samples)
    print(json.dumps({**lib(sections, x, folded, args.way), "torch": torch.__version__, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
