"""Blocks that read and hand on more than the hidden state, as functions of Quail's state: hidden states (of Gemma 3n, all its
streams side by side), and behind them the inputs of all blocks, of which each takes the first and puts it behind the last, and keys and values that blocks share."""

import torch
from transformers.models.gemma4.modeling_gemma4 import apply_rotary_pos_emb


def is_carried(config):
    return config.get_text_config().model_type in ("gemma3n_text", "gemma4_text", "gemma4_unified_text")


def streams_of(config):
    return getattr(config.get_text_config(), "altup_num_inputs", 1)


def shared_widths(config):
    """Heads and dimensions of what each type of layers takes over, in the order of the layers that do."""
    first = config.num_hidden_layers - config.num_kv_shared_layers
    own = getattr(config, "per_layer_config", None)
    layers = {kind: config if own is None else own[index] for index, kind in enumerate(config.layer_types) if index >= first}
    return {kind: (layer.num_key_value_heads, layer.head_dim) for kind, layer in layers.items()}


def split(config, state):
    config = config.get_text_config()
    width = getattr(config, "hidden_size_per_layer_input", 0) or 0
    inputs = width * config.num_hidden_layers
    pairs = [heads * size for heads, size in shared_widths(config).values() for _ in range(2)]
    hidden, queue, *others = torch.split(state, [streams_of(config) * config.hidden_size, inputs, *pairs], dim=-1)
    return hidden, queue[..., :width], queue[..., width:], dict(zip(shared_widths(config), zip(others[::2], others[1::2])))


def heads_of(x, heads, size):
    return x.reshape(*x.shape[:-1], heads, size).transpose(1, 2)



def call(config, block, state, args, kwargs):
    """The next state; `args` and `kwargs` are what the model passes to the block."""
    hidden, own, others, pairs = split(config, state)
    widths = shared_widths(config.get_text_config())
    several = streams_of(config) > 1
    cos, sin = args[1] if several else kwargs["position_embeddings"]
    attention, kept = block.self_attn, {}
    shared = {}
    if attention.is_kv_shared_layer:
        k, v = (heads_of(x, *widths[attention.layer_type]) for x in pairs[attention.layer_type])
        shared[attention.layer_type] = apply_rotary_pos_emb(k, cos, sin, unsqueeze_dim=1), v
    else:  # keys are handed on before they are rotated
        hooks = [attention.k_norm.register_forward_hook(lambda _m, _i, out: kept.update(k=out))]
        hooks += [attention.v_norm.register_forward_hook(lambda _m, _i, out: kept.update(v=out))]
    kwargs = {**kwargs, "shared_kv_states": shared}
    kwargs.pop("hidden_states", None)
    inputs = (own,) if own.shape[-1] else ()
    kwargs.pop("per_layer_input", None)
    if several:
        streams = torch.stack(hidden.chunk(streams_of(config), dim=-1))
        following = torch.cat(list(block(streams, (cos, sin), *inputs, **kwargs)), dim=-1)
    else:
        following = block(hidden, *inputs, **kwargs)
    if kept:
        for hook in hooks:
            hook.remove()
    if attention.store_full_length_kv and attention.layer_type in pairs:
        pairs[attention.layer_type] = kept["k"].flatten(-2), kept["v"].flatten(-2)
    return torch.cat([following, others, own, *(x for pair in pairs.values() for x in pair)], dim=-1)
