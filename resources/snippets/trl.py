# TRL: trains the adapter that is loaded here. Give SFTTrainer no adapter settings of its own: they would start a new one.
{{load}}

from datasets import load_dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

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
    processing_class=AutoTokenizer.from_pretrained({{model}}),
)
trainer.train()
trainer.save_model("trained")
