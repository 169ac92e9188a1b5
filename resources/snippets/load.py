import torch
from peft import PeftModel
from transformers import {{loader}}{{config_class}}
{{config_line}}base = {{loader}}.from_pretrained({{model}}, dtype=torch.{{dtype}}{{config_argument}})
model = PeftModel.from_pretrained(base, {{adapter}}, is_trainable=True)
