"""Prints, as JSON, which stored tensor is the embedding and which the head; for releases of any age.

python heads.py FAMILIES     with the releases first in PYTHONPATH; FAMILIES are those of the golden checkpoints

{family: {tie_word_embeddings: {stored: [embedding, head]}}}: the key is true, false or absent; stored is `embedding`, `head`,
`equal` (both, with the same values) or `different`; the pair says whose values the model's two parameters have, `none` where
they are left without.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

import quail  # noqa: F401  which puts a stand-in for a part that needs more libraries
import torch
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoModelForImageTextToText, __version__
from transformers.utils import logging

logging.disable_progress_bar()

EMBEDDINGS = ("embed_tokens.weight", "embeddings.weight", "embed_in.weight", "word_embeddings.weight", "wte.weight")
HEADS = ("lm_head.weight", "embed_out.weight")
TIED = {"true": True, "false": False, "absent": None}
UNREAD_BY_4 = {"qwen2_moe"}  # the heads of its golden checkpoint do not divide the hidden size
STORED = ("embedding", "head", "equal", "different")


def named(tensors, endings):
    return next((name for name in tensors if name.endswith(endings)), None)


def write(directory, config, tensors, binary):
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in ("model.safetensors", "pytorch_model.bin"):
        (directory / name).unlink(missing_ok=True)
    if binary:
        torch.save(tensors, directory / "pytorch_model.bin")
    else:
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def used(parameter, values):
    """Whose values a parameter has."""
    if parameter is None or parameter.device.type == "meta":
        return "none"
    return next((name for name, value in values.items() if torch.equal(parameter.data.float(), value)), "none")


def outcome(directory, values):
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        known = AutoModelForCausalLM._model_mapping
        real = CONFIG_MAPPING[config["model_type"]]
        alone = real in known and ("text_config" not in config or known[real].config_class is real)
        loader = AutoModelForCausalLM if alone else AutoModelForImageTextToText
        model = loader.from_pretrained(directory, torch_dtype=torch.float32)
    except (OSError, ValueError, RuntimeError):
        return ["none", "none"]
    return [used(module().weight, values) for module in (model.get_input_embeddings, model.get_output_embeddings)]


def table_of(family, directory, binary):
    config = json.loads((family / "config.json").read_text(encoding="utf-8"))
    tensors = load_file(family / "model.safetensors")
    embedding = named(tensors, EMBEDDINGS)
    head = named(tensors, HEADS) or ("embed_out.weight" if config["model_type"] == "gpt_neox" else "lm_head.weight")
    values = {"embedding": tensors[embedding].float(), "head": 2 * tensors[embedding].float().flip(0) + 1}
    others = {name: tensor for name, tensor in tensors.items() if name not in (embedding, head)}
    both = {embedding: values["embedding"], head: values["head"]}
    cases = {
        "embedding": {embedding: both[embedding]},
        "head": {head: both[head]},
        "equal": {embedding: both[embedding], head: both[embedding].clone()},
        "different": both,
    }
    table = {}
    for key, tied in TIED.items():
        kept = {name: value for name, value in config.items() if name != "tie_word_embeddings"}
        changed = kept if tied is None else {**kept, "tie_word_embeddings": tied}
        if "num_local_experts" in kept:  # what transformers 4 calls otherwise
            changed["num_experts"] = kept["num_local_experts"]
        if config["model_type"] == "granitemoehybrid":  # which transformers 4 knows by its old name alone
            changed["layer_types"] = ["attention"] * len(config["layer_types"])
        if "text_config" in kept:  # where transformers 4 looks for it
            inner = {name: value for name, value in kept["text_config"].items() if name != "tie_word_embeddings"}
            if "mrope_section" in inner["rope_parameters"]:
                inner["rope_scaling"] = inner["rope_parameters"]
            changed["text_config"] = inner if tied is None else {**inner, "tie_word_embeddings": tied}
        for stored in STORED:
            own = dict(cases[stored])
            if binary and stored == "equal":
                own[head] = own[embedding]  # as torch saves tied weights: two views of one storage
            write(directory, changed, {**others, **own}, binary)
            table.setdefault(key, {})[stored] = outcome(directory, values)
    return table


if __name__ == "__main__":
    families = sorted(path for path in Path(sys.argv[1]).iterdir() if (path / "config.json").is_file())
    unread = UNREAD_BY_4 if __version__.startswith("4.") else set()
    plain = [path for path in families if path.name in CONFIG_MAPPING and path.name not in unread]  # one of each type that the release reads
    with tempfile.TemporaryDirectory() as folder:
        tables = {path.name: table_of(path, Path(folder), binary=False) for path in plain}
        tables["llama, torch files"] = table_of(Path(sys.argv[1]) / "llama", Path(folder), binary=True)
    print(json.dumps(tables))
