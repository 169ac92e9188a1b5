"""Prints, as JSON, what the libraries in use make of adapters on a pre-quantized base; for releases of any age.

python older.py '{"base": ..., "adapters": [...], "rows": ..., "context": ..., "texts": [...]}'     with the releases first
in PYTHONPATH
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

asked = json.loads(sys.argv[1])
base, texts = asked["base"], asked["texts"]
# Not AutoTokenizer: transformers 4 does not know the class that 5 names in tokenizer_config.json.
tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{base}/tokenizer.json")
ids = {text: rows_of(tokenizer, text, asked["context"], asked["rows"]) for text in texts}


def loaded():
    """A base of its own for each adapter: PEFT changes the modules of the one that it is given."""
    return AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.float32, device_map={"": "cpu"}).eval()


def judged(adapter):
    adapted = peft.PeftModel.from_pretrained(loaded(), adapter).eval()
    return {
        "linears": sum(isinstance(module, bitsandbytes.nn.Linear4bit) for module in adapted.modules()),
        "adapted_linears": sum(name.endswith("lora_A.default") for name, _ in adapted.named_modules()),
        "perplexity": {text: perplexity(adapted, ids[text]) for text in texts},
    }


model = loaded()
answer = {
    "transformers": transformers.__version__,
    "peft": peft.__version__,
    "quantized": {text: perplexity(model, ids[text]) for text in texts},
    "adapters": [judged(adapter) for adapter in asked["adapters"]],
}
print(json.dumps(answer))
