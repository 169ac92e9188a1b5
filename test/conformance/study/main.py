"""What a start is worth after training: fine-tunes sample models from several starts and writes every curve down.

python test/conformance/study/main.py RESULTS.jsonl [--threads N] [--quick] [--starts NAME...]

Real PEFT on real bitsandbytes, equal steps and data. A line of RESULTS is one training; those that are there already are
not made again, so that a study that was stopped goes on.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", TORCHDYNAMO_DISABLE="1")
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # int8 linears say of every batch that they cast it
warnings.filterwarnings("ignore")
here = Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent), str(here)]

import reference_kernels  # noqa: F401,E402  before any model is loaded
import torch  # noqa: E402
from quail import EVALUATION, GPT_NEOX, LLAMA  # noqa: E402
from starts import STARTS, opened, prepare  # noqa: E402
from training import Settings, train  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from transformers.utils.logging import disable_progress_bar  # noqa: E402

MODELS = {"LLaMA": LLAMA, "GPT-NeoX": GPT_NEOX}
RATES = [3e-3, 1e-3, 1e-2]
SEEDS = [1, 2, 3]
CONTEXT = 128
VALIDATION_ROWS = 32
SETTINGS = Settings(steps=64, batch=8, asked=8)


def split(tokenizer):
    """Rows of the addresses since 1990, which no model was trained and no start calibrated on: the first three quarters to
    learn from, and of the last quarter as many as are asked, evenly spaced."""
    ids = tokenizer(EVALUATION[0].read_text(encoding="utf-8"), add_special_tokens=False)["input_ids"]
    rows = torch.tensor(ids[: len(ids) // CONTEXT * CONTEXT]).view(-1, CONTEXT)
    learned, kept = rows.split([3 * len(rows) // 4, len(rows) - 3 * len(rows) // 4])
    return learned, kept[torch.linspace(0, len(kept) - 1, VALIDATION_ROWS).long()]


def trainings(quick):
    """All seeds of a rate before the next, so that a study which is stopped has whole tables."""
    for model in list(MODELS)[:1] if quick else MODELS:
        for rate in RATES[:1] if quick else RATES:
            for seed in SEEDS[:1] if quick else SEEDS:
                for start in STARTS:
                    yield {"model": model, "start": start, "rate": rate, "seed": seed}


def study(results, quick, starts):
    key = lambda one: tuple(one[name] for name in ("model", "start", "rate", "seed"))  # noqa: E731
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    done = {key(json.loads(line)) for line in lines}
    with tempfile.TemporaryDirectory(prefix="quail-study-") as folder:
        texts, adapters = {}, {}
        for one in trainings(quick):
            if key(one) in done or one["start"] not in starts:
                continue
            path = MODELS[one["model"]]
            if one["model"] not in adapters:
                texts[one["model"]] = split(AutoTokenizer.from_pretrained(str(path)))
                adapters[one["model"]] = prepare(path, Path(folder) / one["model"])
            torch.manual_seed(one["seed"])
            model = opened(one["start"], path, adapters[one["model"]])
            curve = train(model, *texts[one["model"]], one["rate"], one["seed"], SETTINGS)
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**one, "curve": curve}) + "\n")
            print(one, curve[0][1], curve[-1][1], flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("results", type=Path)
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments.add_argument("--quick", action="store_true", help="one model, one rate, one seed")
    arguments.add_argument("--starts", nargs="+", choices=STARTS, default=STARTS, help="these alone")
    options = arguments.parse_args()
    disable_progress_bar()
    torch.set_num_threads(options.threads)
    study(options.results, options.quick, options.starts)
