"""Prints, as JSON, what the libraries in use make of an adapter on a pre-quantized base; for releases of any age.

python older.py BASE ADAPTER ROWS CONTEXT TEXT ...     with the releases first in PYTHONPATH
"""

import json
import sys

import bitsandbytes
import peft
import reference_kernels  # noqa: F401  before any model is loaded
import torch
import transformers
from judge import perplexity, rows_of
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

base, adapter, rows, context, *texts = sys.argv[1:]
# Not AutoTokenizer: transformers 4 does not know the class that 5 names in tokenizer_config.json.
tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{base}/tokenizer.json")
model = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.float32, device_map={"": "cpu"}).eval()
ids = {text: rows_of(tokenizer, text, int(context), int(rows)) for text in texts}
quantized = {text: perplexity(model, ids[text]) for text in texts}
adapted = peft.PeftModel.from_pretrained(model, adapter).eval()
answer = {
    "transformers": transformers.__version__,
    "peft": peft.__version__,
    "linears": sum(isinstance(module, bitsandbytes.nn.Linear4bit) for module in adapted.modules()),
    "adapted_linears": sum(name.endswith("lora_A.default") for name, _ in adapted.named_modules()),
    "quantized": quantized,
    "adapter": {text: perplexity(adapted, ids[text]) for text in texts},
}
print(json.dumps(answer))
