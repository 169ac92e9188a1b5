# Unsloth: import it first, it changes transformers.
from unsloth import FastLanguageModel

import torch
from datasets import load_dataset
from peft import PeftModel
from transformers import BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

quantization = BitsAndBytesConfig({{quantization}})
base, tokenizer = FastLanguageModel.from_pretrained(
    model_name={{model}},
    max_seq_length=2048,
    dtype=torch.{{dtype}},
    {{unsloth_bits}},
    quantization_config=quantization,
    use_exact_model_name=True,  # known names are swapped for repositories that are quantized otherwise
)
model = PeftModel.from_pretrained(base, {{adapter}}, is_trainable=True)
model = FastLanguageModel.patch_peft_model(model, use_gradient_checkpointing="unsloth")

trainer = SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir="trained",
        bf16={{bf16_py}},
        fp16={{fp16_py}},
        per_device_train_batch_size=1,
        gradient_accumulation_steps=16,
        learning_rate=1e-4,
        num_train_epochs=1,
    ),
    train_dataset=load_dataset("json", data_files="train.jsonl", split="train"),
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model("trained")
