import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="{{quant_type}}", bnb_4bit_use_double_quant={{double_quant}}, bnb_4bit_compute_dtype=torch.bfloat16)
base = AutoModelForCausalLM.from_pretrained({{model}}, dtype=torch.{{dtype}}, quantization_config=quantization)
model = PeftModel.from_pretrained(base, {{adapter}}, is_trainable=True)
