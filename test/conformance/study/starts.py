"""The starts that the study compares: each is a PEFT model on a freshly quantized base, ready to be trained."""

import json
import types
from pathlib import Path
from types import SimpleNamespace

import torch
from judge import quantized
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import loftq_utils
from quail import CALIBRATION, run
from transformers import AutoModelForCausalLM

RANK = ALPHA = 16
NF4 = SimpleNamespace(quantizer="nf4", no_double_quant=False)
INT8 = SimpleNamespace(quantizer="int8", no_double_quant=False)
REFINE = {"steps": 96, "batch": 4}
METHODS = {
    "svd": {"method": "svd"},
    "quailora": {"method": "quailora"},
    "exact": {"method": "exact"},
    "exact, refined": {"method": "exact", "refine": REFINE},
    "kfac": {"method": "kfac"},
    "kfac, by layer, refined": {"method": "kfac", "rankBudget": {}, "refine": REFINE},
}
# Of full precision and of 8 bits there is one start: what is left to gain where 4 bits take nothing or nearly nothing. Plain
# LoRA with the ranks of another start tells what those ranks are worth by themselves.
RANKS_OF = {"zero, by layer": "kfac, by layer, refined"}
STARTS = ["full precision, zero", "int8, zero", "zero", "PEFT's LoftQ", *METHODS, *RANKS_OF]


def prepare(model, folder):
    """Quail's adapters for a checkpoint, by name of the start; made once for a folder."""
    names = {start: start.replace(", ", "-").replace(" ", "-") for start in METHODS}
    if not (folder / "out").exists():
        folder.mkdir(parents=True, exist_ok=True)
        recipe = {
            "version": 1,
            "model": str(model),
            "calibration": {"files": [str(CALIBRATION)], "rows": 128},
            "context": 256,
            "variants": [
                {**METHODS[start], "name": name, "rank": RANK, "alpha": ALPHA, "quantizer": {"format": "nf4"}}
                for start, name in names.items()
            ],
        }
        (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
        run(["run", folder / "recipe.json", "--out", folder / "out"], folder / "home")
    return {start: folder / "out" / name for start, name in names.items()}


def opened(start, model, adapters):
    """A model whose adapter alone can be trained; torch's generator decides what is random in it."""
    if start in adapters:
        return PeftModel.from_pretrained(base_of(start, model), str(adapters[start]), is_trainable=True)
    like = config_of(adapters[RANKS_OF[start]] if start in RANKS_OF else next(iter(adapters.values())))
    patterns = {name: like[name] for name in ("rank_pattern", "alpha_pattern")} if start in RANKS_OF else {}
    common = {"target_modules": like["target_modules"], "lora_dropout": 0.0, "task_type": "CAUSAL_LM"}
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, **common, **patterns)
    peft_model = get_peft_model(base_of(start, model), config)
    if start == "PEFT's LoftQ":
        with_device("cpu", "_loftq_init_new")
        loftq_utils.replace_lora_weights_loftq(peft_model, str(model))
    return peft_model


def base_of(start, model):
    if start.startswith("full precision"):
        return AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)
    return quantized(str(model), INT8 if start.startswith("int8") else NF4)


def config_of(adapter):
    """What Quail says of its adapter: every start trains the same matrices."""
    return json.loads((Path(adapter) / "adapter_config.json").read_text(encoding="utf-8"))


def with_device(device, name):
    """Lets one of PEFT's LoftQ functions work on another device than CUDA, whose name stands in its code."""
    found = getattr(loftq_utils, name)
    wrapped = getattr(found, "__wrapped__", found)
    if "cuda" not in wrapped.__code__.co_consts:
        return  # replaced before
    constants = tuple(device if value == "cuda" else value for value in wrapped.__code__.co_consts)
    replaced = types.FunctionType(wrapped.__code__.replace(co_consts=constants), wrapped.__globals__, name)
    setattr(loftq_utils, name, torch.no_grad()(replaced))
