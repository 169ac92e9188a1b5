"""Text towers: an adapter of ours loads on what each class of transformers 5 and 4 loads, and computes what we said."""

import contextlib
import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import reference_kernels  # noqa: F401  before any model is loaded
import test_families  # not its class, whose tests would run here again
import torch
from forward_cases import CASES, write_cases
from quail import export_base, init_lora, proof_of, skipping
from safetensors.torch import load_file, save_file
from test_base import CHECKPOINTS, is_wrapper
from test_families import CONTEXT, PERPLEXITY, ROWS
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForImageTextToText, BitsAndBytesConfig

OLDER = Path(sys.prefix) / "older"
RELEASES = {"current": [], "4": ["transformers-4"], "4 and PEFT 0.13": ["peft-0.13", "transformers-4"]}
CAUSAL, IMAGES = "AutoModelForCausalLM", "AutoModelForImageTextToText"
# What loads each type: some have no class for texts alone.
CLASSES = {"gemma3": [CAUSAL, IMAGES], "mistral3": [IMAGES], "llava": [IMAGES]}
CLASSES |= {kind: [CAUSAL, IMAGES] for kind in ("gemma3n", "gemma4", "gemma4_unified")}
CLASSES |= {kind: [IMAGES] for kind in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "qwen3_5_moe", "llama4")}
# Whose vision towers call their linears otherwise than the text models do.
OWN_NAMES = {"qwen2_vl", "qwen3_vl", "qwen3_5", "qwen3_5_moe", "gemma4_unified"}
# Types that a release does not have.
NEWER = {kind: ["current"] for kind in ("qwen3_5", "qwen3_5_moe", "gemma3n", "gemma4", "gemma4_unified")}
# Tensors as they are published, where transformers 4 does not know the names that 5 writes.
VISION = ("vision_tower.", "vision_tower.vision_model.")
RENAMED = {"gemma3": VISION, "llava": VISION}


def as_in_4(text):
    """A text model's config with the rotary positions under the keys that transformers 4 reads."""
    others = {key: value for key, value in text.items() if key != "rope_parameters"}
    rope = dict(text["rope_parameters"])
    if "full_attention" in rope:
        others["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = dict(rope["full_attention"])
    theta = rope.pop("rope_theta")
    return {**others, "rope_theta": theta, "rope_scaling": None if rope == {"rope_type": "default"} else rope}


# By release a process that judges, for as long as this one lives: importing its libraries takes longer than judging.
JUDGES = {}


class Judge:
    def __init__(self, packages):
        path = os.pathsep.join(str(OLDER / name) for name in packages)
        self.said = tempfile.TemporaryFile("w+")
        command = [sys.executable, str(Path(__file__).with_name("towers.py"))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.said, "text": True}
        self.process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **pipes)

    def answers(self, question):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer:
            return json.loads(answer)
        self.process.wait()
        self.said.seek(0)
        return {"failed": self.said.read()[-3000:]}


def answers_of(release, model, adapter, texts):
    JUDGES[release] = JUDGES.get(release) or Judge(RELEASES[release])
    answers = JUDGES[release].answers([str(model), str(adapter), ROWS, CONTEXT, *map(str, texts)])
    if "failed" in answers:
        del JUDGES[release]
        raise AssertionError(f"with {release}:\n{answers['failed'][-3000:]}")
    return answers


class Towers(unittest.TestCase):
    setUpClass = classmethod(test_families.Families.setUpClass.__func__)
    checkpoint = test_families.Families.checkpoint

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=self.folder))

    def assert_judged(self, answer, finished, variant):
        for text in self.evaluation:
            reported = finished["perplexity"][text.name]
            for judged, ours in (
                (answer["base"][str(text)], reported["quantizers"]["nf4-b64-dq"]),
                (answer["adapter"][str(text)], reported["variants"][variant["name"]]),
            ):
                self.assertLessEqual(abs(judged / ours - 1), PERPLEXITY, (text.name, judged, ours))

    def published(self, name):
        model = self.checkpoint(name)
        path = model / "model.safetensors"
        if name in RENAMED:
            save_file({key.replace(*RENAMED[name]): weight for key, weight in load_file(path).items()}, path, {"format": "pt"})
        if "4" not in NEWER.get(name, RELEASES):
            return model
        config = json.loads((model / "config.json").read_text(encoding="utf-8"))
        # transformers 4 looks for it in text_config, where 5 does not write it; Quail says so (NOT_TIED_IN_4).
        tied = {"tie_word_embeddings": config["tie_word_embeddings"]}
        config["text_config"] = {**as_in_4(config["text_config"]), **tied}
        (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return model

    def judge(self, name):
        model = self.published(name)
        texts = (self.calibration, self.evaluation)
        finished = init_lora(model, ["quailora"], texts=texts, rank=4, context=CONTEXT, rows=ROWS)
        [variant] = finished["variants"]
        adapter = Path(variant["adapter"])
        stored = load_file(adapter / "adapter_model.safetensors")
        targets = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))["target_modules"]
        self.assertIn(f"text tower of {name} (", (adapter / "README.md").read_text(encoding="utf-8"))
        for release in NEWER.get(name, RELEASES):
            answers = answers_of(release, model, adapter, self.evaluation)
            self.assertEqual(list(answers), CLASSES[name], release)
            for kind, answer in answers.items():
                with self.subTest(name, release=release, kind=kind):
                    self.assertEqual(answer["unexpected"], [])
                    adapted = {key.replace("lora_A.default", "lora_A.weight") for key in answer["adapted"]}
                    self.assertEqual(adapted, {key for key in stored if "lora_A" in key})
                    self.assertEqual(len(answer["adapted"]), len(variant["layers"]))
                    self.assertEqual({key[len("base_model.model.") : -len(".lora_A.default")] for key in answer["adapted"]}, set(targets))
                    short = answer["by_short_names"]
                    more = short is None or short > len(targets)  # Gemma 4's vision tower wraps its linears, on which PEFT fails
                    self.assertEqual(more, name not in OWN_NAMES, "whether whole paths are needed")
                    self.assertGreater(len(answer["quantized"]), len(targets), "the other parts are quantized too")
                    self.assert_judged(answer, finished, variant)

    def test_adapter_of_llama4_with_experts(self):
        config = copy.deepcopy(CASES["llama4-experts"])
        config["text_config"]["vocab_size"] = 96
        write_cases(self.folder, {"llama4": config})
        families = mock.patch.object(test_families, "FAMILIES", self.folder / "families")
        # transformers 4 quantizes the router, on which its model fails.
        with families, mock.patch.dict(NEWER, {"llama4": ["current"]}):
            self.judge("llama4")

    def test_bases_that_transformers_wrote_are_read(self):
        for name in CLASSES:
            model = self.checkpoint(name)
            base = self.folder / f"{name}-base"
            quantization = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, **skipping(model)
            )
            fresh = AutoModelForImageTextToText.from_pretrained(
                model, dtype=torch.bfloat16, device_map={"": "cpu"}, quantization_config=quantization
            )
            fresh.save_pretrained(base)
            finished = init_lora(
                model, ["quailora"], "--base", base, texts=(self.calibration, self.evaluation), rank=4, context=CONTEXT, rows=ROWS
            )
            [variant] = finished["variants"]
            for linear in proof_of(variant["adapter"])["fingerprint"]["linears"]:
                with self.subTest(name, linear=linear["name"]):
                    codes = fresh.get_submodule(linear["name"]).weight.data.numpy().tobytes()
                    self.assertEqual(hashlib.sha256(codes).hexdigest(), linear["codes"])

    def test_every_tower_is_here(self):
        self.assertEqual({path.name for path in CHECKPOINTS if is_wrapper(path)}, CLASSES.keys())


class WrittenBases(unittest.TestCase):
    """`quail export-base` of whole models: the files of save_pretrained, their other parts quantized as a trainer does."""

    VISION = {"hidden_size": 12, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 8, "patch_size": 4}
    AUDIO = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "output_proj_dims": 16, "subsampling_conv_channels": [8, 4]}
    # Parts that the golden checkpoints do not have.
    FORMS = {
        "gemma4": ("audio_config", "gemma4_audio", AUDIO),
        "llava": ("vision_config", "pixtral", VISION),
        "mistral3": ("vision_config", "siglip_vision_model", VISION),
    }

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quail-bases-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_same(self, model, expected=None):
        """`expected` is another checkpoint of the same model."""
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, **skipping(model)
        )
        theirs = AutoModelForImageTextToText.from_pretrained(
            expected or model, dtype=torch.bfloat16, device_map={"": "cpu"}, quantization_config=quantization
        )
        theirs.save_pretrained(self.folder / "theirs")
        ours = export_base(model)
        for path in (self.folder / "theirs").iterdir():
            if expected is None or path.suffix == ".safetensors":
                self.assertEqual((ours / path.name).read_bytes(), path.read_bytes(), path.name)

    def test_files_are_those_that_transformers_saves(self):
        for name in CLASSES:
            with self.subTest(name):
                self.assert_same(test_families.FAMILIES / name)

    def test_names_of_transformers_4_are_written_as_5_does(self):
        for name, names in RENAMED.items():
            with self.subTest(name):
                golden = test_families.FAMILIES / name
                older = self.folder / name
                shutil.copytree(golden, older)
                weights = load_file(golden / "model.safetensors")
                renamed = {key.replace(*names): weight for key, weight in weights.items()}
                self.assertNotEqual(weights.keys(), renamed.keys())
                save_file(renamed, older / "model.safetensors", {"format": "pt"})
                self.assert_same(older, golden)

    def test_parts_of_other_kinds(self):
        for name, (part, kind, settings) in self.FORMS.items():
            with self.subTest(name, part=kind):
                config = AutoConfig.from_pretrained(test_families.FAMILIES / name)
                setattr(config, part, CONFIG_MAPPING[kind](**settings))
                torch.manual_seed(1)
                AutoModelForImageTextToText.from_config(config).save_pretrained(self.folder / name)
                self.assert_same(self.folder / name)


for case in CLASSES:
    setattr(Towers, f"test_adapter_of_{case}", lambda self, name=case: self.judge(name))
