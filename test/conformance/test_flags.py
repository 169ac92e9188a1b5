"""Every attribute of a config that transformers' models read is read by Quail too, or cannot change the result."""

import ast
import copy
import inspect
import re
import sys
import textwrap
import unittest
from importlib import import_module

import torch
from configs import FULL, ROTARY, TYPES, WRAPPERS, ask, class_of, full_config, nested
from transformers import CONFIG_MAPPING, PreTrainedModel, masking_utils

# What the reader of rotary positions knows beside the settings.
ROPE = {"rope_parameters", "rope_theta", "partial_rotary_factor", "original_max_position_embeddings"}

# Why the result does not depend on an attribute, and another value with which the test sees that it does not.
OTHER_VALUES = {
    "attention_dropout": (0.5, "training"),
    "attention_softmax_in_fp32": (False, "half precision"),
    "attn_pdrop": (0.5, "training"),
    "dropout": (0.5, "training"),
    "embd_pdrop": (0.5, "training"),
    "embedding_dropout": (0.5, "training"),
    "embed_dropout": (0.5, "training"),
    "resid_dropout": (0.5, "training"),
    "hidden_dropout": (0.5, "training"),
    "initializer_range": (0.9, "weights that are not in the checkpoint"),
    "embedding_initializer_range": (0.9, "weights that are not in the checkpoint"),
    "init_std": (3.0, "weights that are not in the checkpoint"),
    "layerdrop": (0.9, "training"),
    "n_ctx": (7, "an attribute of the model that nothing reads"),
    "output_attentions": (True, "what is returned beside the logits"),
    "output_hidden_states": (True, "what is returned beside the logits"),
    "pad_token_id": (5, "the gradient of an embedding"),
    "reorder_and_upcast_attn": (True, "half precision"),
    "resid_pdrop": (0.5, "training"),
    "router_aux_loss_coef": (0.5, "training"),
    "router_jitter_noise": (0.5, "training"),
    "input_jitter_noise": (0.5, "training"),
    "residual_dropout": (0.5, "training"),
    "scale_attention_softmax_in_fp32": (False, "half precision"),
    "use_cache": (False, "whether keys and values are kept"),
    "pretraining_tp": (2, "how products are split"),
    "mamba_chunk_size": (16, "how rows are cut into chunks, on which the result does not depend"),
    "chunk_size": (16, "how rows are cut into chunks, on which the result does not depend"),
    "time_step_max": (0.7, "weights that are not in the checkpoint"),
    "time_step_floor": (0.3, "weights that are not in the checkpoint"),
    "rescale_prenorm_residual": (False, "weights that are not in the checkpoint"),
    "linear_a_log_min": (1.5, "weights that are not in the checkpoint"),
    "linear_a_log_max": (9.0, "weights that are not in the checkpoint"),
    "linear_dt_min": (0.02, "weights that are not in the checkpoint"),
    "linear_dt_max": (0.7, "weights that are not in the checkpoint"),
    "linear_dt_init_floor": (0.3, "weights that are not in the checkpoint"),
    "num_logits_to_keep": (3, "generation"),
    "z_loss_coefficient": (0.5, "training"),
    "enable_moe_fp32_combine": (False, "half precision"),
}
# Nothing that a file would hold, or of no meaning for one pass over whole rows.
OTHERS = {
    "_attn_implementation": "which kernel computes the same",
    "attn_config": "its keys count as settings",
    "_rope_type_labels": "which types of layers rotate",
    "_experts_implementation": "which kernel computes the same",
    "base_model_ep_plan": "several devices",
    "base_model_fsdp_plan": "several devices",
    "base_model_pp_plan": "several devices",
    "base_model_tp_plan": "several devices",
    "distributed_config": "several devices",
    "dtype": "Quail computes in float32",
    "get_text_config": "a method",
    "gradient_checkpointing": "training",
    "kv_sharing_modes": "how the cache of keys and values is kept",
    "name_or_path": "a name",
    "use_mamba_kernels": "nothing any more",
    "use_mambapy": "which kernel computes the same",
    "use_associative_scan": "which kernel computes the same",
    "_is_quantized": "whether the linear of time steps is called, as in every base, or its weight multiplied by",
    "number_of_conv_states": "how the cache of convolutions is kept",
    "output_router_logits": "what is returned beside the logits",
    "output_cross_attentions": "what is returned beside the logits",
    "return_dict": "how the result is wrapped",
    "standardize_rope_params": "a method",
    "sub_configs": "models of several parts",
    "audio_config": "models of several parts",
    "audio_soft_tokens_per_image": "models of several parts",
    "audio_token_id": "models of several parts",
    "vision_aspect_ratio": "models of several parts",
    "auto_map": "code that a checkpoint brings along",
    "initializer_factor": "weights that are not in the checkpoint",
    "multimodal_projector_bias": "models of several parts",
    "projector_hidden_act": "models of several parts",
    "spatial_merge_size": "models of several parts",
    "image_token_id": "models of several parts",
    "image_token_index": "models of several parts",
    "video_token_id": "models of several parts",
    "mm_tokens_per_image": "models of several parts",
    "text_config": "models of several parts",
    "vision_config": "models of several parts",
    "vision_soft_tokens_per_image": "models of several parts",
    "vision_feature_layer": "models of several parts",
    "vision_feature_select_strategy": "models of several parts",
}
# Properties of a config class, which follow from what is read.
DERIVED = {
    "minicpm3": {"logits_scaling"},
    "nemotron_h": {"num_hidden_layers"},
    **dict.fromkeys(("solar_open", "kolibri1"), {"intermediate_size"}),  # of layers without experts, of which they have none
    **dict.fromkeys(("falcon_h1", "bamba"), {"layers_block_type"}),
    "jamba": {"layers_block_type", "layers_num_experts"},
}
VISION = re.compile(r"(?:^|\.)(vision_tower|vision_model|audio_tower|visual|multi_modal_projector)\b")
# Attributes of some families that the models of others read only for their cache, where each layer sees whole rows.
CACHE = {"sliding_window", "layer_types", "attention_chunk_size"}


def model_of(config, **options):
    real = CONFIG_MAPPING[config["model_type"]].from_dict({**copy.deepcopy(nested(config)), **small_parts(config)})
    torch.manual_seed(1)
    return class_of(real)._from_config(real, **options).eval()


def small_parts(config):
    """What else than the text model a model around one is made of, small enough to be made here."""
    if config["model_type"] not in WRAPPERS:
        return {}
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    others = {"embed_dim": 8, "num_heads": 1, "depth": 1, "deepstack_visual_indexes": [0], "fullatt_block_indexes": [0]}
    if config["model_type"] == "gemma3n":
        audio = {"conf_num_attention_heads": 1, "conf_num_hidden_layers": 1, "input_feat_size": 8, "sscp_conv_channel_size": [2, 2]}
        named = {"num_classes": 2, "label_names": ["one", "other"]}  # else timm would be asked
        return {"vision_config": {"hidden_size": 8, **named}, "audio_config": {"hidden_size": 8, **audio}}
    if config["model_type"] == "llama4":
        shuffled = {"image_size": 4, "patch_size": 2, "intermediate_size": 32, "projector_input_dim": 8, "projector_output_dim": 8}
        return {"vision_config": {**sizes, **shuffled, "vision_output_dim": 8}}
    if config["model_type"] == "gemma4":
        return {"vision_config": {**sizes, "num_key_value_heads": 1, "head_dim": 8, "position_embedding_size": 4}}
    if config["model_type"] == "gemma4_unified":
        return {"vision_config": {"patch_size": 2, "mm_embed_dim": 8, "mm_posemb_size": 4}}
    return {"vision_config": sizes if config["model_type"] in ("gemma3", "mistral3", "llava") else {**others, "hidden_size": 8}}


def config_of(kind):
    return {"model_type": kind, **FULL[kind], **({"pad_token_id": 0} if kind in ROTARY else {})}


def read_in(source):
    """Attributes of `config` and `self.config` that a piece of source names."""
    names = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("config", "self.config"):
            names.add(node.attr)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            owner, name, *_ = node.args
            if ast.unparse(owner) in ("config", "self.config") and isinstance(name, ast.Constant):
                names.add(name.value)
    return names


def read_when_run(kind):
    """Attributes that are read while the model is made and computes, but for the config's own code."""
    classes = {CONFIG_MAPPING[kind], CONFIG_MAPPING[WRAPPERS.get(kind, kind)]}
    read = set()
    [original] = {cls.__getattribute__ for cls in classes}

    def recording(self, name):
        frame = sys._getframe(1)
        file = frame.f_code.co_filename
        own = (
            frame.f_locals.get("self") is self
            or "configuration_utils" in file
            or "heterogeneity" in file
            or "transformers" not in file
        )
        if not own and not name.startswith("__"):
            read.add(name)
        return original(self, name)

    whole = kind != "gemma2" and class_of(CONFIG_MAPPING[kind]())._supports_sdpa
    for kernel in ("eager", "sdpa") if whole else ("eager",):
        for cls in classes:
            cls.__getattribute__ = recording
        try:
            model = model_of(config_of(kind), attn_implementation=kernel)
            with torch.no_grad():
                model(torch.arange(8)[None])
        finally:
            for cls in classes:
                cls.__getattribute__ = original
    return read, model


def read_by_transformers(kind):
    read, model = read_when_run(kind)
    module = import_module(type(model).__module__)
    parts = {type(part) for name, part in model.named_modules() if not VISION.search(name)}
    sources = {part for part in parts if part.__module__ == module.__name__}
    sources |= {f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__}
    sources |= {getattr(masking_utils, f"create_{kind}causal_mask") for kind in ("", "sliding_window_", "chunked_")}
    sources.add(PreTrainedModel.from_pretrained)
    for source in sources:
        read |= read_in(inspect.getsource(source))
    names = CONFIG_MAPPING[kind].attribute_map | CONFIG_MAPPING[WRAPPERS.get(kind, kind)].attribute_map
    return {names.get(name, name) for name in read}


class Flags(unittest.TestCase):
    def test_what_transformers_reads_is_known(self):
        answers = ask([{"config": full_config(kind)} for kind in TYPES])
        everything = set()
        for kind, answer in zip(TYPES, answers, strict=True):
            read = read_by_transformers(kind)
            known = answer["settings"].keys() | CACHE | (ROPE if kind in ROTARY else set()) | DERIVED.get(kind, set())
            self.assertLessEqual({"vocab_size", "is_causal"}, read, "the recording works")
            self.assertEqual(read - known - OTHER_VALUES.keys() - OTHERS.keys(), set(), kind)
            everything |= read
        self.assertEqual((OTHER_VALUES.keys() | OTHERS.keys()) - everything, set(), "nothing reads these any more")

    def test_what_quail_does_not_read_changes_nothing(self):
        """Other values of all of it: the same logits."""
        seen = set()
        answers = ask([{"config": full_config(kind)} for kind in TYPES])
        for kind, answer in zip(TYPES, answers, strict=True):
            whole = config_of(kind)
            model = model_of(whole, attn_implementation="eager")
            logits = self.logits(model)
            read = model.config.get_text_config()
            values = {name: value for name, (value, _) in OTHER_VALUES.items() if hasattr(read, name) and name not in answer["settings"]}
            other = model_of({**whole, **values}, attn_implementation="eager")
            self.assertEqual({name: getattr(other.config.get_text_config(), name) for name in values}, values)
            other.load_state_dict(model.state_dict())
            difference = (self.logits(other) - logits).abs().max()
            self.assertLess(difference, 1e-5 * logits.std(), f"{kind}: {list(values)}")
            seen |= values.keys()
        self.assertEqual(OTHER_VALUES.keys() - seen, set(), "no config class has these")

    @torch.no_grad()
    def logits(self, model):
        return model(torch.arange(20)[None])[0]
