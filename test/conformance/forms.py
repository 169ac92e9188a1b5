"""The forms in which configs describe rotary positions and the types of layers."""

import itertools

from configs import HYBRID, LATENT_KINDS, LAYER_HEADS, LAYERED, WRAPPERS

SMALL = {
    "vocab_size": 90,
    "hidden_size": 64,
    "intermediate_size": 80,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 3,
    "max_position_embeddings": 64,
    "head_dim": 16,
    "rotary_dim": 8,
}
LATENT = {
    "num_key_value_heads": 4,
    "num_experts_per_tok": 2,
    "q_lora_rank": None,
    "kv_lora_rank": 8,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 16,
    "v_head_dim": 8,
}
SWITCHED = ("qwen2", "qwen3", "smollm3", "qwen2_vl", "qwen2_5_vl")  # their windows count only with use_sliding_window
MIXED = ["sliding_attention", "full_attention", "sliding_attention"]


def sizes(kind):
    """Small ones; of Qwen-VL with heads of 128 dimensions, which three streams of positions make up by default."""
    if WRAPPERS.get(kind, kind) == "gemma3n_text":  # by default most layers share keys and values
        return {**SMALL, "num_kv_shared_layers": 0}
    if kind == "mistral4":  # whose heads count with what does not rotate
        return {**SMALL, **LATENT, "head_dim": 24}
    if kind in LATENT_KINDS or kind == "kimi_linear":
        return {**SMALL, **LATENT}
    return {**SMALL, "hidden_size": 512, "head_dim": 128} if kind in ("qwen2_vl", "qwen2_5_vl") else SMALL


def small_config(kind):
    """Heads of 16 dimensions; layers that slide and layers that do not, where a family has both."""
    layers = {"layer_types": MIXED, "sliding_window": 5} if kind in LAYERED else {}
    if WRAPPERS.get(kind, kind) in HYBRID:
        layers = {"layer_types": ["full_attention", "linear_attention", "full_attention"]}
    if WRAPPERS.get(kind, kind) in LAYER_HEADS:
        layers["global_head_dim"] = 16
    if WRAPPERS.get(kind, kind) == "llama4_text":
        layers = {"layer_types": ["chunked_attention", "full_attention", "chunked_attention"]}
    if kind == "lfm3":
        layers["layer_types"] = ["sliding_attention", "full_attention", "conv"]
    if kind == "lfm2":
        layers = {"full_attn_idxs": [0, 2]}
    if kind == "lfm2_moe":
        layers = {"layer_types": ["full_attention", "conv", "full_attention"]}
    if kind == "dots1":
        layers |= {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2}
    if kind == "gpt_neo":
        layers = {"attention_types": [[["global", "local", "global"], 1]]}
    if kind == "granitemoehybrid":
        layers = {"layer_types": ["full_attention"] * 3, "position_embedding_type": "rope"}
    return {"model_type": kind, **sizes(kind), **layers, **({"use_sliding_window": True} if kind in SWITCHED else {})}


def rope_forms(pairs):
    """How rotary positions may be written, by a label; lists of longrope have an entry for each pair of dimensions."""
    lists = {"short_factor": [1 + i / 10 for i in range(pairs)], "long_factor": [1.5 + i / 3 for i in range(pairs)]}
    inside = {"original_max_position_embeddings": 32}
    scalings = {
        "default": {},
        "linear": {"factor": 3.0},
        "dynamic": {"factor": 3.0},
        "proportional": {"factor": 2.0},
        "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, **inside},
        "yarn": {"factor": 4.0, **inside},
        "longrope": {**lists, **inside},
        "su": {**lists, **inside},
        "axial": {},
        "mrope": {"factor": 2.0},
    }
    forms = {
        "nothing": {},
        "theta": {"rope_theta": 5000.0},
        "theta of integers": {"rope_theta": 7},
        "theta null": {"rope_theta": None},
        "null": {"rope_scaling": None, "rope_parameters": None, "rope_theta": 5000.0},
        "empty": {"rope_scaling": {}, "rope_parameters": {"rope_type": "default", "rope_theta": 300.0}},
        "local theta": {"rope_local_base_freq": 300.0, "rope_theta": 5000.0},
        "names of GPT-NeoX": {"rotary_emb_base": 300, "rotary_pct": 0.5, "rope_theta": 5000.0},
        "part": {"partial_rotary_factor": 0.5},
        "odd part": {"partial_rotary_factor": 0.45, "rotary_pct": 0.45},
        "no part": {"partial_rotary_factor": 0.0, "rotary_pct": 0.0},
        "part null": {"partial_rotary_factor": None},
        "part null, by its other name": {"rotary_pct": None},
        "too much": {"partial_rotary_factor": 2.0, "rotary_pct": 2.0},
        "part inside": {"rope_parameters": {"rope_theta": 300.0, "partial_rotary_factor": 0.5}},
        "part at both": {"rope_parameters": {"partial_rotary_factor": 0.5}, "partial_rotary_factor": 0.75},
        "theta null inside": {"rope_parameters": {"rope_type": "default", "rope_theta": None}, "rope_theta": 5000.0},
    }
    for name in ("linear", "yarn"):
        grown = {**scalings[name], "rope_theta": 300.0, "mscale": 0.8, "mscale_all_dim": 0.7}
        forms[f"{name} with larger scores"] = {"rope_parameters": {"rope_type": name, **grown}}
    for name, scaling in scalings.items():
        forms |= {
            f"{name} as in 4": {"rope_theta": 5000.0, "rope_scaling": {"rope_type": name, **scaling}},
            f"{name} as in old 4": {"rope_theta": 5000.0, "rope_scaling": {"type": name, **scaling}},
            f"{name} as in 5": {"rope_parameters": {"rope_type": name, "rope_theta": 300.0, **scaling}},
            f"{name} with theta beside": {"rope_theta": 5000.0, "rope_parameters": {"rope_type": name, **scaling}},
            f"{name} with old name": {"rope_parameters": {"type": name, **scaling}},
            f"{name} with theta at both": {
                "rope_theta": 5000.0,
                "rope_parameters": {"rope_type": name, "rope_theta": 300.0, **scaling},
            },
            f"{name} in both forms": {
                "rope_theta": 5000.0,
                "rope_scaling": {"rope_type": name, **scaling},
                "rope_parameters": {"rope_type": "default", "rope_theta": 300.0},
            },
            f"{name} with two names": {"rope_scaling": {"rope_type": name, "type": "linear", "factor": 2.0, **scaling}},
            f"{name} of a part": {"partial_rotary_factor": 0.5, "rope_scaling": {"rope_type": name, **scaling}},
            f"{name} of layers": {
                "rope_parameters": {
                    "full_attention": {"rope_type": name, "rope_theta": 300.0, **scaling},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
                }
            },
            f"{name} of layers without theta": {
                "rope_theta": 5000.0,
                "rope_local_base_freq": 70.0,
                "rope_parameters": {"full_attention": {"type": name, **scaling}, "sliding_attention": None},
            },
            f"{name} for layers and all": {
                "rope_scaling": {"rope_type": name, **scaling},
                "rope_parameters": {"full_attention": {"rope_theta": 300.0}, "sliding_attention": {"rope_theta": 20.0}},
            },
            f"{name} without its keys": {"rope_scaling": {"rope_type": name}},
            f"{name} with factor null": {"rope_scaling": {"rope_type": name, **scaling, "factor": None}},
        }
    bare = {"rope_type": "longrope", **lists}
    yarn = {"rope_type": "yarn", "factor": 4.0, **inside}
    for name, scaling in {
        "llama3": scalings["llama3"],
        "yarn": scalings["yarn"],
        "longrope": lists,
        "su": lists,
    }.items():
        rest = {key: value for key, value in scaling.items() if key not in inside}
        forms |= {
            f"{name} without original": {"rope_scaling": {"rope_type": name, **rest}},
            f"{name} with original beside": {
                "original_max_position_embeddings": 24,
                "rope_scaling": {"rope_type": name, **rest},
            },
            f"{name} with original at both": {
                "original_max_position_embeddings": 24,
                "rope_parameters": {"rope_type": name, **rest, **inside},
            },
            f"{name} with original beside, of layers": {
                "original_max_position_embeddings": 24,
                "rope_parameters": {"full_attention": {"rope_type": name, **rest, **inside}},
            },
        }
    variations = {
        "longrope, factor": {**bare, **inside, "factor": 16.0},
        "longrope, small factor": {**bare, **inside, "factor": 0.5},
        "longrope, attention factor": {**bare, **inside, "attention_factor": 1.3},
        "longrope, attention factor null": {**bare, **inside, "attention_factor": None, "factor": 2.0},
        "longrope, wrong length": {**bare, **inside, "long_factor": lists["long_factor"] + [1.0]},
        "yarn, betas": {**yarn, "beta_fast": 20, "beta_slow": 2},
        "yarn, no betas": {**yarn, "beta_fast": 0, "beta_slow": None},
        "yarn, both scales": {**yarn, "mscale": 0.7, "mscale_all_dim": 1.2},
        "yarn, one scale": {**yarn, "mscale": 0.7},
        "yarn, no scale": {**yarn, "mscale": 0, "mscale_all_dim": 1.0},
        "yarn, attention factor": {**yarn, "attention_factor": 1.3, "mscale": 0.7, "mscale_all_dim": 1.2},
        "yarn, not truncated": {**yarn, "truncate": False},
        "yarn, truncate null": {**yarn, "truncate": None},
        "yarn, small factor": {**yarn, "factor": 0.5},
        "yarn, long original": {**yarn, "original_max_position_embeddings": 4096},
        "yarn, short original": {**yarn, "original_max_position_embeddings": 4},
        "proportional, part": {"rope_type": "proportional", "rope_theta": 300.0, "partial_rotary_factor": 0.3},
        "proportional, without factor": {"rope_type": "proportional", "rope_theta": 300.0},
        "dynamic, other original": {"rope_type": "dynamic", "factor": 2.0, **inside},
    }
    for label, scaling in variations.items():
        forms[label] = {"rope_scaling": scaling, "rope_theta": 5000.0}
        forms[f"{label}, in 5"] = {"rope_parameters": {"rope_theta": 5000.0, **scaling}}
        forms[f"{label}, of layers"] = {"rope_parameters": {"full_attention": scaling, "sliding_attention": {}}}
    return forms


def layer_forms(kind):
    """How the types and windows of three layers may be written, by a label."""
    absent = object()
    types = [absent, None, MIXED, ["full_attention"] * 3, ["attention", "sliding_attention", "attention"]]
    if kind in LAYERED:  # other config classes check what no model of theirs reads
        types += [MIXED[:2], ["no"] * 3, ["chunked_attention"] * 3]
    options = {"layer_types": types, "sliding_window": [absent, 5, None]}
    if kind == "olmo_hybrid":
        listed = [absent, None, ["linear_attention", "full_attention", "mamba"], ["attention", "mamba", "attention"], MIXED]
        options = {"layer_types": [*listed, ["full_attention"] * 3, ["mamba"] * 3], "num_hidden_layers": [2, 3, 4, 9]}
    elif WRAPPERS.get(kind, kind) in HYBRID:
        options["layer_types"] += [["linear_attention", "full_attention", "linear_attention"]]
        options["full_attention_interval"] = [absent, None, 0, 1, 2, 9]
    elif WRAPPERS.get(kind, kind) in LAYER_HEADS:
        own = {"head_dim": 12, "num_key_value_heads": 4}
        options |= {
            "global_head_dim": [absent, 8],
            "num_kv_shared_layers": [absent, 1],
            "per_layer_config": [absent, None, {"2": own}, {"00": own, "2": own}, {"3": own}],
        }
        options["layer_types"] = [absent, MIXED, ["full_attention", "sliding_attention", "attention"], ["attention"] * 3]
        del options["sliding_window"]
    elif WRAPPERS.get(kind, kind) == "gemma3n_text":
        options["num_kv_shared_layers"] = [0, 1, 2, 3]
    elif kind.startswith("qwen"):
        options |= {"use_sliding_window": [absent, True, False], "max_window_layers": [absent, 0, 1, 9]}
    elif kind == "lfm2_moe":
        options["layer_types"] += [["conv", "full_attention", "conv"], ["conv", "attention", "conv"]]
    elif kind == "cohere2_moe":
        options |= {
            "first_k_dense_replace": [absent, 0, 2, 4],
            "prefix_dense_sliding_window_pattern": [absent, 2],
            "sliding_window_pattern": [absent, 1, 2],
        }
    elif kind == "granitemoehybrid":
        options["layer_types"] += [["attention"] * 3, ["attention", "mamba", "attention"]]
        options["position_embedding_type"] = [absent, None, "rope", "alibi"]
    elif kind in ("falcon_h1", "bamba"):
        options = {"layer_types": [absent, None], "attn_layer_indices": [absent, None, [], [1], [0, 2, 7]]}
    elif kind == "jamba":
        options = {
            "layer_types": [absent, None],
            **{f"{name}_layer_{key}": [absent, *values] for name in ("attn", "expert") for key, values in (("period", [1, 5]), ("offset", [0, 3]))},
            "num_experts": [absent, 1],
        }
    elif kind == "nemotron_h":
        options["layers_block_type"] = [absent, None, ["mamba", "moe"], ["full_attention", "mlp", "linear_attention"]]
        options["hybrid_override_pattern"] = [absent, None, "M*", "ME-*M", "Mx"]
        del options["sliding_window"]
    elif kind == "lfm3":
        options["layer_types"] += [["conv", "full_attention", "sliding_attention"], ["conv"] * 3]
    elif kind in ("granite_swa", "granitemoe_swa"):
        options["layer_rope_theta"] = [absent, None, [0, 50.0, 700], [0, 0, 0], [1.0]]
    elif kind == "lfm2":
        options["layer_types"] += [["conv", "full_attention", "conv"], ["conv", "attention", "conv"]]
        options["full_attn_idxs"] = [absent, None, [], [1], [0, 2, 7]]
    elif WRAPPERS.get(kind, kind) == "llama4_text":
        options["layer_types"] += [["chunked_attention", "full_attention", "attention"], ["full_attention"] * 4]
        options |= {
            "attention_chunk_size": [absent, 4, None],
            "no_rope_layers": [absent, None, [], [0, 2, 1], [0, 0, 0, 1], [1]],
            "no_rope_layer_interval": [absent, 2],
        }
        del options["sliding_window"]
    elif kind == "smollm3":
        options |= {
            "use_sliding_window": [absent, True, False],
            "no_rope_layers": [absent, None, [0, 1, 1, 0], [1]],
            "no_rope_layer_interval": [absent, 2],
        }
    else:
        options |= {"sliding_window_pattern": [absent, 1, 2], "_sliding_window_pattern": [absent, 2]}
    config = {"model_type": kind, **sizes(kind)}
    for values in itertools.product(*options.values()):
        given = {key: value for key, value in zip(options, values, strict=True) if value is not absent}
        yield f"{kind}: {given}", {**config, **given}
