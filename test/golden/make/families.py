"""A tiny checkpoint and what transformers computes with it."""

import copy
import json

import torch
import vision_stand_in  # noqa: F401  before any model is made
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.pytorch_utils import Conv1D

SEED = 7
# Large enough for every part of a block to matter; the usual 0.02 leaves attention nearly even.
DEVIATION = 0.3
VECTOR_DEVIATION = 0.2
BLOCKS = (".layers.", ".h.", ".blocks.")  # what models call their list of blocks
KEPT = (".altup.", ".mamba.out_proj", ".mixer.out_proj")  # linears that every base leaves in full precision
KEPT_BY_TYPE = {"jamba": ()}  # whose layers of Mamba call their last linear


def make(out, options):
    folder = out / "families" / options.name
    path = folder / "config.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: write a config of a tiny model there, as transformers reads it")
    if options.whole:
        write_whole(folder, json.loads(path.read_text(encoding="utf-8")))
    entry = write_case(folder, json.loads(path.read_text(encoding="utf-8")), options.lengths)
    add_to_index(folder.parent / "index.json", {options.name: entry})
    return [folder / "model.safetensors", folder / "expected.safetensors", folder.parent / "index.json"]


def add_to_index(path, entries):
    index = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**index, **entries}, indent=1), encoding="utf-8")


def write_whole(folder, config):
    """The config with every key, as save_pretrained writes it beside a model: what test_base.py compares a base with."""
    real = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config))
    real.architectures = [class_of(real).__name__]
    real.dtype = "float32"
    real.save_pretrained(folder)


def class_of(config):
    """What a trainer loads: of models that see images too, some have no class for texts alone."""
    mappings = (MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING)
    classes = [mapping[type(config)] for mapping in mappings if type(config) in mapping]
    # The class for texts of some takes the text model's config, and loads that one alone; of others it is that of LLaMA.
    return next((each for each in classes if each.config_class is type(config)), classes[0])


def load_family(folder, config):
    """The model of a folder's weights, or of random ones where it holds none; those are then stored in it."""
    real = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config))
    for part in (real, real.get_text_config()):
        part.initializer_range = part.init_std = DEVIATION
    torch.manual_seed(SEED)
    path = folder / "model.safetensors"
    model = class_of(real)(real).eval()
    if path.exists() and not set(load_file(path)) <= set(model.state_dict()):
        # The names in files of a model around a text model, or with experts, are not those of its modules.
        model, loaded = class_of(real).from_pretrained(folder, config=real, dtype=torch.float32, output_loading_info=True)
        eager(model.eval())
        if loaded["missing_keys"] or loaded["unexpected_keys"]:
            raise SystemExit(f"{path} is not of its config: {loaded}")
        return model
    eager(model)
    if path.exists():
        missing, unexpected = model.load_state_dict(load_file(path), strict=False)
        lacking = set(missing) - set(model.all_tied_weights_keys)
        if lacking or unexpected:
            raise SystemExit(f"{path} is not of its config: {sorted(lacking)} missing, {unexpected} too many")
        model.tie_weights()
        return model
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Biases of experts are matrices; what is all zeros, as AFMoE's routers, would show nothing.
            if parameter.ndim == 1 or name.endswith("_bias") or not parameter.any():
                parameter.add_(VECTOR_DEVIATION * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            # Such as factors of layers; not the ε of an activation, at which its branches meet.
            if name in model.state_dict() and not name.endswith(".eps"):
                buffer.add_(VECTOR_DEVIATION * torch.randn_like(buffer))
    stated = json.dumps(config, indent=2)
    model.save_pretrained(folder)
    (folder / "config.json").write_text(stated, encoding="utf-8")  # as it was given: absent keys stay absent
    return model


def eager(model):
    """The plainest kernels: those for experts ask for sizes that are multiples of 16 bytes."""
    model.set_attn_implementation("eager")
    model.set_experts_implementation("eager")
    # Jamba calls the linear of its time steps in a quantized base, and multiplies by its weight in another.
    model.config._is_quantized = True


def rows_of(lengths, vocabulary):
    """Random tokens and their mask: pads of id 0 fill up the rows on the right."""
    ids = torch.randint(1, vocabulary, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(SEED))
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return ids * mask, mask


def write_case(folder, config, lengths, dtype=torch.float32):
    """Weights, and what the model computes in `dtype`; returns the entry of the index."""
    model = load_family(folder, config).to(dtype)
    old = folder / "expected.safetensors"
    ids, mask = (
        (load_file(old)[key] for key in ("input_ids", "attention_mask"))
        if old.exists()
        else rows_of(lengths, model.config.get_text_config().vocab_size)
    )
    grams = {}
    kept = KEPT_BY_TYPE.get(config["model_type"], KEPT)
    for name, module in model.named_modules():
        if any(part in name for part in kept):
            continue
        if type(module) in (torch.nn.Linear, Conv1D) and any(part in name for part in BLOCKS):
            module.register_forward_hook(adding(grams, name, mask))
    with torch.no_grad():
        out = model(ids, attention_mask=mask, output_hidden_states=True, use_cache=False)
    expected = {"input_ids": ids, "attention_mask": mask, "logits": out.logits.float()}
    # Of several streams, the first: Quail's states begin with it.
    states = [state[0] if state.ndim == 4 else state for state in out.hidden_states]
    expected |= {f"hidden.{i}": state.float() for i, state in enumerate(states)}
    expected |= {f"gram.{name}": gram for name, gram in grams.items()}
    tensors = {key: value.contiguous() for key, value in expected.items()}
    save_file(tensors, old, metadata={"format": "pt"})
    counted = mask[:, 1:].bool()
    losses = torch.nn.functional.cross_entropy(out.logits[:, :-1][counted].double(), ids[:, 1:][counted])
    return {"linears": list(grams), "nll_mean": losses.item(), "tokens": int(counted.sum())}


def adding(grams, name, mask):
    def hook(_module, inputs, _output):
        x = inputs[0].reshape(mask.numel(), -1)[mask.reshape(-1).bool()].double()
        grams[name] = x.T @ x

    return hook
