"""What a config.json means: to transformers' config classes and models, and to Quail's reader."""

import copy
import json
import subprocess
from importlib import import_module

import torch
from quail import ROOT
from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

# Read for every family, with one value that is accepted.
COMMON = {"is_causal", "per_layer_config", "fusion_config", "transformers_weights"}
# Other values than the defaults, and such that each default fits the other values: 64 heads divide what must be divisible.
HEADS = {"hidden_size": 768, "num_attention_heads": 64, "num_key_value_heads": 2, "head_dim": 10}
SIZES = {"vocab_size": 90, "intermediate_size": 80, "num_hidden_layers": 3, "max_position_embeddings": 60}
LINEAR = {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0}}
LLAMA = {**HEADS, **SIZES, **LINEAR, "hidden_act": "gelu", "rms_norm_eps": 1e-4, "tie_word_embeddings": True}
QWEN = {**LLAMA, "use_sliding_window": True, "sliding_window": 7, "max_window_layers": 2}
GEMMA = {
    **HEADS,
    **SIZES,
    **LINEAR,
    "rms_norm_eps": 1e-4,
    "tie_word_embeddings": False,
    "attention_bias": True,
}
GEMMA2 = {
    **GEMMA,
    "hidden_activation": "silu",
    "query_pre_attn_scalar": 20,
    "sliding_window": 7,
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
    "final_logit_softcapping": 9.0,
    "attn_logit_softcapping": 8.0,
}
# Their models norm with layer norms, under another name of ε, and have other defaults for the other keys.
COHERE = {
    **{key: value for key, value in LLAMA.items() if key != "rms_norm_eps"},
    "num_attention_heads": 32,
    "layer_norm_eps": 1e-4,
    "tie_word_embeddings": False,
    "attention_bias": True,
    "logit_scale": 0.3,
}
GLM = {**LLAMA, "num_key_value_heads": 4, "attention_bias": False}
# As many heads of keys as of queries, which is the default too.
LATENT_SIZES = {
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "q_lora_rank": 18,
    "kv_lora_rank": 14,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 12,
    "v_head_dim": 10,
    "attention_bias": True,
}
LATENT = {
    **{key: value for key, value in LLAMA.items() if key != "head_dim"},
    **LATENT_SIZES,
    "rope_parameters": {**LINEAR["rope_parameters"], "mscale_all_dim": 0.7},
}
DEEPSEEK = {
    **LATENT,
    "tie_word_embeddings": True,
    "moe_intermediate_size": 24,
    "num_experts_per_tok": 3,
    "n_routed_experts": 24,
    "n_shared_experts": 3,
    "routed_scaling_factor": 1.5,
    "n_group": 4,
    "topk_group": 2,
}
# Rotary dimensions fit, also where the number of heads or of dimensions that rotate is left out.
GPTJ = {
    "vocab_size": 90,
    "n_positions": 60,
    "n_embd": 1024,
    "n_layer": 3,
    "n_head": 8,
    "rotary_dim": 20,
    "n_inner": 80,
    "activation_function": "relu",
    "layer_norm_epsilon": 1e-4,
    "tie_word_embeddings": True,
}
QWEN_HYBRID = {
    **LLAMA,
    "attention_bias": True,
    "linear_conv_kernel_dim": 3,
    "linear_key_head_dim": 6,
    "linear_value_head_dim": 5,
    "linear_num_key_heads": 8,
    "linear_num_value_heads": 64,
    "layer_types": ["full_attention", "linear_attention", "linear_attention"],
    "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0, "partial_rotary_factor": 0.5},
}
QWEN_MOE_HYBRID = {
    **{key: value for key, value in QWEN_HYBRID.items() if key != "intermediate_size"},
    "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 20,
    "num_experts": 11,
    "num_experts_per_tok": 3,
}
GLM_EXPERTS = {
    "moe_intermediate_size": 24,
    "num_experts_per_tok": 3,
    "n_routed_experts": 9,
    "n_shared_experts": 2,
    "routed_scaling_factor": 1.5,
    "norm_topk_prob": False,
    "n_group": 3,
    "topk_group": 2,
}
GRANITE_WINDOWS = {
    "sliding_window": 7,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "layer_rope_theta": [700.0, 0, 90],
}
GRANITE_MOE = {
    **LLAMA,
    "attention_bias": True,
    "embedding_multiplier": 3.0,
    "logits_scaling": 4.0,
    "residual_multiplier": 0.5,
    "attention_multiplier": 0.2,
    "num_local_experts": 9,
    "num_experts_per_tok": 3,
}
LAYER_ROPES = {
    "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 700.0},
}
# Heads of full layers have another size, and as many as those of others where keys are no values.
GEMMA4 = {
    **{key: value for key, value in GEMMA.items() if key not in LINEAR},
    "hidden_activation": "silu",
    "sliding_window": 7,
    "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    "final_logit_softcapping": 9.0,
    "rope_parameters": LAYER_ROPES,
    "global_head_dim": 20,
    "num_global_key_value_heads": 4,
    "attention_k_eq_v": True,
    "num_kv_shared_layers": 1,
    "use_double_wide_mlp": True,
}
MAMBA2 = {
    "mamba_n_heads": 64,
    "mamba_expand": 3,
    "mamba_n_groups": 2,
    "mamba_d_state": 12,
    "mamba_d_conv": 3,
    "mamba_conv_bias": False,
    "mamba_proj_bias": True,
    "time_step_limit": [0.1, 9.0],  # infinity is no JSON
}
FALCON_FACTORS = ("embedding", "lm_head", "key", "attention_in", "attention_out", "ssm_in", "ssm_out")
FULL = {
    "llama": {**LLAMA, "attention_bias": True, "mlp_bias": True},
    "mistral": {**LLAMA, "sliding_window": 7},
    "qwen2": {key: value for key, value in QWEN.items() if key != "head_dim"},
    "qwen3": {**QWEN, "attention_bias": True},
    "qwen3_moe": {
        **LLAMA,
        "attention_bias": True,
        "use_sliding_window": True,
        "sliding_window": 7,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [2],
        "moe_intermediate_size": 24,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "norm_topk_prob": True,
    },
    "mellum": {
        **{key: value for key, value in LLAMA.items() if key not in LINEAR},
        "attention_bias": True,
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "mlp_layer_types": ["dense", "sparse", "sparse"],
        "rope_parameters": LAYER_ROPES,
        "moe_intermediate_size": 24,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "norm_topk_prob": False,
    },
    "mixtral": {**LLAMA, "sliding_window": 7, "num_local_experts": 5, "num_experts_per_tok": 3},
    "minimax_m2": {
        **LLAMA,
        "num_experts_per_tok": 3,
        "num_local_experts": 9,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.6},
    },
    "phimoe": {
        **LLAMA,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0},
        "attention_bias": True,
        "sliding_window": 7,
        "num_local_experts": 5,
        "num_experts_per_tok": 3,
        "router_jitter_noise": 0.3,
        "lm_head_bias": True,
    },
    "gpt_oss": {
        **{key: value for key, value in LLAMA.items() if key != "hidden_act"},
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "attention_bias": False,
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "num_local_experts": 9,
        "num_experts_per_tok": 3,
        "swiglu_alpha": 1.5,
        "swiglu_limit": 6.0,
    },
    "qwen2_moe": {
        **{key: value for key, value in QWEN.items() if key != "layer_types"},
        "num_key_value_heads": 4,
        "qkv_bias": False,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [2],
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 20,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "norm_topk_prob": True,
    },
    "olmoe": {
        **{key: value for key, value in LLAMA.items() if key != "head_dim"},
        "num_attention_heads": 32,
        "attention_bias": True,
        "clip_qkv": 2.5,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "norm_topk_prob": True,
    },
    "flex_olmo": {
        **LLAMA,
        "num_attention_heads": 16,
        "attention_bias": True,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "norm_topk_prob": True,
    },
    "granitemoe": GRANITE_MOE,
    "granitemoeshared": {**GRANITE_MOE, "shared_intermediate_size": 20},
    "granitemoe_swa": {**GRANITE_MOE, "shared_intermediate_size": 20, **GRANITE_WINDOWS},
    "granitemoehybrid": {
        **GRANITE_MOE,
        "shared_intermediate_size": 20,
        "position_embedding_type": "rope",
        "layer_types": ["linear_attention", "full_attention", "linear_attention"],
        **MAMBA2,
    },
    "falcon_h1": {
        **LLAMA,
        "attention_bias": True,
        "mlp_bias": True,
        "projectors_bias": True,
        **MAMBA2,
        "mamba_d_ssm": 960,
        "mamba_rms_norm": True,
        "mamba_norm_before_gate": False,
        "ssm_multipliers": [0.5, 0.6, 0.7, 0.8, 0.9],
        "mlp_multipliers": [1.5, 0.4],
        **{f"{name}_multiplier": 0.15 + len(name) / 10 for name in FALCON_FACTORS},
    },
    "bamba": {**LLAMA, "attention_bias": True, "mlp_bias": True, "attn_layer_indices": [1, 7], **MAMBA2},
    "jamba": {
        **HEADS,
        **SIZES,
        "hidden_act": "gelu",
        "rms_norm_eps": 1e-4,
        "tie_word_embeddings": True,
        "num_experts_per_tok": 3,
        "num_experts": 5,
        "expert_layer_period": 3,
        "expert_layer_offset": 0,
        "attn_layer_period": 3,
        "attn_layer_offset": 2,
        "mamba_d_state": 12,
        "mamba_d_conv": 3,
        "mamba_expand": 3,
        "mamba_dt_rank": 7,
        "mamba_conv_bias": False,
        "mamba_proj_bias": True,
    },
    "nemotron_h": {
        **{key: value for key, value in {**HEADS, **SIZES}.items() if key != "num_hidden_layers"},
        "num_key_value_heads": 4,
        "layers_block_type": ["moe", "full_attention", "linear_attention"],
        "tie_word_embeddings": True,
        "layer_norm_epsilon": 1e-4,
        "mlp_hidden_act": "gelu",
        "mlp_bias": True,
        "ssm_state_size": 12,
        "mamba_num_heads": 16,
        "mamba_head_dim": 6,
        "mamba_hidden_act": "gelu",
        "n_groups": 4,
        "conv_kernel": 3,
        "time_step_min": 0.2,
        "time_step_limit": [0.1, 9.0],  # infinity is no JSON
        "use_conv_bias": False,
        "use_bias": True,
        "n_routed_experts": 6,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 16,
        "moe_shared_expert_intermediate_size": 24,
        "moe_latent_size": 32,
        "routed_scaling_factor": 0.5,
        "n_group": 3,
        "topk_group": 2,
        "norm_topk_prob": False,
    },
    "glm4_moe": {
        **LLAMA,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "attention_bias": True,
        "use_qk_norm": True,
        "first_k_dense_replace": 2,
        **GLM_EXPERTS,
    },
    "solar_open": {
        **{key: value for key, value in LLAMA.items() if key != "intermediate_size"},
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "attention_bias": True,
        **GLM_EXPERTS,
    },
    "hy_v3": {
        **LLAMA,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "attention_bias": True,
        "mlp_bias": True,
        "moe_intermediate_size": 24,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "num_shared_experts": 2,
        "router_scaling_factor": 1.5,
        "mlp_layer_types": ["sparse", "sparse", "dense"],
    },
    "kolibri1": {
        **{key: value for key, value in LLAMA.items() if key != "intermediate_size"},
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 20,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "norm_topk_prob": True,
    },
    "deepseek_v2": {
        **DEEPSEEK,
        "mlp_bias": True,
        "first_k_dense_replace": 2,
        "topk_method": "group_limited_greedy",
    },
    "deepseek_v3": {
        **DEEPSEEK,
        "first_k_dense_replace": 2,
        "norm_topk_prob": False,
        "rope_interleave": False,
    },
    "glm4_moe_lite": {
        **DEEPSEEK,
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        "norm_topk_prob": False,
        "rope_interleave": False,
    },
    "mistral4": {
        **DEEPSEEK,
        "head_dim": 18,
        "first_k_dense_replace": 2,
        "norm_topk_prob": False,
        "rope_interleave": False,
        "rope_parameters": {**LATENT["rope_parameters"], "llama_4_scaling_beta": 0.2, "original_max_position_embeddings": 30},
    },
    "youtu": {**LATENT, "tie_word_embeddings": False, "rope_interleave": False},
    "minicpm3": {
        **LATENT,
        "tie_word_embeddings": False,
        "mlp_bias": True,
        "scale_emb": 3.5,
        "scale_depth": 1.2,
        "dim_model_base": 90,
    },
    "dots1": {
        **LLAMA,
        "num_key_value_heads": 4,
        "attention_bias": True,
        "moe_intermediate_size": 24,
        "num_experts_per_tok": 3,
        "n_routed_experts": 9,
        "n_shared_experts": 2,
        "routed_scaling_factor": 1.5,
        "first_k_dense_replace": 2,
        "norm_topk_prob": True,
        "sliding_window": 7,
        "max_window_layers": 2,
    },
    "kimi_linear": {
        **{key: value for key, value in LLAMA.items() if key not in ("head_dim", *LINEAR)},
        **LATENT_SIZES,
        "pad_token_id": 0,
        "linear_head_dim": 6,
        "linear_num_heads": 5,
        "linear_conv_kernel_dim": 3,
        "layer_types": ["full_attention", "linear_attention", "linear_attention"],
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        **{key: value for key, value in GLM_EXPERTS.items() if key != "n_routed_experts"},
        "num_local_experts": 24,
        "n_group": 4,  # which divides the default, too
    },
    "bailing_hybrid": {
        **{key: value for key, value in LATENT.items() if key != "q_lora_rank"},
        "head_dim": 10,
        "pad_token_id": 0,
        "rope_theta": 5000.0,
        "short_conv_kernel_size": 3,
        "kda_safe_gate": False,
        "kda_lower_bound": -3.0,
        "layer_group_size": 2,
        "first_k_dense_replace": 1,
        "layer_types": ["full_attention", "linear_attention", "linear_attention"],
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        **{key: value for key, value in GLM_EXPERTS.items() if key != "n_routed_experts"},
        "num_local_experts": 32,
        "n_group": 4,
        "topk_group": 2,
    },
    "mimo_v2_flash": {
        **{key: value for key, value in LLAMA.items() if key not in LINEAR},
        "num_attention_heads": 32,
        "v_head_dim": 6,
        "attention_bias": True,
        "attention_value_scale": 0.5,
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        "rope_parameters": LAYER_ROPES,
        **{key: value for key, value in GLM_EXPERTS.items() if key != "n_shared_experts"},
        "n_routed_experts": 24,
        "n_group": 4,  # which divides the default, too
    },
    "exaone_moe": {
        **LLAMA,
        "num_attention_heads": 64,
        "sliding_window": 7,
        "sliding_window_pattern": 2,
        "layer_types": GEMMA2["layer_types"],
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        "first_k_dense_replace": 2,
        "moe_intermediate_size": 24,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "num_shared_experts": 2,
        "norm_topk_prob": False,
        "routed_scaling_factor": 1.5,
    },
    "afmoe": {
        **LLAMA,
        "attention_bias": True,
        "moe_intermediate_size": 24,
        "num_dense_layers": 2,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "num_shared_experts": 1,
        "route_scale": 1.5,
        "global_attn_every_n_layers": 2,
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "mup_enabled": True,
    },
    "laguna": {
        **{key: value for key, value in LLAMA.items() if key not in LINEAR},
        "num_attention_heads": 16,
        "num_attention_heads_per_layer": [16, 24, 8],
        "attention_bias": True,
        "gating": "per-element",
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        "rope_parameters": LAYER_ROPES,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 20,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "moe_routed_scaling_factor": 1.5,
        "moe_router_logit_softcapping": 3.0,
    },
    "ernie4_5_moe": {
        **LLAMA,
        "num_attention_heads": 32,
        "num_key_value_heads": 2,
        "tie_word_embeddings": False,
        "use_bias": True,
        "moe_intermediate_size": 24,
        "moe_k": 3,
        "moe_num_experts": 9,
        "moe_num_shared_experts": 1,
        "moe_layer_start_index": 0,
        "moe_layer_end_index": 1,
        "moe_layer_interval": 2,
        "moe_norm_min": 1e-9,
    },
    "hunyuan_v1_moe": {**LLAMA, "attention_bias": True, "num_experts": 9, "moe_topk": [1, 1, 1]},
    "lfm2_moe": {
        **{key: value for key, value in LLAMA.items() if key not in ("rms_norm_eps", "hidden_act")},
        "norm_eps": 1e-4,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
        "conv_bias": True,
        "conv_L_cache": 4,
        "num_dense_layers": 1,
        "moe_intermediate_size": 24,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "use_expert_bias": False,
        "routed_scaling_factor": 1.5,
        "norm_topk_prob": False,
        "layer_types": ["full_attention", "conv", "conv"],
    },
    "llama4_text": {
        **LLAMA,
        "intermediate_size_mlp": 70,
        "attention_bias": True,
        "use_qk_norm": False,
        "no_rope_layers": [0, 1, 1],
        "no_rope_layer_interval": 2,
        "layer_types": ["full_attention", "chunked_attention", "full_attention"],
        "attention_chunk_size": 7,
        "attn_temperature_tuning": False,
        "floor_scale": 9,
        "attn_scale": 0.3,
        "moe_layers": [1],
        "interleave_moe_layer_step": 2,
        "num_local_experts": 9,
        "num_experts_per_tok": 3,
    },
    "gemma": {**GEMMA, "hidden_act": "silu"},
    "gemma2": GEMMA2,
    "vaultgemma": GEMMA2,
    "gemma3_text": {
        **GEMMA2,
        "rope_parameters": LAYER_ROPES,
    },
    "gemma3n_text": {
        **{key: value for key, value in GEMMA.items() if key not in LINEAR},
        "num_key_value_heads": 4,
        "hidden_activation": "silu",
        "sliding_window": 7,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
        "final_logit_softcapping": 9.0,
        "rope_parameters": LAYER_ROPES,
        "intermediate_size": [80, 70, 60],
        "vocab_size_per_layer_input": 70,
        "hidden_size_per_layer_input": 12,
        "altup_active_idx": 1,
        "altup_coef_clip": 99.0,
        "altup_correct_scale": False,
        "altup_num_inputs": 3,
        "num_kv_shared_layers": 1,
        "laurel_rank": 5,
        "activation_sparsity_pattern": [0.4, 0.0, 0.7],
    },
    "gemma4_text": {
        **GEMMA4,
        "use_bidirectional_attention": "vision",
        "vocab_size_per_layer_input": 95,
        "hidden_size_per_layer_input": 12,
        "enable_moe_block": True,
        "num_experts": 9,
        "top_k_experts": 3,
        "moe_intermediate_size": 24,
    },
    "gemma4_unified_text": {**GEMMA4, "use_bidirectional_attention": None},
    "phi3": {
        **{key: value for key, value in LLAMA.items() if key != "head_dim"},
        "sliding_window": 7,
        "original_max_position_embeddings": 50,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.5},
    },
    "gpt_neox": {
        **SIZES,
        "hidden_size": 256,
        "num_attention_heads": 32,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-4,
        "tie_word_embeddings": True,
        "use_parallel_residual": False,
        "attention_bias": False,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.5},
    },
    "gpt_neo": {
        "vocab_size": 90,
        "hidden_size": 128,
        "num_layers": 3,
        "num_heads": 32,
        "intermediate_size": 80,
        "max_position_embeddings": 60,
        "attention_types": [[["local"], 1], [["global"], 2]],
        "attention_layers": ["local", "global", "local"],
        "window_size": 7,
        "activation_function": "relu",
        "layer_norm_epsilon": 1e-4,
        "tie_word_embeddings": False,
    },
    "persimmon": {
        **SIZES,
        "hidden_size": 256,
        "num_attention_heads": 32,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-4,
        "tie_word_embeddings": True,
        "qk_layernorm": False,
        "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0, "partial_rotary_factor": 0.25},
    },
    "smollm3": {
        **LLAMA,
        "tie_word_embeddings": False,
        "attention_bias": True,
        "mlp_bias": True,
        "use_sliding_window": True,
        "sliding_window": 7,
        "no_rope_layers": [0, 1, 1],
        "no_rope_layer_interval": 2,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    },
    "cwm": {
        **LLAMA,
        "mlp_bias": True,
        "sliding_window": 7,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
    "internlm3": {**LLAMA, "num_key_value_heads": 4, "attention_bias": True, "mlp_bias": True},
    "iquestcoder": {**LLAMA, "hidden_size": 640, "head_dim": 12, "attention_bias": True, "mlp_bias": True},
    "granite": {
        **LLAMA,
        "attention_bias": True,
        "mlp_bias": True,
        "embedding_multiplier": 3.0,
        "logits_scaling": 4.0,
        "residual_multiplier": 0.5,
        "attention_multiplier": 0.2,
    },
    "granite_swa": {
        **LLAMA,
        "tie_word_embeddings": False,
        "attention_bias": True,
        "mlp_bias": True,
        "embedding_multiplier": 3.0,
        "logits_scaling": 4.0,
        "residual_multiplier": 0.5,
        "attention_multiplier": 0.2,
        **GRANITE_WINDOWS,
    },
    "hyperclovax": {
        **LLAMA,
        "attention_bias": True,
        "mlp_bias": True,
        "embedding_multiplier": 3.0,
        "logits_scaling": 4.0,
        "residual_multiplier": 0.5,
        "attention_multiplier": 0.2,
        "use_post_norm": False,
    },
    "cohere": {**COHERE, "use_qk_norm": True},
    "cohere2": {**COHERE, "sliding_window": 7, "layer_types": GEMMA2["layer_types"]},
    "cohere2_moe": {
        **COHERE,
        "rms_norm_eps": 1e-4,
        "rope_theta": 700.0,
        "sliding_window": 7,
        "sliding_window_pattern": 2,
        "layer_types": GEMMA2["layer_types"],
        "mlp_layer_types": ["sparse", "dense", "sparse"],
        "prefix_dense_sliding_window_pattern": 2,
        "prefix_dense_intermediate_size": 30,
        "num_experts": 9,
        "num_experts_per_tok": 3,
        "num_shared_experts": 2,
        "shared_expert_combination_strategy": "sum",
        "expert_selection_fn": "sigmoid",
        "norm_topk_prob": False,
    },
    "glm": GLM,
    "glm4": GLM,
    "starcoder2": {
        **{key: value for key, value in LLAMA.items() if key != "rms_norm_eps"},
        "num_key_value_heads": 4,
        "norm_epsilon": 1e-4,
        "tie_word_embeddings": False,
        "use_bias": False,
        "sliding_window": 7,
    },
    "stablelm": {
        **{key: value for key, value in LLAMA.items() if key not in ("rms_norm_eps", "head_dim")},
        "hidden_size": 1024,
        "layer_norm_eps": 1e-4,
        "hidden_act": "gelu",
        "use_qkv_bias": True,
        "qk_layernorm": True,
        "use_parallel_residual": True,
    },
    "nemotron": {
        **{key: value for key, value in LLAMA.items() if key != "rms_norm_eps"},
        "norm_eps": 1e-4,
        "attention_bias": True,
        "mlp_bias": True,
    },
    "phi": {
        **{key: value for key, value in LLAMA.items() if key not in ("rms_norm_eps", "head_dim")},
        "layer_norm_eps": 1e-4,
        "qk_layernorm": True,
    },
    "mpt": {
        "vocab_size": 90,
        "d_model": 128,
        "n_heads": 32,
        "n_layers": 3,
        "max_seq_len": 60,
        "layer_norm_epsilon": 1e-4,
        "tie_word_embeddings": False,
        "attn_config": {"clip_qkv": 2.0, "softmax_scale": 0.3},
    },
    "gptj": GPTJ,
    "codegen": GPTJ,
    "gpt_bigcode": {
        "vocab_size": 90,
        "n_positions": 60,
        "n_embd": 96,
        "n_layer": 3,
        "n_head": 6,
        "n_inner": 80,
        "activation_function": "relu",
        "layer_norm_epsilon": 1e-4,
        "scale_attn_weights": False,
        "multi_query": False,
        "tie_word_embeddings": False,
    },
    "olmo": {**{key: value for key, value in LLAMA.items() if key != "rms_norm_eps"}, "attention_bias": True, "clip_qkv": 2.5},
    "olmo2": {**LLAMA, "attention_bias": True},
    "olmo3": {
        **LLAMA,
        "attention_bias": True,
        "sliding_window": 7,
        "layer_types": GEMMA2["layer_types"],
        "rope_parameters": LAYER_ROPES,
    },
    "olmo_hybrid": {
        **{key: value for key, value in QWEN_HYBRID.items() if key != "rope_parameters"},
        **LINEAR,
        "num_attention_heads": 60,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 120,
        "linear_allow_neg_eigval": False,
    },
    "ministral": {**LLAMA, "sliding_window": 7, "layer_types": GEMMA2["layer_types"]},
    "ministral3": {
        **LLAMA,
        "sliding_window": 7,
        "rope_parameters": {**LINEAR["rope_parameters"], "llama_4_scaling_beta": 0.2, "original_max_position_embeddings": 30},
    },
    "seed_oss": {**LLAMA, "attention_bias": False, "attention_out_bias": True, "mlp_bias": True},
    "exaone4": {
        **LLAMA,
        "sliding_window": 7,
        "sliding_window_pattern": 2,
        "layer_types": GEMMA2["layer_types"],
    },
    "hunyuan_v1_dense": {**LLAMA, "attention_bias": True},
    "ernie4_5": {**LLAMA, "num_key_value_heads": 4, "tie_word_embeddings": False, "use_bias": True},
    "lfm2": {
        **{key: value for key, value in LLAMA.items() if key not in ("rms_norm_eps", "hidden_act")},
        "norm_eps": 1e-4,
        "tie_word_embeddings": False,
        "conv_bias": True,
        "conv_L_cache": 4,
        "block_multiple_of": 8,
        "block_ffn_dim_multiplier": 1.5,
        "block_auto_adjust_ff_dim": False,
        "full_attn_idxs": [0, 2],
        "layer_types": ["full_attention", "conv", "conv"],
    },
    "lfm3": {
        **{key: value for key, value in LLAMA.items() if key not in ("rms_norm_eps", "hidden_act")},
        "norm_eps": 1e-4,
        "tie_word_embeddings": False,
        "attention_bias": True,
        "conv_bias": True,
        "conv_L_cache": 4,
        "sliding_window": 7,
        "layer_types": ["full_attention", "sliding_attention", "conv"],
        "rope_parameters": LAYER_ROPES,
        "use_sandwich_norm": False,
        "use_attention_gate": False,
    },
    "qwen3_5_text": QWEN_HYBRID,
    "qwen3_5_moe_text": {**QWEN_MOE_HYBRID, "num_key_value_heads": 4},
    "qwen3_next": {
        **QWEN_MOE_HYBRID,
        "num_key_value_heads": 4,
        "intermediate_size": 80,
        "norm_topk_prob": False,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [2],
    },
    "apertus": {**LLAMA, "attention_bias": True},
    "arcee": {**LLAMA, "hidden_size": 256, "attention_bias": True, "mlp_bias": True},
    "jais2": {
        **{key: value for key, value in LLAMA.items() if key != "rms_norm_eps"},
        "hidden_size": 832,
        "num_attention_heads": 32,
        "layer_norm_eps": 1e-4,
        "attention_bias": False,
        "mlp_bias": False,
    },
    "nanochat": {**LLAMA, "hidden_size": 384, "attention_bias": True, "final_logit_softcapping": 9.0},
    "helium": {
        **LLAMA,
        "hidden_size": 640,
        "num_attention_heads": 40,
        "head_dim": 16,
        "attention_bias": True,
        "mlp_bias": True,
    },
    "opt": {
        "vocab_size": 90,
        "hidden_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "ffn_dim": 80,
        "word_embed_proj_dim": 32,
        "max_position_embeddings": 60,
        "activation_function": "gelu",
        "do_layer_norm_before": False,
        "_remove_final_layer_norm": True,
        "enable_bias": False,
        "tie_word_embeddings": False,
    },
    "bloom": {
        "vocab_size": 90,
        "hidden_size": 128,
        "n_layer": 3,
        "n_head": 32,
        "layer_norm_epsilon": 1e-4,
        "apply_residual_connection_post_layernorm": True,
        "pretraining_tp": 2,
        "tie_word_embeddings": False,
    },
    "gpt2": {
        "vocab_size": 90,
        "n_positions": 60,
        "n_embd": 96,
        "n_layer": 3,
        "n_head": 6,
        "n_inner": 80,
        "activation_function": "relu",
        "layer_norm_epsilon": 1e-4,
        "scale_attn_weights": False,
        "scale_attn_by_inverse_layer_idx": True,
        "tie_word_embeddings": False,
    },
}

# Models around a text model, with that one's type. Their configs are flat here, as those of all others: `nested` makes the
# real ones of them.
WRAPPERS = {"gemma3": "gemma3_text", "mistral3": "mistral", "llava": "llama"}
WRAPPERS |= {kind: f"{kind}_text" for kind in ("gemma3n", "gemma4", "gemma4_unified", "llama4", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "qwen3_5_moe")}
INSIDE = {"mistral4": "mistral3"}  # text models that no class loads by name: Quail reads them inside of another one alone
OUTER = ("model_type", "tie_word_embeddings")  # what does not stand in text_config
TIED_INSIDE = {"llama4"}  # where it counts there alone
# Their heads divide the hidden size, and their streams of positions make up a head.
QWEN2_VL = {
    **{key: value for key, value in QWEN.items() if key not in ("head_dim", "num_attention_heads")},
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "rope_parameters": {**LINEAR["rope_parameters"], "mrope_section": [4, 4, 4]},
}
TEXTS = {
    **FULL,
    "qwen2_vl_text": QWEN2_VL,
    "qwen2_5_vl_text": QWEN2_VL,
    "qwen3_vl_text": {**LLAMA, "attention_bias": True},
}
FULL |= {kind: TEXTS[text] for kind, text in WRAPPERS.items()}
FULL["mistral3"] = {**FULL["mistral3"], "tie_word_embeddings": False}

TYPES = list(FULL)
FIELDS = {kind: CONFIG_MAPPING[kind].__dataclass_fields__.keys() for kind in (*TYPES, *WRAPPERS.values())}
FIELDS |= {kind: FIELDS[text] for kind, text in WRAPPERS.items()}
FIELDS["cohere2_moe"] = {*FIELDS["cohere2_moe"], "rope_parameters"}  # which the class has, and does not declare
ROTARY = [kind for kind in TYPES if "rope_parameters" in FIELDS[kind]]
LATENT_KINDS = {"bailing_hybrid", "deepseek_v2", "deepseek_v3", "glm4_moe_lite", "mistral4", "youtu", "minicpm3"}
GROUPED = {"bailing_hybrid", "deepseek_v2", "deepseek_v3", "glm4_moe_lite", "mistral4", "mimo_v2_flash", "kimi_linear", "glm4_moe", "solar_open", "nemotron_h"}  # a token's experts come from groups of them
LAYER_HEADS = {"gemma4_text", "gemma4_unified_text"}  # heads of some layers have another size
HYBRID = {"bailing_hybrid", "kimi_linear", "qwen3_5_text", "qwen3_5_moe_text", "qwen3_next", "olmo_hybrid"}  # some of their layers have a linear attention
PARTIAL = {"phi3", "mistral4", "gpt_neox", "glm", "glm4", "glm4_moe", "laguna", "mimo_v2_flash", "minimax_m2", "stablelm", "nemotron", "phi", "persimmon", "bamba", *HYBRID} - {"olmo_hybrid", "kimi_linear", "bailing_hybrid"}  # their models may rotate a part of each head
NAMED = {"stablelm", "nemotron", "phi", "persimmon"}  # that fail where the parameters do not name the share
EXACT = {"stablelm", "mistral4", "phi", "persimmon"}  # that fail where another number of dimensions rotates than the share of a head
OTHER_LAYERS = {"lfm2": "conv", "lfm2_moe": "conv", **dict.fromkeys((*HYBRID, "granitemoehybrid"), "linear_attention")}
OTHER_LAYERS["llama4_text"] = "chunked_attention"
# Their models make the mask of sliding layers also where none slides; test_configs.py asks them.
ALWAYS_MASKED = {"gemma2", "vaultgemma", "gemma3_text", "cohere2", "cohere2_moe", "olmo3", "ministral", "cwm", "granite_swa", "granitemoe_swa", "gpt_oss", "qwen2_moe", "afmoe", "kolibri1"}
LAYERED = [kind for kind in FIELDS if "layer_types" in FIELDS[kind]]  # their layers may differ


class Refused(Exception):
    """transformers does not make a model of this config."""


def nested(config):
    """The config.json of a flat config."""
    kind = config.get("model_type")
    if kind not in WRAPPERS:
        return config
    names = OUTER[:1] if kind in TIED_INSIDE else OUTER
    outer = {key: config[key] for key in names if key in config}
    inner = {key: value for key, value in config.items() if key not in names}
    return {**outer, "text_config": {"model_type": WRAPPERS[kind], **inner}} if inner else outer


def inside(config):
    """The config.json around that of a text model which is not read by itself."""
    outer = INSIDE.get(config.get("model_type"))
    return config if outer is None else {"model_type": outer, "tie_word_embeddings": config.get("tie_word_embeddings", False), "text_config": config}


def class_of(config):
    """What a trainer loads: of models that see images too, some have no class for texts alone."""
    mappings = (MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING)
    classes = [mapping[type(config)] for mapping in mappings if type(config) in mapping]
    # The class for texts of some takes the text model's config, and loads that one alone; of others it is that of LLaMA.
    return next((each for each in classes if each.config_class is type(config)), classes[0])


def full_config(kind):
    """A flat config with every key that the class writes; those that matter differ from their defaults."""
    whole = CONFIG_MAPPING[WRAPPERS.get(kind, kind)].from_dict(copy.deepcopy(FULL[kind])).to_dict()
    whole.pop("model_type", None)
    return {"model_type": kind, **json.loads(json.dumps(whole, default=str))}


class Real:
    """A config.json as transformers understands it."""

    def __init__(self, config):
        try:
            self.outer = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(nested(config)))
            self.config = self.outer.get_text_config()
            self.kind = WRAPPERS.get(config["model_type"], config["model_type"])
            if self.kind in LAYER_HEADS:
                self.config.allow_global_per_layer_attribute_access = True
            if "num_kv_shared_layers" in FIELDS[self.kind]:
                self.config.kv_sharing_modes  # fails where nobody gives what layers share
            alone = type(self.config) in MODEL_FOR_CAUSAL_LM_MAPPING  # some text models lie in their wrapper's module
            self.module = import_module(class_of(self.config if alone else self.outer).__module__)
            if "rope_parameters" in FIELDS[self.kind] and not self.without_base():
                self.rotary()
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}") from error

    def growth(self):
        """How the scores of Ministral 3 and Mistral 4 grow, which their models read from the rotary parameters."""
        read = [self.config.rope_parameters.get(key) for key in ("llama_4_scaling_beta", "original_max_position_embeddings")]
        if None in read:
            raise Refused("the model computes with it")
        return dict(zip(("beta", "original"), read, strict=True))

    def score_stretch(self):
        """What latent attention multiplies its scores by where positions are stretched."""
        return self.module.yarn_apply_mscale(self.config.rope_parameters, 1)

    def check_latent(self):
        if self.config.num_key_value_heads != self.config.num_attention_heads:
            raise Refused("every head has its own keys, which eager attention repeats")
        if self.kind != "mistral4" and self.config.head_dim != self.config.qk_rope_head_dim:
            raise Refused("more or fewer dimensions rotate than are cut off")
        self.score_stretch()

    def check_groups(self):
        """What the router of some families fails on."""
        config = self.config
        count = config.num_local_experts if self.kind in ("kimi_linear", "bailing_hybrid") else config.n_routed_experts
        chosen = config.num_experts_per_tok
        dense = getattr(config, "first_k_dense_replace", 0)
        types = getattr(config, "mlp_layer_types", None)
        if types is not None and len(types) != config.num_hidden_layers:
            raise Refused("a layer has no type of its MLP")
        if dense is None:
            raise Refused("a layer has experts by its index")
        sparse = config.num_hidden_layers > dense if types is None else "sparse" in types
        if self.kind == "nemotron_h":
            sparse = "moe" in config.layer_types
        if not sparse:
            return
        if None in (chosen, count) or chosen > count:
            raise Refused("there are no so many experts")
        if self.kind == "deepseek_v2" and config.topk_method == "greedy":
            return
        if self.kind == "deepseek_v2" and config.topk_method != "group_limited_greedy":
            raise Refused("no method of the router")
        if None in (config.n_group, config.topk_group) or count % config.n_group or config.topk_group > config.n_group:
            raise Refused("groups do not part the experts")
        if chosen > config.topk_group * (count // config.n_group):
            raise Refused("the groups of a token have fewer experts")

    def attribute(self, name):
        if name == "growth":
            return self.growth()
        if name == "scoreStretch":
            return self.score_stretch()
        if name == "time_step_limit" and self.config.time_step_limit is not None:
            return [None if limit == float("inf") else limit for limit in self.config.time_step_limit]
        if name == "tie_word_embeddings" and self.outer is not self.config and self.outer.model_type not in TIED_INSIDE:
            return bool(self.outer.tie_word_embeddings)
        if name == "per_layer_config":
            names = ("head_dim", "num_key_value_heads")
            return [{key: getattr(layer, key) for key in names} for layer in self.config.per_layer_config]
        if name == "head_dim":
            heads = self.config.hidden_size // self.config.num_attention_heads
            return getattr(self.config, "head_dim", None) or heads
        nested = getattr(self.config, "attn_config", None)
        return getattr(self.config, name) if nested is None or name not in vars(nested) else getattr(nested, name)

    def types(self):
        """The type of each layer."""
        if self.kind in LAYERED:
            if self.config.layer_types is None:
                raise Refused("the model reads the type of each layer")
            return self.config.layer_types
        slides = "sliding_window" in FIELDS[self.kind] and self.config.sliding_window is not None
        return ["sliding_attention" if slides else "full_attention"] * self.config.num_hidden_layers

    def windows(self):
        kinds = {OTHER_LAYERS.get(self.kind, "sliding_attention"), "full_attention"}
        kinds |= {"conv", "sliding_attention"} if self.kind == "lfm3" else set()
        if not set(self.types()) <= kinds:
            raise Refused(f"the model has masks for layers of {kinds}")
        if "sliding_attention" in self.types() or self.kind in ALWAYS_MASKED:
            if self.config.sliding_window is None:
                raise Refused("the mask of sliding layers needs a window")
            if "sliding_attention" in self.types() and self.config.sliding_window == 0:
                raise Refused("nothing is seen through a window of 0")
        return [self.config.sliding_window if kind == "sliding_attention" else None for kind in self.types()]

    def chunks(self):
        """Tokens of a chunk on each layer that sees no more."""
        chunk = getattr(self.config, "attention_chunk_size", None)
        if self.kind == "llama4_text" and chunk is None:
            raise Refused("the model makes the mask of chunks wherever none is")
        return [chunk if kind == "chunked_attention" else None for kind in self.types()]

    def without_base(self):
        """Whether nothing rotates, or a base of null says so."""
        return self.kind in ("kimi_linear", "jamba") or (self.kind == "olmo_hybrid" and self.config.rope_parameters["rope_theta"] is None)

    def rotating(self):
        """Whether each layer rotates its heads."""
        layers = range(self.config.num_hidden_layers)
        if self.kind in ("smollm3", "llama4_text"):
            if len(self.config.no_rope_layers) < len(layers):
                raise Refused("a layer has no entry in no_rope_layers")
            return [bool(self.config.no_rope_layers[layer]) for layer in layers]
        if self.kind in ("granite_swa", "granitemoe_swa"):
            if len(self.config.layer_rope_theta) < len(layers):
                raise Refused("a layer has no entry in layer_rope_theta")
            return [bool(self.config.layer_rope_theta[layer]) for layer in layers]
        if self.kind in ("lfm2", "lfm2_moe", "lfm3"):
            return [kind != "conv" for kind in self.types()]
        if self.kind == "granitemoehybrid":
            return [self.config.position_embedding_type == "rope" and kind == "full_attention" for kind in self.types()]
        if self.without_base():
            return [False for _ in layers]
        if self.kind in HYBRID:
            return [kind == "full_attention" for kind in self.types()]
        if self.kind == "exaone4" and self.config.sliding_window is not None:
            return [kind == "sliding_attention" for kind in self.types()]
        if self.kind == "cohere2_moe":
            forced = self.config.prefix_dense_sliding_window_pattern == 1
            types = zip(self.types(), self.config.mlp_layer_types, strict=True)
            return [kind == "sliding_attention" or (forced and mlp == "dense") for kind, mlp in types]
        if self.kind in ("cohere2", "afmoe", "exaone_moe", "kolibri1"):
            return [kind == "sliding_attention" for kind in self.types()]
        return [True for _ in layers]

    def check(self, contexts):
        """Refuses what only a forward pass would."""
        self.windows()
        self.chunks()
        if self.kind in ("ministral3", "mistral4"):
            self.growth()
        if self.kind == "kimi_linear" and self.config.num_key_value_heads != self.config.num_attention_heads:
            raise Refused("every head has its own keys, which eager attention repeats")
        if self.kind in LATENT_KINDS:
            self.check_latent()
        if self.kind in GROUPED:
            self.check_groups()
        if self.kind == "nemotron_h" and not set(self.config.layer_types) <= {"linear_attention", "full_attention", "moe", "mlp"}:
            raise Refused("a layer is none of these")
        if self.kind == "ministral" and self.config.head_dim is None:
            raise Refused("the model reads the size of its heads")
        if self.kind == "gemma4_text" and self.config.vocab_size_per_layer_input < self.config.vocab_size:
            raise Refused("tokens have no embedding of the layers")
        if self.kind == "gemma4_text" and self.config.enable_moe_block:
            if None in (self.config.num_experts, self.config.top_k_experts, self.config.moe_intermediate_size):
                raise Refused("the experts are made of them")
        if self.kind == "dots1":
            dense = self.config.first_k_dense_replace
            numbers = (self.config.n_routed_experts, self.config.n_shared_experts, self.config.num_experts_per_tok)
            if dense is None or dense < self.config.num_hidden_layers and None in numbers:
                raise Refused("the experts are made of them")
        if self.kind == "mimo_v2_flash" and "sliding_attention" in self.types():
            if self.config.num_attention_heads % (2 * self.config.num_key_value_heads):
                raise Refused("keys of sliding layers are repeated for as many heads as there are")
        if self.kind == "hy_v3" and len(self.config.mlp_layer_types) < self.config.num_hidden_layers:
            raise Refused("a layer has no type of its MLP")
        if self.kind == "hunyuan_v1_moe":
            chosen = self.config.moe_topk
            if self.config.head_dim is None:
                raise Refused("the model computes with it")
            if isinstance(chosen, list) and len(chosen) < self.config.num_hidden_layers:
                raise Refused("a layer has no number of experts")
        if self.kind == "helium" and self.config.num_attention_heads * self.config.head_dim != self.config.hidden_size:
            raise Refused("o_proj is square")
        if "rope_parameters" in FIELDS[self.kind]:
            for context in contexts:
                self.rotations(context)

    def rotary(self, **parameters):
        """What the model rotates with, or what it makes of other rotary parameters."""
        config = copy.deepcopy(self.config) if parameters else self.config
        if parameters:
            config.rope_parameters = {**config.rope_parameters, **parameters}
        [name] = [name for name in vars(self.module) if name.endswith("RotaryEmbedding") and "Vision" not in name]
        return getattr(self.module, name)(config)

    def rotation(self, rotary, context, kind=None, width=None):
        """Inverse frequencies and the factor of cos and sin, of layers of a kind where each has its own."""
        prefix, arguments = (f"{kind}_", (kind,)) if kind else ("", ())
        made = rotary(torch.zeros(1), torch.arange(context)[None], *arguments)
        cosines, *_ = made if isinstance(made, tuple) else (made,)  # llama4's are one complex number each
        width = width or self.attribute("head_dim")
        share = self.config.rope_parameters.get("partial_rotary_factor", 1.0) if self.kind in PARTIAL else 1.0
        exact = self.kind in EXACT or self.kind not in PARTIAL
        rotating = cosines.shape[-1] * (2 if self.kind in ("gpt_oss", "llama4_text", "deepseek_v2") else 1)  # which have one cosine for a pair
        if rotating > width or (exact and rotating != int(width * share)):
            raise ValueError(f"{rotating} of {width} dimensions rotate")
        if self.kind == "mistral4" and rotating != self.config.qk_rope_head_dim:
            raise ValueError("more or fewer dimensions rotate than are cut off")
        return getattr(rotary, f"{prefix}inv_freq").tolist(), getattr(rotary, f"{prefix}attention_scaling")

    def rotations(self, context):
        """Inverse frequencies and the factor of cos and sin for each layer that rotates, for rows of so many tokens."""
        if self.without_base():
            return [None for _ in self.types()]
        try:
            if self.kind in ("granite_swa", "granitemoe_swa"):  # a base for each layer, where it rotates
                self.rotation(self.rotary(), context)  # which its model makes all the same
                bases = zip(self.config.layer_rope_theta, self.rotating(), strict=False)
                return [self.rotation(self.rotary(rope_theta=base), context) if rotates else None for base, rotates in bases]
            rotary = self.rotary()
            if self.kind in NAMED:
                self.config.rope_parameters["partial_rotary_factor"]
            named = self.kind in ("gemma3_text", "gemma3n_text", "olmo3", "mellum", "laguna", "mimo_v2_flash", "lfm3", *LAYER_HEADS)
            answer = {}
            for kind in dict.fromkeys(kind for kind in self.types() if kind != "conv"):
                width = self.config.per_layer_config[kind].head_dim if self.kind in LAYER_HEADS else None
                answer[kind] = self.rotation(rotary, context, kind if named else None, width)
            rotating = zip(self.types(), self.rotating(), strict=True)
            return [answer[kind] if rotates else None for kind, rotates in rotating]
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}") from error


def ask(requests):
    """What Quail's reader says of each {"config", "contexts"}, the config being flat."""
    lines = "".join(f"{json.dumps({**request, 'config': inside(nested(request['config']))})}\n" for request in requests)
    command = ["node", str(ROOT / "test/conformance/settings.mjs")]
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests)
    return answers


def rotations_of(answer):
    """Of each context, the rotation of each layer; None where it does not rotate."""
    ropes = [layer["rope"] for layer in answer["settings"]["layers"]]
    return [[None if rope is None else own[rope] for rope in ropes] for own in answer["rotations"]]


def differences(real, answer, contexts, tolerance=1e-6):
    """Where Quail's reading of a config differs from transformers': attributes, windows, rotations."""
    settings = answer["settings"]
    found = []
    for name, own in settings.items():
        # No attributes of a config class: what follows from them, and what only one value is accepted of.
        if name in COMMON | {"layers", "seq_length"} and not (name == "per_layer_config" and real.kind in LAYER_HEADS):
            continue
        theirs = real.attribute(name)
        if (
            type(own) is not type(theirs)
            and not (isinstance(own, (int, float)) and isinstance(theirs, (int, float)))
            or own != theirs
        ):
            found.append(f"{name} is {own!r}, transformers has {theirs!r}")
    if "layers" not in settings:
        return found
    windows = [layer["window"] for layer in settings["layers"]]
    if windows != real.windows():
        found.append(f"windows are {windows}, transformers has {real.windows()}")
    chunks = [layer.get("chunk") for layer in settings["layers"]]
    if chunks != real.chunks():
        found.append(f"chunks are {chunks}, transformers has {real.chunks()}")
    for context, rotations in zip(contexts, rotations_of(answer), strict=True):
        for layer, (own, theirs) in enumerate(zip(rotations, real.rotations(context), strict=True)):
            if own is None or theirs is None:
                if own is not theirs:
                    found.append(f"layer {layer} {'rotates' if own else 'does not rotate'}, transformers has it otherwise")
                continue
            frequencies, magnitude = theirs
            if len(own["frequencies"]) != len(frequencies):
                found.append(
                    f"layer {layer} has {len(own['frequencies'])} frequencies, transformers {len(frequencies)}"
                )
                continue
            pairs = [*zip(own["frequencies"], frequencies, strict=True), (own["magnitude"], magnitude)]
            worst = max(abs(a - b) / max(abs(b), 1e-30) if b else abs(a) for a, b in pairs)
            if not worst <= tolerance:
                found.append(f"layer {layer} at {context} tokens rotates differently, by {worst:.1e}")
    return found
