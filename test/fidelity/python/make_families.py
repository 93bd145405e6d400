"""Writes one small checkpoint per transformer family, with token ids and the logits of the plain forward pass.

    python3 make_families.py FOLDER

Each case is a folder with config.json, its weights (float16, so that they are small; drawn from a fixed seed) and expected.safetensors
(`tokens` [N, T], `logits` [N, T, V] in float64 from those same weights). Needs numpy and torch.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

import plain_transformers as plain

SAMPLES, LENGTH = 2, 7


def write_safetensors(path, tensors):
    kinds = {"float16": "F16", "float64": "F64", "int32": "I32", "bool": "BOOL"}
    header, data = {}, b""
    for name, values in tensors.items():
        values = np.ascontiguousarray(values)
        header[name] = {"dtype": kinds[values.dtype.name], "shape": list(values.shape), "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Draw:
    """Seeded parameters: weights of unit gain, biases and gains away from 0 and 1."""

    def __init__(self, name):
        self.random = np.random.RandomState(zlib.crc32(name.encode()))
        self.tensors = {}

    def put(self, name, values):
        self.tensors[name] = values.astype(np.float16)

    def weight(self, name, *shape, rows=0):
        """`rows`: the axis of the inputs."""
        self.put(name, self.random.standard_normal(shape) * 1.5 / np.sqrt(shape[rows]))

    def bias(self, name, *shape):
        self.put(name, self.random.standard_normal(shape) * 0.4)

    def table(self, name, *shape):
        self.put(name, self.random.standard_normal(shape))

    def gain(self, name, width):
        self.put(name, 1 + self.random.standard_normal(width) * 0.3)

    def linear(self, name, inputs, outputs, bias=True):
        self.weight(f"{name}.weight", outputs, inputs, rows=1)
        if bias:
            self.bias(f"{name}.bias", outputs)

    def conv1d(self, name, inputs, outputs):
        self.weight(f"{name}.weight", inputs, outputs)
        self.bias(f"{name}.bias", outputs)

    def norm(self, name, width, bias=True):
        self.gain(f"{name}.weight", width)
        if bias:
            self.bias(f"{name}.bias", width)


def gpt2(draw, config, prefix, tied, buffers):
    d, hidden = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    draw.table(f"{prefix}wte.weight", config["vocab_size"], d)
    draw.table(f"{prefix}wpe.weight", config["n_positions"], d)
    for block in range(config["n_layer"]):
        name = f"{prefix}h.{block}"
        draw.norm(f"{name}.ln_1", d)
        draw.conv1d(f"{name}.attn.c_attn", d, 3 * d)
        draw.conv1d(f"{name}.attn.c_proj", d, d)
        draw.norm(f"{name}.ln_2", d)
        draw.conv1d(f"{name}.mlp.c_fc", d, hidden)
        draw.conv1d(f"{name}.mlp.c_proj", hidden, d)
        if buffers:
            n = config["n_positions"]
            draw.put(f"{name}.attn.bias", np.tril(np.ones((1, 1, n, n))))
            draw.put(f"{name}.attn.masked_bias", np.array(-1e4))
    draw.norm(f"{prefix}ln_f", d)
    if not tied:
        draw.linear("lm_head", d, config["vocab_size"], bias=False)


def gpt_neo(draw, config):
    d, hidden = config["hidden_size"], config.get("intermediate_size") or 4 * config["hidden_size"]
    draw.table("transformer.wte.weight", config["vocab_size"], d)
    draw.table("transformer.wpe.weight", config["max_position_embeddings"], d)
    for block in range(config["num_layers"]):
        name = f"transformer.h.{block}"
        draw.norm(f"{name}.ln_1", d)
        for one in "kvq":
            draw.linear(f"{name}.attn.attention.{one}_proj", d, d, bias=False)
        draw.linear(f"{name}.attn.attention.out_proj", d, d)
        draw.norm(f"{name}.ln_2", d)
        draw.linear(f"{name}.mlp.c_fc", d, hidden)
        draw.linear(f"{name}.mlp.c_proj", hidden, d)
    draw.norm("transformer.ln_f", d)


def gpt_neox(draw, config):
    d, bias = config["hidden_size"], config.get("attention_bias", True)
    draw.table("gpt_neox.embed_in.weight", config["vocab_size"], d)
    for block in range(config["num_hidden_layers"]):
        name = f"gpt_neox.layers.{block}"
        draw.norm(f"{name}.input_layernorm", d)
        draw.norm(f"{name}.post_attention_layernorm", d)
        draw.linear(f"{name}.attention.query_key_value", d, 3 * d, bias)
        draw.linear(f"{name}.attention.dense", d, d, bias)
        draw.linear(f"{name}.mlp.dense_h_to_4h", d, config["intermediate_size"])
        draw.linear(f"{name}.mlp.dense_4h_to_h", config["intermediate_size"], d)
    draw.norm("gpt_neox.final_layer_norm", d)
    if not config.get("tie_word_embeddings", False):
        draw.linear("embed_out", d, config["vocab_size"], bias=False)


def llama(draw, config):
    d, heads = config["hidden_size"], config["num_attention_heads"]
    width = config.get("head_dim") or d // heads
    queries, keys = heads * width, config["num_key_value_heads"] * width
    attention, feed = config.get("attention_bias", False), config.get("mlp_bias", False)
    draw.table("model.embed_tokens.weight", config["vocab_size"], d)
    for block in range(config["num_hidden_layers"]):
        name = f"model.layers.{block}"
        draw.norm(f"{name}.input_layernorm", d, bias=False)
        draw.linear(f"{name}.self_attn.q_proj", d, queries, attention)
        draw.linear(f"{name}.self_attn.k_proj", d, keys, attention)
        draw.linear(f"{name}.self_attn.v_proj", d, keys, attention)
        draw.linear(f"{name}.self_attn.o_proj", queries, d, attention)
        draw.norm(f"{name}.post_attention_layernorm", d, bias=False)
        draw.linear(f"{name}.mlp.gate_proj", d, config["intermediate_size"], feed)
        draw.linear(f"{name}.mlp.up_proj", d, config["intermediate_size"], feed)
        draw.linear(f"{name}.mlp.down_proj", config["intermediate_size"], d, feed)
    draw.norm("model.norm", d, bias=False)
    if not config.get("tie_word_embeddings", False):
        draw.linear("lm_head", d, config["vocab_size"], bias=False)


def transformer_lens(draw, config):
    d, heads, width, hidden = config["d_model"], config["n_heads"], config["d_head"], config["d_mlp"]
    groups = config.get("n_key_value_heads") or heads
    kind = config["normalization_type"]

    def norm(name):
        if kind in ("LN", "RMS"):
            draw.gain(f"{name}.w", d)
        if kind == "LN":
            draw.bias(f"{name}.b", d)

    draw.table("embed.W_E", config["d_vocab"], d)
    if config.get("positional_embedding_type", "standard") == "standard":
        draw.table("pos_embed.W_pos", config["n_ctx"], d)
    for block in range(config["n_layers"]):
        name = f"blocks.{block}"
        shared = "_" if groups != heads else ""
        norm(f"{name}.ln1")
        norm(f"{name}.ln2")
        for one, count in (("Q", heads), (f"{shared}K", groups), (f"{shared}V", groups)):
            stem = ("_" if one.startswith("_") else "")
            draw.weight(f"{name}.attn.{stem}W_{one[-1]}", count, d, width, rows=1)
            draw.bias(f"{name}.attn.{stem}b_{one[-1]}", count, width)
        draw.weight(f"{name}.attn.W_O", heads, width, d, rows=2)
        draw.bias(f"{name}.attn.b_O", d)
        draw.put(f"{name}.attn.mask", np.tril(np.ones((config["n_ctx"], config["n_ctx"]))))
        draw.weight(f"{name}.mlp.W_in", d, hidden)
        draw.bias(f"{name}.mlp.b_in", hidden)
        if config.get("gated_mlp", False):
            draw.weight(f"{name}.mlp.W_gate", d, hidden)
        draw.weight(f"{name}.mlp.W_out", hidden, d)
        draw.bias(f"{name}.mlp.b_out", d)
    norm("ln_final")
    draw.weight("unembed.W_U", d, config["d_vocab"])
    draw.bias("unembed.b_U", config["d_vocab"])


GPT2 = dict(model_type="gpt2", vocab_size=19, n_positions=8, n_embd=12, n_layer=2, n_head=3, layer_norm_epsilon=1e-5, activation_function="gelu_new")
NEO = dict(model_type="gpt_neo", vocab_size=19, max_position_embeddings=8, hidden_size=12, num_layers=2, num_heads=3, intermediate_size=16,
           layer_norm_epsilon=1e-5, activation_function="gelu_new", attention_types=[[["global", "local"], 1]], window_size=3)
NEOX = dict(model_type="gpt_neox", vocab_size=19, max_position_embeddings=16, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=16,
            layer_norm_eps=1e-5, hidden_act="gelu")
LLAMA = dict(model_type="llama", vocab_size=19, max_position_embeddings=16, num_hidden_layers=2, num_attention_heads=4, hidden_act="silu")
LENS = dict(n_layers=2, d_model=12, n_heads=3, d_head=4, d_mlp=16, d_vocab=19, n_ctx=8, eps=1e-5, act_fn="gelu_new", use_attn_scale=True)

# name: (forward, make, config, options of make, whether as pytorch_model.bin)
CASES = {
    "gpt2": (plain.gpt2, gpt2, GPT2, dict(prefix="transformer.", tied=True, buffers=True), True),
    "gpt2-untied": (plain.gpt2, gpt2, dict(GPT2, n_inner=16, activation_function="relu", scale_attn_by_inverse_layer_idx=True, tie_word_embeddings=False),
                    dict(prefix="", tied=False, buffers=False), False),
    "gpt-neo": (plain.gpt_neo, gpt_neo, NEO, {}, False),
    "gpt-neox": (plain.gpt_neox, gpt_neox, dict(NEOX, rotary_pct=0.5, rotary_emb_base=10000, use_parallel_residual=True), {}, False),
    "gpt-neox-sequential": (plain.gpt_neox, gpt_neox, dict(NEOX, rotary_pct=1.0, rotary_emb_base=500, use_parallel_residual=False, attention_bias=False,
                                                           tie_word_embeddings=True, hidden_act="gelu_new"), {}, False),
    "llama": (plain.llama, llama, dict(LLAMA, hidden_size=16, intermediate_size=12, num_key_value_heads=2, rms_norm_eps=1e-5, rope_theta=10000.0,
                                       tie_word_embeddings=True), {}, False),
    "llama-biased": (plain.llama, llama, dict(LLAMA, hidden_size=12, head_dim=4, intermediate_size=16, num_key_value_heads=1, rms_norm_eps=1e-6,
                                              rope_theta=500000.0, attention_bias=True, mlp_bias=True, tie_word_embeddings=False), {}, False),
    "llama-scaled": (plain.llama, llama, dict(LLAMA, hidden_size=16, intermediate_size=12, num_key_value_heads=4, rms_norm_eps=1e-5, rope_theta=100.0,
                                              tie_word_embeddings=True,
                                              rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)), {}, False),
    "lens-layer-norm": (plain.transformer_lens, transformer_lens, dict(LENS, normalization_type="LN", attn_types=["global", "local"], window_size=3), {}, False),
    "lens-folded": (plain.transformer_lens, transformer_lens, dict(LENS, normalization_type="LNPre", positional_embedding_type="rotary", rotary_dim=2,
                                                                   parallel_attn_mlp=True, act_fn="gelu"), {}, False),
    "lens-rms": (plain.transformer_lens, transformer_lens, dict(LENS, normalization_type="RMS", positional_embedding_type="rotary", rotary_dim=4, rotary_base=1000,
                                                                rotary_adjacent_pairs=True, n_key_value_heads=1, gated_mlp=True, act_fn="silu"), {}, False),
}


def make(folder, name):
    forward, tensors_of, config, options, as_torch = CASES[name]
    draw = Draw(name)
    tensors_of(draw, config, **options)
    vocabulary = config.get("vocab_size", config.get("d_vocab"))
    tokens = draw.random.randint(0, vocabulary, (SAMPLES, LENGTH)).astype(np.int32)
    state = {key: torch.tensor(values.astype(np.float64)) for key, values in draw.tensors.items()}
    logits = forward(state, config, torch.tensor(tokens.astype(np.int64)))
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    (target / "config.json").write_text(json.dumps(config) + "\n")
    if as_torch:
        torch.save({key: torch.tensor(values) for key, values in draw.tensors.items()}, target / "pytorch_model.bin")
    else:
        write_safetensors(target / "model.safetensors", draw.tensors)
    write_safetensors(target / "expected.safetensors", {"tokens": tokens, "logits": logits.numpy()})


if __name__ == "__main__":
    for case in CASES:
        make(Path(sys.argv[1]), case)
