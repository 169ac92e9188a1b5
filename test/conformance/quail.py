"""Runs Quail's commands for the conformance tests, and knows where the repository keeps things."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "test/golden/make"))
import vision_stand_in  # noqa: E402, F401  before any model is made

LLAMA = ROOT / "resources/sample/model"
GPT_NEOX = ROOT / "test/fixtures/models/gpt_neox"
FIGURES = json.loads((ROOT / "test/fixtures/models/figures.json").read_text(encoding="utf-8"))
CALIBRATION = ROOT / "resources/sample/text/sotu-calibration.txt"
EVALUATION = [ROOT / "resources/sample/text" / name for name in ("sotu-evaluation.txt", "moby-evaluation.txt")]
ROWS = 64
CONTEXT = 256

# What a base leaves in full precision where transformers has to be told, by the type of the model.
ALTUP = ["lm_head", "prediction_coefs", "correction_coefs", "modality_router"]
MAMBA = ["lm_head", "out_proj"]
MAMBA_HYBRIDS = ("granitemoehybrid", "nemotron_h", "falcon_h1", "bamba")
SKIPPED = {"gemma3n_text": ALTUP, "gemma3n": ALTUP}


def skipping(model):
    """Arguments of BitsAndBytesConfig that a checkpoint asks for."""
    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    types = config.get("layer_types") or config.get("layers_block_type") or []
    hybrid = config["model_type"] in MAMBA_HYBRIDS and (not types or {"mamba", "linear_attention"} & set(types))
    skipped = MAMBA if hybrid else SKIPPED.get(config["model_type"])
    return {"llm_int8_skip_modules": skipped} if skipped else {}


_workspace = tempfile.TemporaryDirectory(prefix="quail-conformance-")  # removed when Python ends


@cache
def command_process():
    """The process that works on the commands of this one, started for the first of them."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(["node", str(ROOT / "test/conformance/commandProcess.mjs")], **pipes)
    atexit.register(process.communicate)  # ends its input, and waits for it
    return process


def answer_of(arguments, home):
    """What `quail` prints with its data in `home`, and how it ends: {"code", "stdout", "stderr"}."""
    process = command_process()
    process.stdin.write(json.dumps({"args": list(map(str, arguments)), "home": str(home)}) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, f"the process that works on commands ended over quail {' '.join(map(str, arguments))}"
    return json.loads(answer)


def run(arguments, home):
    """What `quail` prints with its data in `home`; a failure carries what it printed."""
    return printed(arguments, **answer_of(arguments, home))


def run_alone(arguments, home):
    """The same by a command line that is started for it, as people start it."""
    command = ["node", str(ROOT / "bin/quail.js"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "QUAIL_HOME": str(home)})
    return printed(arguments, done.returncode, done.stdout, done.stderr)


def printed(arguments, code, stdout, stderr):
    if code != 0:
        raise AssertionError(f"quail {' '.join(map(str, arguments))} ended with {code}:\n{stdout[-2000:]}{stderr}")
    return stdout


def init_lora(model, methods, *options, texts=(CALIBRATION, EVALUATION), rank=16, context=CONTEXT, rows=ROWS, by=run):
    """Prepares adapters, by default at the settings of figures.json; returns the `finished` event, which names them, and `home`."""
    folder = Path(tempfile.mkdtemp(dir=_workspace.name))
    ranks = [] if rank is None else ["--rank", rank]  # none where an option of the caller says them
    settings = [*ranks, "--context", context, "--calibration-rows", rows, "--evaluation-rows", rows]
    calibration, evaluation = texts
    sources = ["--calibration", calibration, "--evaluation", *evaluation]
    arguments = ["init-lora", "--model", model, *sources, "--method", *methods, *settings, *options]
    lines = by([*arguments, "--out", folder / "out", "--json"], folder / "home").splitlines()
    finished = json.loads(lines[-1])
    assert finished["type"] == "finished" and finished["status"] == "completed", finished
    return {**finished, "home": folder / "home"}


def export_base(model, *options):
    """Writes the quantized base of a checkpoint; returns the directory."""
    folder = Path(tempfile.mkdtemp(dir=_workspace.name))
    run(["export-base", "--model", model, "--out", folder / "base", *options], folder / "home")
    return folder / "base"


def rows_of_run(finished):
    """The sums of each evaluation row, by text: rows.json in the run's folder."""
    path = finished["home"] / "runs" / finished["run"] / "rows.json"
    return json.loads(path.read_text(encoding="utf-8"))["texts"]


def variants_by_method(finished):
    return {variant["method"]: variant for variant in finished["variants"]}


def proof_of(adapter):
    return json.loads((Path(adapter) / "quail.json").read_text(encoding="utf-8"))
