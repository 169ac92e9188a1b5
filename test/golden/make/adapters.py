"""An adapter by PEFT on a family of the golden files, and the logits of the family with it, in full precision."""

import json

import torch
from families import load_family, rows_of
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

# Of both factors: an adapter that changes the logits, where PEFT's own start would not.
DEVIATION = 0.1


def make(out, options):
    folder = out / "adapters" / options.name
    old = folder / "adapter_config.json"
    name = json.loads(old.read_text(encoding="utf-8"))["base_model_name_or_path"] if old.exists() else f"families/{options.family}"
    family = out / name
    base = load_family(family, json.loads((family / "config.json").read_text(encoding="utf-8")))
    if old.exists():
        model = PeftModel.from_pretrained(base, folder)
    else:
        model = new_adapter(base, name, options)
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)  # a card with nothing in it
    expected = folder / "expected.safetensors"
    ids, mask = (
        (load_file(expected)[key] for key in ("input_ids", "attention_mask"))
        if expected.exists()
        else rows_of(options.lengths, base.config.vocab_size)
    )
    with torch.no_grad():
        logits = model.eval()(input_ids=ids, attention_mask=mask, use_cache=False).logits
    tensors = {"input_ids": ids, "attention_mask": mask, "logits_on_full_precision_base": logits.contiguous()}
    save_file(tensors, expected, metadata={"format": "pt"})
    return sorted(folder.iterdir())


def new_adapter(base, name, options):
    targets = options.targets if options.targets == "all-linear" else options.targets.split(",")
    base.name_or_path = name
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        use_rslora=options.rslora,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config)
    torch.manual_seed(7)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                parameter.normal_(0, DEVIATION)
    return model
