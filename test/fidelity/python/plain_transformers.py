"""Plain PyTorch forward passes of the transformer families, each on the tensors and config of its own checkpoint format.

Written from the architectures, one function per family and nothing shared with the product, so that equal logits mean something.
Every function takes `state` (name -> tensor), `config` (the config.json as a dict) and `ids` [N, T], and gives logits [N, T, V].
"""

import math

import torch
import torch.nn.functional as F


def activation(name, x):
    if name == "gelu":
        return F.gelu(x)
    if name in ("gelu_new", "gelu_fast", "gelu_pytorch_tanh"):
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    if name in ("silu", "swish"):
        return x * torch.sigmoid(x)
    return {"relu": torch.relu, "tanh": torch.tanh}[name](x)


def rms_norm(x, gain, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * gain


def layer_norm(x, gain, bias, eps):
    return F.layer_norm(x, x.shape[-1:], gain, bias, eps)


def attend(q, k, v, scale, window=None):
    """Causal attention over [N, T, heads, width]; keys and values may have fewer heads, each then serves a group of queries."""
    groups = q.shape[2] // k.shape[2]
    k, v = k.repeat_interleave(groups, 2), v.repeat_interleave(groups, 2)
    scores = torch.einsum("nqhd,nkhd->nhqk", q, k) * scale
    distance = torch.arange(q.shape[1])[:, None] - torch.arange(q.shape[1])[None, :]
    seen = distance >= 0 if window is None else (distance >= 0) & (distance < window)
    weights = torch.softmax(scores.masked_fill(~seen, -math.inf), -1)
    return torch.einsum("nhqk,nkhd->nqhd", weights, v).flatten(2)


def frequencies(width, base, scaling=None):
    inverse = 1.0 / base ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    if scaling is None or scaling.get("rope_type", scaling.get("type")) == "default":
        return inverse
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "linear":
        return inverse / scaling["factor"]
    assert kind == "llama3"
    low, high, old = scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["original_max_position_embeddings"]
    out = []
    for value in inverse.tolist():
        turns = old * value / (2 * math.pi)
        if turns > high:
            out.append(value)
        elif turns < low:
            out.append(value / scaling["factor"])
        else:
            share = (turns - low) / (high - low)
            out.append((1 - share) * value / scaling["factor"] + share * value)
    return torch.tensor(out, dtype=torch.float64)


def rotate(x, inverse, adjacent=False):
    """Rotary embedding of the first 2 * len(inverse) entries of each head, [N, T, heads, width]."""
    width = 2 * len(inverse)
    angle = (torch.arange(x.shape[1], dtype=torch.float64)[:, None] * inverse)[None, :, None, :]
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    if adjacent:
        a, b = x[..., 0:width:2], x[..., 1:width:2]
        turned = torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
    else:
        a, b = x[..., : width // 2], x[..., width // 2 : width]
        turned = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
    return torch.cat((turned, x[..., width:]), -1)


def heads_of(x, count):
    return x.reshape(*x.shape[:2], count, -1)


def gpt2(state, config, ids):
    prefix = "transformer." if "transformer.wte.weight" in state else ""
    w = lambda name: state[prefix + name]
    eps, heads = config["layer_norm_epsilon"], config["n_head"]
    x = w("wte.weight")[ids] + w("wpe.weight")[: ids.shape[1]]
    for block in range(config["n_layer"]):
        part = lambda name: w(f"h.{block}.{name}")
        y = layer_norm(x, part("ln_1.weight"), part("ln_1.bias"), eps)
        q, k, v = (heads_of(one, heads) for one in (y @ part("attn.c_attn.weight") + part("attn.c_attn.bias")).chunk(3, -1))
        scale = 1 / math.sqrt(q.shape[-1]) if config.get("scale_attn_weights", True) else 1.0
        if config.get("scale_attn_by_inverse_layer_idx", False):
            scale = scale / (block + 1)
        x = x + attend(q, k, v, scale) @ part("attn.c_proj.weight") + part("attn.c_proj.bias")
        y = layer_norm(x, part("ln_2.weight"), part("ln_2.bias"), eps)
        y = activation(config["activation_function"], y @ part("mlp.c_fc.weight") + part("mlp.c_fc.bias"))
        x = x + y @ part("mlp.c_proj.weight") + part("mlp.c_proj.bias")
    x = layer_norm(x, w("ln_f.weight"), w("ln_f.bias"), eps)
    return F.linear(x, state.get("lm_head.weight", w("wte.weight")))


def gpt_neo(state, config, ids):
    w = lambda name: state["transformer." + name]
    eps, heads = config["layer_norm_epsilon"], config["num_heads"]
    kinds = [kind for kind_list, times in config["attention_types"] for _ in range(times) for kind in kind_list]
    x = w("wte.weight")[ids] + w("wpe.weight")[: ids.shape[1]]
    for block in range(config["num_layers"]):
        part = lambda name: w(f"h.{block}.{name}")
        y = layer_norm(x, part("ln_1.weight"), part("ln_1.bias"), eps)
        q, k, v = (heads_of(F.linear(y, part(f"attn.attention.{one}_proj.weight")), heads) for one in "qkv")
        window = config["window_size"] if kinds[block] == "local" else None
        x = x + F.linear(attend(q, k, v, 1.0, window), part("attn.attention.out_proj.weight"), part("attn.attention.out_proj.bias"))
        y = layer_norm(x, part("ln_2.weight"), part("ln_2.bias"), eps)
        y = activation(config["activation_function"], F.linear(y, part("mlp.c_fc.weight"), part("mlp.c_fc.bias")))
        x = x + F.linear(y, part("mlp.c_proj.weight"), part("mlp.c_proj.bias"))
    x = layer_norm(x, w("ln_f.weight"), w("ln_f.bias"), eps)
    return F.linear(x, state.get("lm_head.weight", w("wte.weight")))


def gpt_neox(state, config, ids):
    w = lambda name: state["gpt_neox." + name]
    eps, heads = config["layer_norm_eps"], config["num_attention_heads"]
    head_width = config["hidden_size"] // heads
    inverse = frequencies(int(head_width * config["rotary_pct"]), config["rotary_emb_base"])
    x = w("embed_in.weight")[ids]
    for block in range(config["num_hidden_layers"]):
        part = lambda name: w(f"layers.{block}.{name}")
        bias = lambda name: state.get(f"gpt_neox.layers.{block}.{name}")
        y = layer_norm(x, part("input_layernorm.weight"), part("input_layernorm.bias"), eps)
        fused = heads_of(F.linear(y, part("attention.query_key_value.weight"), bias("attention.query_key_value.bias")), heads)
        q, k, v = fused.split(head_width, -1)
        mixed = attend(rotate(q, inverse), rotate(k, inverse), v, 1 / math.sqrt(head_width))
        attention = F.linear(mixed, part("attention.dense.weight"), bias("attention.dense.bias"))
        middle = x if config["use_parallel_residual"] else x + attention
        y = layer_norm(middle, part("post_attention_layernorm.weight"), part("post_attention_layernorm.bias"), eps)
        y = activation(config["hidden_act"], F.linear(y, part("mlp.dense_h_to_4h.weight"), part("mlp.dense_h_to_4h.bias")))
        x = x + attention + F.linear(y, part("mlp.dense_4h_to_h.weight"), part("mlp.dense_4h_to_h.bias"))
    x = layer_norm(x, w("final_layer_norm.weight"), w("final_layer_norm.bias"), eps)
    return F.linear(x, state.get("embed_out.weight", w("embed_in.weight")))


def llama(state, config, ids):
    w = lambda name: state["model." + name]
    eps, heads = config["rms_norm_eps"], config["num_attention_heads"]
    groups = config.get("num_key_value_heads", heads)
    head_width = config.get("head_dim") or config["hidden_size"] // heads
    inverse = frequencies(head_width, config["rope_theta"], config.get("rope_scaling"))
    x = w("embed_tokens.weight")[ids]
    for block in range(config["num_hidden_layers"]):
        part = lambda name: w(f"layers.{block}.{name}")
        linear = lambda name, y: F.linear(y, part(f"{name}.weight"), state.get(f"model.layers.{block}.{name}.bias"))
        y = rms_norm(x, part("input_layernorm.weight"), eps)
        q = rotate(heads_of(linear("self_attn.q_proj", y), heads), inverse)
        k = rotate(heads_of(linear("self_attn.k_proj", y), groups), inverse)
        v = heads_of(linear("self_attn.v_proj", y), groups)
        x = x + linear("self_attn.o_proj", attend(q, k, v, 1 / math.sqrt(head_width)))
        y = rms_norm(x, part("post_attention_layernorm.weight"), eps)
        x = x + linear("mlp.down_proj", activation(config["hidden_act"], linear("mlp.gate_proj", y)) * linear("mlp.up_proj", y))
    x = rms_norm(x, w("norm.weight"), eps)
    return F.linear(x, state.get("lm_head.weight", w("embed_tokens.weight")))


def transformer_lens(state, config, ids):
    eps, kind = config["eps"], config["normalization_type"]
    groups = config.get("n_key_value_heads") or config["n_heads"]
    scale = 1 / math.sqrt(config["d_head"]) if config.get("use_attn_scale", True) else 1.0
    rotary = config.get("positional_embedding_type") == "rotary"
    inverse = frequencies(config["rotary_dim"], config.get("rotary_base", 10000)) if rotary else None
    adjacent = config.get("rotary_adjacent_pairs", False)

    def norm(x, name):
        if kind is None:
            return x
        if kind.startswith("LN"):
            x = x - x.mean(-1, keepdim=True)
        x = x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)
        if kind in ("LN", "RMS"):
            x = x * state[f"{name}.w"]
        return x + state[f"{name}.b"] if kind == "LN" else x

    x = state["embed.W_E"][ids]
    if config.get("positional_embedding_type", "standard") == "standard":
        x = x + state["pos_embed.W_pos"][: ids.shape[1]]
    for block in range(config["n_layers"]):
        part = lambda name: state[f"blocks.{block}.{name}"]
        shared = "_" if groups != config["n_heads"] else ""
        y = norm(x, f"blocks.{block}.ln1")
        q = torch.einsum("ntd,hde->nthe", y, part("attn.W_Q")) + part("attn.b_Q")
        k = torch.einsum("ntd,hde->nthe", y, part(f"attn.{shared}W_K")) + part(f"attn.{shared}b_K")
        v = torch.einsum("ntd,hde->nthe", y, part(f"attn.{shared}W_V")) + part(f"attn.{shared}b_V")
        if rotary:
            q, k = rotate(q, inverse, adjacent), rotate(k, inverse, adjacent)
        window = config["window_size"] if (config.get("attn_types") or ["global"] * config["n_layers"])[block] == "local" else None
        attention = attend(q, k, v, scale, window) @ part("attn.W_O").flatten(0, 1) + part("attn.b_O")
        middle = x if config.get("parallel_attn_mlp", False) else x + attention
        y = norm(middle, f"blocks.{block}.ln2")
        hidden = y @ part("mlp.W_in")
        if config.get("gated_mlp", False):
            hidden = activation(config["act_fn"], y @ part("mlp.W_gate")) * hidden + part("mlp.b_in")
        else:
            hidden = activation(config["act_fn"], hidden + part("mlp.b_in"))
        x = x + attention + hidden @ part("mlp.W_out") + part("mlp.b_out")
    return norm(x, "ln_final") @ state["unembed.W_U"] + state["unembed.b_U"]
