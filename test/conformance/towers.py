"""Says, as JSON, what the libraries in use make of adapters for text towers; for releases of any age.

python towers.py     with the releases first in PYTHONPATH

Each line that it is given is [MODEL, ADAPTER, ROWS, CONTEXT, TEXT, ...], each line that it prints the answer to one:
{"failed": traceback} or {class: {"loaded", "adapted", "unexpected", "quantized", "by_short_names", "base": {text: perplexity}, "adapter": {…}}} for
each of AutoModelForCausalLM and AutoModelForImageTextToText that loads the whole model: `adapted` are the modules with an adapter,
`by_short_names` those that an adapter for the last names would have (null: PEFT fails), `quantized` the linears in 4 bits.
"""

import json
import os
import sys
import traceback
import warnings

import bitsandbytes
import reference_kernels  # noqa: F401  before any model is loaded
import torch
import transformers
from judge import perplexity, rows_of
from peft import LoraConfig, PeftModel, get_peft_model
from quail import skipping
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, BitsAndBytesConfig, PreTrainedTokenizerFast


def load(kind, model):
    quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, **skipping(model))
    # In float32 the values of a bfloat16 checkpoint are the same, and so are their codes.
    options = {"torch_dtype": torch.float32, "device_map": {"": "cpu"}, "quantization_config": quantization}
    return kind.from_pretrained(model, **options).eval()


def adapted_by(kind, model, names):
    """How many modules an adapter for these names has; None where PEFT fails on one of them."""
    try:
        adapted = get_peft_model(load(kind, model), LoraConfig(r=1, target_modules=names))
    except ValueError as error:
        if "is not supported" not in str(error):
            raise
        return None
    return sum(name.endswith("lora_A.default") for name, _ in adapted.named_modules())


def answer_of(kind, model, adapter, texts):
    base = load(kind, model)
    quantized = [name for name, module in base.named_modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    figures = {text: perplexity(base, rows) for text, rows in texts.items()}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        adapted = PeftModel.from_pretrained(base, adapter).eval()
    with_adapter = {text: perplexity(adapted, rows) for text, rows in texts.items()}
    names = [name for name, _ in adapted.named_modules() if name.endswith("lora_A.default")]
    short = sorted({name.split(".")[-3] for name in names})
    return {
        "loaded": type(base).__name__,
        "adapted": names,
        "unexpected": [str(each.message) for each in said if "adapter" in str(each.message)],
        "quantized": quantized,
        "by_short_names": adapted_by(kind, model, short),
        "base": figures,
        "adapter": with_adapter,
    }


def answers_of(model, adapter, rows, context, *paths):
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{model}/tokenizer.json")
    texts = {path: rows_of(tokenizer, path, context, rows) for path in paths}
    config = transformers.AutoConfig.from_pretrained(model)
    answers = {}
    for kind in (AutoModelForCausalLM, AutoModelForImageTextToText):
        if type(config) in kind._model_mapping and kind._model_mapping[type(config)].config_class is type(config):
            answers[kind.__name__] = answer_of(kind, model, adapter, texts)
    return answers


def main():
    answered = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is no answer
    for line in sys.stdin:
        try:
            answer = answers_of(*json.loads(line))
        except Exception:
            answer = {"failed": traceback.format_exc()}
        print(json.dumps(answer), file=answered, flush=True)


if __name__ == "__main__":
    main()
