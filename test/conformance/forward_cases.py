"""Tiny random models of configs that are easily misread, with what transformers computes: a golden set for Quail."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden/make"))
from families import add_to_index, write_case  # noqa: E402  what makes the golden files makes these, too

ROWS, CONTEXT = 2, 24
SIZES = {"vocab_size": 64, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2}
LLAMA = {**SIZES, "intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 64}
DELTA = {
    "linear_key_head_dim": 6,
    "linear_value_head_dim": 10,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
}
GEMMA = {**LLAMA, "head_dim": 8, "pad_token_id": 0}
LISTS = {
    "short_factor": [1.0, 1.1, 1.2, 1.3],
    "long_factor": [1.5, 2.0, 2.5, 3.0],
    "original_max_position_embeddings": 16,
}


def llama(**scaling):
    return {"model_type": "llama", **LLAMA, "rope_theta": 500.0, "rope_scaling": scaling}


def without(config, *keys):
    return {key: value for key, value in config.items() if key not in keys}


CASES = {
    "llama-longrope-factor": llama(rope_type="longrope", factor=2.0, **LISTS),
    "llama-longrope-ratio": llama(type="longrope", **LISTS),
    "llama-longrope-in-5": {
        **LLAMA,
        "model_type": "llama",
        "rope_parameters": {"rope_type": "longrope", "rope_theta": 50.0, "factor": 16.0, **LISTS},
    },
    "llama-yarn": llama(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4, mscale=0.7, mscale_all_dim=1.2
    ),
    "llama-dynamic": llama(type="dynamic", factor=2.0),
    "llama-proportional": llama(rope_type="proportional", factor=2.0, partial_rotary_factor=0.5),
    "llama-part-ignored": {
        "model_type": "llama",
        **LLAMA,
        "partial_rotary_factor": 0.5,
        "attn_logit_softcapping": 1.0,
        "sliding_window": 3,
    },
    "llama-one-head-layer": {
        "model_type": "llama",
        **LLAMA,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": None,
        "head_dim": 6,
        "tie_word_embeddings": True,
        "hidden_act": "gelu",
    },
    "mistral-odd-heads": {"model_type": "mistral", **LLAMA, "hidden_size": 34, "sliding_window": 5},
    "mistral-window-absent": {
        "model_type": "mistral",
        **without(LLAMA, "num_key_value_heads"),
        "num_attention_heads": 16,
    },
    "qwen2-sliding": {
        "model_type": "qwen2",
        **LLAMA,
        "num_hidden_layers": 3,
        "use_sliding_window": True,
        "sliding_window": 5,
        "max_window_layers": 1,
    },
    "qwen2-sliding-unused": {
        "model_type": "qwen2",
        **LLAMA,
        "use_sliding_window": True,
        "sliding_window": 5,
        "max_window_layers": 2,
    },
    "qwen2-head-dim": {"model_type": "qwen2", **LLAMA, "head_dim": 6},
    "qwen3_moe-every-second": {
        "model_type": "qwen3_moe",
        **LLAMA,
        "num_hidden_layers": 4,
        "decoder_sparse_step": 2,
        "moe_intermediate_size": 8,
        "num_local_experts": 7,
        "num_experts_per_tok": 3,
        "attention_bias": True,
        "use_sliding_window": True,
        "sliding_window": 5,
    },
    "qwen3_moe-all-experts": {
        "model_type": "qwen3_moe",
        **LLAMA,
        "moe_intermediate_size": 8,
        "num_experts": 3,
        "num_experts_per_tok": 3,
        "norm_topk_prob": True,
        "hidden_act": "gelu",
        "tie_word_embeddings": True,
    },
    "mixtral-one-expert-each": {
        "model_type": "mixtral",
        **LLAMA,
        "intermediate_size": 16,
        "num_experts": 6,
        "num_experts_per_tok": 1,
        "sliding_window": None,
    },
    "gpt_oss-bare-positions": {
        "model_type": "gpt_oss",
        **LLAMA,
        "head_dim": 8,
        "intermediate_size": 16,
        "num_local_experts": 5,
        "num_experts_per_tok": 3,
        "sliding_window": 5,
        "swiglu_limit": 0.5,
    },
    "gpt_oss-listed": {
        "model_type": "gpt_oss",
        **LLAMA,
        "head_dim": 8,
        "intermediate_size": 16,
        "num_local_experts": 4,
        "num_experts_per_tok": 1,
        "attention_bias": False,
        "layer_types": ["full_attention", "full_attention"],
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "truncate": True},
        "rope_theta": 500.0,
    },
    "qwen3-sliding-listed": {
        "model_type": "qwen3",
        **LLAMA,
        "head_dim": 8,
        "use_sliding_window": True,
        "sliding_window": 7,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "gemma-legacy-gelu": {"model_type": "gemma", **GEMMA, "hidden_act": "gelu", "hidden_activation": "relu"},
    "gemma2-caps-absent": {"model_type": "gemma2", **GEMMA, "query_pre_attn_scalar": 1, "sliding_window": 5},
    "gemma2-final-cap-absent": {
        "model_type": "gemma2",
        **GEMMA,
        "attn_logit_softcapping": None,
        "sliding_window_pattern": 5,
    },
    "gemma2-caps-null": {
        "model_type": "gemma2",
        **GEMMA,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
    },
    "gemma4-bare": {
        "model_type": "gemma4_text",
        **GEMMA,
        "vocab_size_per_layer_input": 70,
        "hidden_size_per_layer_input": 6,
        "num_global_key_value_heads": 1,
        "rope_theta": 77.0,
    },
    "gemma4-no-layer-inputs": {
        "model_type": "gemma4_text",
        **GEMMA,
        "num_hidden_layers": 1,
        "hidden_size_per_layer_input": 0,
        "global_head_dim": 10,
        "num_global_key_value_heads": 1,
        "attention_k_eq_v": True,
        "layer_types": ["sliding_attention"],
        "use_bidirectional_attention": "vision",
        "attention_bias": True,
        "tie_word_embeddings": False,
        "hidden_activation": "silu",
    },
    "gemma4-shared-of-both-types": {
        "model_type": "gemma4_text",
        **GEMMA,
        "num_hidden_layers": 4,
        "num_kv_shared_layers": 2,
        "vocab_size_per_layer_input": 64,
        "hidden_size_per_layer_input": 8,
        "global_head_dim": 6,
        "sliding_window": 6,
        "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
        "use_double_wide_mlp": True,
        "rope_parameters": {
            "full_attention": {"type": "linear", "factor": 2.0, "rope_theta": 300.0},
            "sliding_attention": {"rope_theta": 50.0, "partial_rotary_factor": 0.5},
        },
    },
    "gemma4-layers-listed": {
        "model_type": "gemma4_text",
        **GEMMA,
        "num_hidden_layers": 3,
        "vocab_size_per_layer_input": 64,
        "hidden_size_per_layer_input": 3,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
        "sliding_window": 5,
        "per_layer_config": {"2": {"num_key_value_heads": 4}},
    },
    "gemma4_unified-shared": {
        "model_type": "gemma4_unified_text",
        **GEMMA,
        "num_hidden_layers": 4,
        "num_kv_shared_layers": 2,
        "attention_k_eq_v": True,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "sliding_window": 6,
        "global_head_dim": 12,
        "final_logit_softcapping": 4.0,
    },
    "gemma3-bases-absent": {
        "model_type": "gemma3_text",
        **GEMMA,
        "num_hidden_layers": 4,
        "sliding_window_pattern": 2,
        "sliding_window": 5,
        "attn_logit_softcapping": 1.0,
    },
    "gemma3-scaled": {
        "model_type": "gemma3_text",
        **GEMMA,
        "sliding_window_pattern": 2,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        "rope_theta": 500.0,
        "rope_local_base_freq": 20.0,
        "final_logit_softcapping": 3.0,
    },
    "phi-tied": {"model_type": "phi", **LLAMA, "tie_word_embeddings": True, "qk_layernorm": True},
    "phi-head-dim": {
        "model_type": "phi",
        **without(LLAMA, "num_key_value_heads"),
        "head_dim": 10,
        "partial_rotary_factor": 0.2,
        "rope_scaling": {"type": "linear", "factor": 3.0},
    },
    "phi3-su": {
        "model_type": "phi3",
        **LLAMA,
        "pad_token_id": 0,
        "original_max_position_embeddings": 16,
        "rope_scaling": {"type": "su", **LISTS},
    },
    "phi3-window": {
        "model_type": "phi3",
        **LLAMA,
        "pad_token_id": 0,
        "partial_rotary_factor": 0.5,
        "sliding_window": 5,
    },
    "smollm3-interval-and-window": {
        "model_type": "smollm3",
        **LLAMA,
        "pad_token_id": 0,
        "num_hidden_layers": 3,
        "no_rope_layer_interval": 2,
        "use_sliding_window": True,
        "sliding_window": 5,
    },
    "smollm3-listed": {
        "model_type": "smollm3",
        **LLAMA,
        "pad_token_id": 0,
        "no_rope_layers": [0, 1, 1],
        "sliding_window": 5,
        "layer_types": ["full_attention", "sliding_attention"],
        "tie_word_embeddings": False,
    },
    "granite-multipliers": {
        "model_type": "granite",
        **LLAMA,
        "embedding_multiplier": 4,
        "attention_multiplier": 0.1,
        "residual_multiplier": 0.3,
        "logits_scaling": 5.0,
    },
    "olmo-clipped": {"model_type": "olmo", **LLAMA, "hidden_size": 34, "clip_qkv": 0.5, "rms_norm_eps": 3.0},
    "olmo2-odd-heads": {
        "model_type": "olmo2",
        **LLAMA,
        "hidden_size": 34,
        "num_hidden_layers": 1,
        "tie_word_embeddings": True,
    },
    "olmo3-theta-beside": {
        "model_type": "olmo3",
        **LLAMA,
        "num_hidden_layers": 4,
        "sliding_window": 5,
        "rope_theta": 100.0,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16},
    },
    "ministral3-beyond-original": {
        "model_type": "ministral3",
        **LLAMA,
        "head_dim": 6,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 100.0,
            "llama_4_scaling_beta": 0.5,
            "original_max_position_embeddings": 3,
        },
    },
    "ministral3-original-beside": {
        "model_type": "ministral3",
        **LLAMA,
        "original_max_position_embeddings": 5,
        "rope_scaling": {
            "type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 16,
            "llama_4_scaling_beta": 0.5,
        },
    },
    "ministral3-parameters-absent": {"model_type": "ministral3", **LLAMA, "head_dim": 8, "rope_theta": 3.0},
    "seed_oss-biases": {
        "model_type": "seed_oss",
        **LLAMA,
        "head_dim": 10,
        "attention_bias": False,
        "attention_out_bias": True,
        "mlp_bias": True,
    },
    "exaone4-without-window": {
        "model_type": "exaone4",
        **LLAMA,
        "sliding_window": None,
        "layer_types": ["full_attention", "full_attention"],
    },
    "exaone4-pattern-in-words": {
        "model_type": "exaone4",
        **LLAMA,
        "sliding_window": 5,
        "sliding_window_pattern": "LG",
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "hunyuan-dynamic": {
        "model_type": "hunyuan_v1_dense",
        **LLAMA,
        "head_dim": 8,
        "max_position_embeddings": 16,
        "rope_scaling": {"type": "dynamic", "factor": 3.0, "alpha": 0},
    },
    "hunyuan-alpha": {
        "model_type": "hunyuan_v1_dense",
        **LLAMA,
        "head_dim": 10,
        "rope_theta": 500.0,
        "rope_scaling": {"type": "dynamic", "factor": 3.0, "alpha": 20},
    },
    "ernie-scaled": {
        "model_type": "ernie4_5",
        **LLAMA,
        "head_dim": 6,
        "use_bias": True,
        "rope_scaling": {"rope_type": "linear", "factor": 3.0},
    },
    "ernie-bias-null": {"model_type": "ernie4_5", **LLAMA, "head_dim": 6, "use_bias": None},
    "lfm2-old-names": {
        "model_type": "lfm2",
        **without(LLAMA, "intermediate_size"),
        "num_hidden_layers": 3,
        "full_attn_idxs": [2],
        "block_ff_dim": 70,
        "block_multiple_of": 12,
        "block_ffn_dim_multiplier": 1.3,
        "conv_L_cache": 5,
        "tie_embedding": False,
    },
    "lfm2-final-width": {
        "model_type": "lfm2",
        **LLAMA,
        "hidden_size": 34,
        "conv_L_cache": 1,
        "block_auto_adjust_ff_dim": False,
        "layer_types": ["conv", "full_attention"],
    },
    "qwen3_5_text-types-absent": {
        "model_type": "qwen3_5_text",
        **LLAMA,
        **DELTA,
        "num_hidden_layers": 3,
        "full_attention_interval": 2,
        "head_dim": 12,
        "tie_word_embeddings": True,
    },
    "qwen3_5_text-linear": {
        "model_type": "qwen3_5_text",
        **LLAMA,
        **DELTA,
        "linear_conv_kernel_dim": 1,
        "hidden_act": "gelu",
        "layer_types": ["linear_attention", "linear_attention"],
    },
    "qwen3_next-sparse-step": {
        "model_type": "qwen3_next",
        **LLAMA,
        **DELTA,
        "head_dim": 8,
        "attention_bias": True,
        "decoder_sparse_step": 3,
        "layer_types": ["full_attention", "linear_attention"],
        "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 500.0, "original_max_position_embeddings": 16},
    },
    "arcee-head-dim": {"model_type": "arcee", **LLAMA, "head_dim": 6, "mlp_bias": True},
    "helium-scaled": {
        "model_type": "helium",
        **LLAMA,
        "head_dim": 8,
        "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    },
    "granite-multipliers-absent": {"model_type": "granite", **LLAMA, "hidden_size": 34},
    "gpt_neox-linear": {
        "model_type": "gpt_neox",
        **SIZES,
        "intermediate_size": 48,
        "attention_bias": False,
        "rotary_pct": 0.5,
        "rope_scaling": {"type": "linear", "factor": 3.0},
    },
    "cohere-head-dim": {
        "model_type": "cohere",
        **LLAMA,
        "head_dim": 6,
        "use_qk_norm": True,
        "tie_word_embeddings": False,
        "rope_scaling": {"type": "linear", "factor": 3.0},
    },
    "cohere-one-layer": {
        "model_type": "cohere",
        **without(LLAMA, "num_key_value_heads"),
        "num_hidden_layers": 1,
        "use_qk_norm": None,
        "hidden_act": "gelu",
    },
    "cohere2-window-absent": {"model_type": "cohere2", **LLAMA, "num_hidden_layers": 4, "sliding_window_pattern": 2},
    "cohere2-full": {
        "model_type": "cohere2",
        **LLAMA,
        "layer_types": ["full_attention", "full_attention"],
        "sliding_window": 5,
        "attention_bias": True,
        "rope_scaling": {"type": "yarn", "factor": 2.0},
    },
    "glm-part-null": {"model_type": "glm", **GEMMA, "head_dim": 6, "partial_rotary_factor": None, "attention_bias": False},
    "glm-odd-part": {"model_type": "glm", **GEMMA, "head_dim": 10, "rope_scaling": {"type": "linear", "factor": 3.0}},
    "glm4-no-part": {"model_type": "glm4", **GEMMA, "head_dim": 8, "partial_rotary_factor": 0.0, "hidden_act": "gelu"},
    "glm4-tied": {"model_type": "glm4", **GEMMA, "num_hidden_layers": 1, "head_dim": 8, "tie_word_embeddings": True},
    "starcoder2-odd-heads": {
        "model_type": "starcoder2",
        **LLAMA,
        "hidden_size": 34,
        "use_bias": False,
        "tie_word_embeddings": False,
        "sliding_window": None,
    },
    "stablelm-plain": {"model_type": "stablelm", **LLAMA, "partial_rotary_factor": 1.0, "use_qkv_bias": True},
    "stablelm-norms": {
        "model_type": "stablelm",
        **LLAMA,
        "qk_layernorm": True,
        "rope_parameters": {"partial_rotary_factor": 0.5, "rope_type": "dynamic", "factor": 2.0},
    },
    "nemotron-odd-part": {"model_type": "nemotron", **LLAMA, "head_dim": 10, "attention_bias": True},
    "nemotron-gelu": {
        "model_type": "nemotron",
        **LLAMA,
        "partial_rotary_factor": 1.0,
        "hidden_act": "gelu",
        "tie_word_embeddings": True,
        "rope_scaling": {"rope_type": "proportional"},
    },
    "mpt-other-names": {
        "model_type": "mpt",
        **SIZES,
        "num_attention_heads": 1,
        "d_model": 999,
        "max_seq_len": 30,
        "no_bias": False,
        "expansion_ratio": 2,
        "attn_config": {"alibi": False, "clip_qkv": 0.0, "qk_ln": True, "alibi_bias_max": 4},
    },
    "mpt-six-heads": {"model_type": "mpt", "vocab_size": 64, "d_model": 30, "n_heads": 6, "n_layers": 1, "attn_config": None},
    "gpt_bigcode-other-names": {
        "model_type": "gpt_bigcode",
        **SIZES,
        "max_position_embeddings": 40,
        "multi_query": False,
        "scale_attn_weights": False,
        "n_inner": 20,
    },
    "gptj-tied": {"model_type": "gptj", **SIZES, "n_positions": 40, "rotary_dim": 8, "tie_word_embeddings": True},
    "codegen-eight-heads": {"model_type": "codegen", "vocab_size": 64, "n_embd": 48, "n_head": 8, "n_layer": 1, "rotary_dim": 2},
    "opt-no-bias": {
        "model_type": "opt",
        **SIZES,
        "ffn_dim": 48,
        "max_position_embeddings": 40,
        "enable_bias": False,
        "tie_word_embeddings": False,
        "word_embed_proj_dim": None,
    },
    "opt-no-final-norm": {
        "model_type": "opt",
        **SIZES,
        "ffn_dim": 48,
        "max_position_embeddings": 40,
        "_remove_final_layer_norm": True,
    },
    "bloom-other-names": {
        "model_type": "bloom",
        "vocab_size": 64,
        "n_embed": 32,
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "hidden_act": "relu",
        "apply_residual_connection_post_layernorm": True,
    },
    "gpt2-other-names": {
        "model_type": "gpt2",
        **SIZES,
        "max_position_embeddings": 40,
        "n_embd": 999,
        "scale_attn_by_inverse_layer_idx": True,
        "reorder_and_upcast_attn": True,
        "n_inner": 20,
    },
    "gpt2-unscaled": {
        "model_type": "gpt2",
        **SIZES,
        "scale_attn_weights": False,
        "activation_function": "silu",
        "tie_word_embeddings": False,
    },
}

ACTIVATIONS = (
    "silu swish gelu gelu_python gelu_new gelu_fast gelu_accurate gelu_pytorch_tanh gelu_python_tanh quick_gelu "
    "relu relu2 sigmoid tanh linear"
).split()
CASES |= {
    f"llama-{name}": {"model_type": "llama", **LLAMA, "num_hidden_layers": 1, "hidden_act": name}
    for name in ACTIVATIONS
}


PARTS = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "patch_size": 4}
CLIP = {"model_type": "clip_vision_model", **PARTS, "image_size": 8}
PIXTRAL = {"model_type": "pixtral", **PARTS, "head_dim": 8, "image_size": 8}
CASES |= {
    "mistral3-ministral3": {
        "model_type": "mistral3",
        "tie_word_embeddings": False,
        "vision_config": PIXTRAL,
        "text_config": {
            "model_type": "ministral3",
            **LLAMA,
            "head_dim": 12,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 500.0,
                "factor": 4.0,
                "original_max_position_embeddings": 8,
                "llama_4_scaling_beta": 0.3,
            },
        },
    },
    "mistral3-tied-by-default": {
        "model_type": "mistral3",
        "vision_config": PIXTRAL,
        "text_config": {**LLAMA, "hidden_size": 34, "sliding_window": 5, "tie_word_embeddings": False},
    },
    "llava-mistral": {
        "model_type": "llava",
        "vision_config": CLIP,
        "text_config": {"model_type": "mistral", **LLAMA, "sliding_window": 5, "tie_word_embeddings": True},
    },
    "llava-qwen2-one-layer": {
        "model_type": "llava",
        "vision_config": CLIP,
        "text_config": {"model_type": "qwen2", **LLAMA, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1},
    },
    # As Qwen2-VL was published: the text model's keys beside, and rotary positions under their old name.
    "qwen2_vl-flat": {
        "model_type": "qwen2_vl",
        **LLAMA,
        "tie_word_embeddings": True,
        "rope_theta": 500.0,
        "rope_scaling": {"type": "mrope", "mrope_section": [1, 2, 1]},
        "vision_config": {"depth": 1, "embed_dim": 8, "hidden_size": 32, "num_heads": 1, "mlp_ratio": 1},
    },
    "qwen2_5_vl-windows": {
        "model_type": "qwen2_5_vl",
        "text_config": {
            **LLAMA,
            "tie_word_embeddings": True,
            "use_sliding_window": True,
            "sliding_window": 5,
            "max_window_layers": 1,
            "rope_scaling": {"type": "mrope", "mrope_section": [2, 1, 1]},
        },
        "vision_config": {"depth": 1, "hidden_size": 8, "intermediate_size": 8, "num_heads": 1, "out_hidden_size": 32},
    },
    "qwen3_vl-rope-scaling": {
        "model_type": "qwen3_vl",
        "tie_word_embeddings": True,
        "text_config": {
            **LLAMA,
            "head_dim": 10,
            "attention_bias": True,
            "rope_scaling": {"rope_type": "default", "mrope_section": [2, 2, 1], "mrope_interleaved": True},
        },
        "vision_config": {
            **{"depth": 1, "hidden_size": 8, "intermediate_size": 8, "num_heads": 1, "out_hidden_size": 32},
            **{"deepstack_visual_indexes": [0], "num_position_embeddings": 4},
        },
    },
    "gemma3-rope-scaling": {
        "model_type": "gemma3",
        "tie_word_embeddings": False,
        "mm_tokens_per_image": 4,
        "vision_config": {**PARTS, "image_size": 8},
        "text_config": {
            **GEMMA,
            "sliding_window": 6,
            "sliding_window_pattern": 2,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
            "final_logit_softcapping": 3.0,
            "attn_logit_softcapping": 2.0,
        },
    },
}


def write_cases(directory, cases=CASES):
    """A directory as test/fixtures/golden has it, with these families."""
    for name, config in cases.items():
        folder = Path(directory) / "families" / name
        folder.mkdir(parents=True)
        add_to_index(folder.parent / "index.json", {name: write_case(folder, config, ROWS * [CONTEXT])})
