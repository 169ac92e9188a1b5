"""Tiny models around text models whose own cases are golden files: made here, of the class that transformers has for each."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden/make"))
from families import load_family, write_whole  # noqa: E402  random weights that are large enough for every part to matter

LLAMA = {
    **{"model_type": "llama", "vocab_size": 96, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 1},
    **{"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64, "pad_token_id": 0},
}
VIT = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": 8, "patch_size": 4}
CLIP = {"model_type": "clip_vision_model", **VIT}
SIGLIP = {"model_type": "siglip_vision_model", **VIT}
# Names of labels keep transformers from asking timm for them.
TIMM = {"model_type": "timm_wrapper", "hidden_size": 8, "label_names": ["a"], "num_classes": 1}
# Towers in the manner of Qwen2-VL.
BLOCKS = {
    **{"hidden_size": 8, "intermediate_size": 8, "depth": 1, "num_heads": 1, "num_key_value_heads": 1, "out_hidden_size": 16},
    **{"patch_size": 2, "in_channels": 1, "spatial_merge_size": 2, "fullatt_block_indexes": [0]},
}
PERCEIVER = {
    **{"hidden_size": 16, "resampler_n_latents": 2, "resampler_depth": 1, "resampler_n_heads": 2},
    **{"resampler_head_dim": 4, "num_key_value_heads": 1},
}


def around(text, vision, tied=False, **others):
    return {"tie_word_embeddings": tied, "text_config": {**LLAMA, **text}, "vision_config": vision, **others}


def kind(model_type, **others):
    return {"model_type": model_type, **others}


def streams(*pairs, **others):
    return {"rope_type": "default", "rope_theta": 500.0, "mrope_section": list(pairs), **others}


EXPERTS = {"n_routed_experts": 8, "num_experts_per_tok": 3, "n_group": 2, "topk_group": 1, "moe_intermediate_size": 8}
SEEN = {"image_token_id": 95, "video_token_id": 94}
QWEN3_5 = kind(
    "qwen3_5_text",
    **{"head_dim": 12, "num_hidden_layers": 2, "layer_types": ["linear_attention", "full_attention"], "linear_conv_kernel_dim": 3},
    **{"linear_key_head_dim": 4, "linear_value_head_dim": 6, "linear_num_key_heads": 2, "linear_num_value_heads": 4},
    rope_parameters={"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 1]},
)
# Two layers, between which patches are merged.
MINICPM = {**VIT, "num_hidden_layers": 2}
# Factors of logits are such that a class which leaves them out computes something else.
TOWERS = {
    "llava_next": around(kind("granite", logits_scaling=3.0, embedding_multiplier=2.0), CLIP, image_token_index=95),
    "llava_next_video": around(kind("mistral"), CLIP, image_token_index=95, video_token_index=94),
    "llava_onevision": around(kind("qwen2"), SIGLIP, image_token_index=95, video_token_index=94),
    "vipllava": around({}, CLIP, image_token_index=95, vision_feature_layers=[-1]),
    "video_llava": around({}, CLIP, image_token_index=95, video_token_index=94),
    "internvl": around(kind("qwen3", head_dim=8), {**VIT, "image_size": [8, 8], "patch_size": [4, 4]}, image_token_id=95),
    "aya_vision": around(kind("cohere2", logit_scale=0.25), SIGLIP, True, image_token_index=95),
    "cohere2_vision": around(kind("cohere2", logit_scale=0.25), SIGLIP, True, image_token_id=95, alignment_intermediate_size=8),
    "idefics2": around(kind("mistral"), VIT, perceiver_config=PERCEIVER, image_token_id=95),
    "idefics3": around({}, VIT, image_token_id=95),
    "smolvlm": around({}, VIT, image_token_id=95),
    "lfm2_vl": around(
        kind("lfm2", num_hidden_layers=2, layer_types=["conv", "full_attention"]),
        {"model_type": "siglip2_vision_model", **VIT, "num_patches": 4},
        True,
        image_token_id=95,
        projector_hidden_size=8,
    ),
    "ovis2": around(
        kind("qwen2"), {**VIT, "vocab_size": 24}, image_token_id=95, visual_indicator_token_ids=[90, 91, 92, 93, 94], hidden_size=16, vocab_size=96
    ),
    "lighton_ocr": around(kind("qwen3", head_dim=8), {"model_type": "pixtral", **VIT, "head_dim": 8}, image_token_id=95),
    "video_llama_3": around(kind("qwen2"), VIT, image_token_id=95, video_token_id=94),
    "exaone4_5": around(kind("exaone4"), BLOCKS, image_token_id=95, video_token_id=94),
    "deepseek_vl": around({}, SIGLIP, image_token_id=95),
    "qwen3_vl_moe": around(
        kind(
            "qwen3_vl_moe_text", head_dim=12, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, rope_parameters=streams(2, 2, 2)
        ),
        {**BLOCKS, "deepstack_visual_indexes": [0], "num_position_embeddings": 4},
        **SEEN,
    ),
    "glm4v": around(kind("glm4v_text", rope_parameters=streams(2, 1, 1)), BLOCKS, **SEEN),
    "glm46v": around(
        kind("glm4v_text", rope_parameters=streams(1, 1, 0, partial_rotary_factor=0.5)), {"model_type": "glm4v_vision", **BLOCKS}, **SEEN
    ),
    "glm4v_moe": around(
        kind("glm4v_moe_text", head_dim=8, num_hidden_layers=2, rope_parameters=streams(1, 1, 0, partial_rotary_factor=0.5), **EXPERTS), BLOCKS, **SEEN
    ),
    "glm_ocr": around(kind("glm_ocr_text", head_dim=12, rope_parameters=streams(2, 2, 2)), BLOCKS, **SEEN),
    "granite_docling": around(
        kind("granite_docling_text", logits_scaling=3.0, head_dim=8, attention_multiplier=0.3),
        {**VIT, "image_size": 16, "out_hidden_size": 16, "scale_factor": 2, "deepstack_visual_indexes": [0]},
        True,
        image_token_id=95,
    ),
    "lfm3_vl": around(
        kind("lfm3", head_dim=8, num_hidden_layers=3, layer_types=["conv", "sliding_attention", "full_attention"], sliding_window=4),
        {**VIT, "num_hidden_layers": 2, "num_key_value_heads": 1, "layer_types": ["conv", "full_attention"], "temporal_patch_size": 1},
        True,
        projector_hidden_size=8,
        **SEEN,
    ),
    "got_ocr2": around(kind("qwen2"), {**VIT, "output_channels": 4, "mlp_dim": 8, "global_attn_indexes": [0]}, True, image_token_index=95),
    "janus": around(
        {},
        {**VIT, "mlp_ratio": 1.0, "projection_dim": 16, "num_image_tokens": 4, "depth": 2},
        vq_config={"embed_dim": 4, "num_embeddings": 8, "latent_channels": 32, "base_channels": 32, "projection_dim": 8}
        | {"channel_multiplier": [1], "num_res_blocks": 1, "num_patches": 2, "image_token_embed_dim": 16},
        image_token_id=95,
    ),
    "fast_vlm": around(kind("qwen2"), TIMM, image_token_index=95),
    "perception_lm": around({}, {**TIMM, "model_args": {"embed_dim": 8}}, True, **SEEN),
    "hyperclovax_vision_v2": around(
        kind("hyperclovax", head_dim=8, logits_scaling=0.5, attention_multiplier=0.3), {"model_type": "qwen2_5_vl_vision", **BLOCKS}, **SEEN
    ),
    "granite4_vision": around(
        kind("granite4_vision_text", logits_scaling=3.0, embedding_multiplier=2.0, attention_multiplier=0.3, residual_multiplier=0.4),
        {**SIGLIP, "hidden_size": 64},
        image_token_index=95,
        downsample_rate="1/2",
        deepstack_layer_map=[[-1, 0]],
        qformer_config={"model_type": "blip_2_qformer", "num_hidden_layers": 1, "intermediate_size": 8, "use_qformer_text_input": False}
        | {"cross_attention_frequency": 1},
    ),
    "minicpmv4_6": around(QWEN3_5, MINICPM, insert_layer_id=0, **SEEN),
    "minicpmv4_7": around(QWEN3_5, MINICPM, insert_layer_id=0, **SEEN),
    "minicpm_ocr": around(QWEN3_5, MINICPM, True, insert_layer_id=0, **SEEN),
    "deepseek_vl_hybrid": around(
        {},
        SIGLIP,
        high_res_vision_config={"model_type": "sam_vision_model", **VIT, "output_channels": 4, "mlp_dim": 8, "global_attn_indexes": [0]},
        image_token_id=95,
    ),
    "hunyuan_vl": around(
        kind("hunyuan_vl_text", head_dim=8, rope_parameters=streams(1, 1, 1, 1, rope_type="dynamic", alpha=50.0, factor=1.0)),
        {**VIT, "num_key_value_heads": 1, "out_hidden_size": 16, "max_image_size": 8, "spatial_merge_size": 1},
        True,
        image_token_id=95,
    ),
    "paddleocr_vl": around(kind("paddleocr_vl_text", head_dim=12, rope_parameters=streams(2, 2, 2)), VIT, True, **SEEN),
}

INTERNVL = {**VIT, "image_size": [8, 8], "patch_size": [4, 4]}
ROUTED = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
# Further text models of types that are there, by the whole model's type and the text model's.
FURTHER = {
    "internvl-qwen3_moe": around(kind("qwen3_moe", head_dim=8, num_hidden_layers=2, mlp_only_layers=[1], **ROUTED), INTERNVL, image_token_id=95),
    "internvl-gpt_oss": around(
        kind("gpt_oss", head_dim=8, num_hidden_layers=2, intermediate_size=24, num_local_experts=4, num_experts_per_tok=2, sliding_window=6),
        INTERNVL,
        image_token_id=95,
    ),
}


def write_tower(folder, name):
    """The checkpoint as save_pretrained writes it."""
    folder.mkdir(parents=True)
    write_whole(folder, {"model_type": name.split("-")[0], **{**TOWERS, **FURTHER}[name]})
    load_family(folder, json.loads((folder / "config.json").read_text(encoding="utf-8")))
