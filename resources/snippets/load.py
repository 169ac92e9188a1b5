import torch
from peft import PeftModel
from transformers import {{loader}}, BitsAndBytesConfig
quantization = BitsAndBytesConfig({{quantization}})
base = {{loader}}.from_pretrained({{model}}, dtype=torch.{{dtype}}, quantization_config=quantization)
model = PeftModel.from_pretrained(base, {{adapter}}, is_trainable=True)
