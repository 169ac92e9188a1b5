"""A family of the golden files as transformers saves it, quantized by bitsandbytes while it was loaded."""

import re

import reference_kernels  # noqa: F401  before any model is loaded
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig


def make(out, options):
    found = re.fullmatch(r"(?:.+-)?(nf4|fp4)(-dq)?", options.name)
    if found is None:
        raise SystemExit(f"{options.name} does not end in nf4, nf4-dq, fp4 or fp4-dq")
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=found[1],
        bnb_4bit_use_double_quant=found[2] is not None,
        bnb_4bit_compute_dtype=torch.float32,
    )
    family = out / "families" / options.family
    model = AutoModelForCausalLM.from_pretrained(
        family, dtype=torch.bfloat16, quantization_config=quantization, device_map={"": "cpu"}
    )
    folder = out / "prequantized" / options.name
    model.save_pretrained(folder)
    return sorted(folder.iterdir())
