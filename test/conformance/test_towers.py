"""Text towers: an adapter of ours loads on what each class of transformers 5 and 4 loads, and computes what we said."""

import contextlib
import copy
import hashlib
import json
import os
import re
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
from tower_cases import FURTHER, TOWERS, write_tower
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForImageTextToText, BitsAndBytesConfig

OLDER = Path(sys.prefix) / "older"
RELEASES = {"current": [], "4": ["transformers-4"], "4 and PEFT 0.13": ["peft-0.13", "transformers-4"]}
CAUSAL, IMAGES = "AutoModelForCausalLM", "AutoModelForImageTextToText"
# What loads each type: some have no class for texts alone.
CLASSES = {"gemma3": [CAUSAL, IMAGES], "mistral3": [IMAGES], "llava": [IMAGES]}
CLASSES |= {kind: [CAUSAL, IMAGES] for kind in ("gemma3n", "gemma4", "gemma4_unified")}
CLASSES |= {kind: [IMAGES] for kind in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "qwen3_5_moe", "llama4")}
MADE_HERE = {**TOWERS, **FURTHER}
CLASSES |= dict.fromkeys((*MADE_HERE, "mistral3-mistral4"), [IMAGES])
CLASSES["got_ocr2"] = [CAUSAL, IMAGES]
# Of those that are made here, one for each form of the names in files.
READ = [kind for kind in CLASSES if kind not in MADE_HERE or kind in ("internvl-qwen3_moe", "llava_next", "smolvlm", "lfm2_vl", "lighton_ocr", "paddleocr_vl", "qwen3_vl_moe")]
# Whose vision towers call their linears otherwise than the text models do.
OWN_NAMES = {"qwen2_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "glm4v_moe", "gemma4_unified"}
OWN_NAMES |= {"got_ocr2", "fast_vlm", "perception_lm"}
# Types that a release does not have.
NEWER = {kind: ["current"] for kind in ("mistral3-mistral4", "qwen3_5", "qwen3_5_moe", "gemma3n", "gemma4", "gemma4_unified")}
# With PEFT 0.13 the golden ones are judged.
IN_4 = {"llava_next", "llava_next_video", "llava_onevision", "internvl", "aya_vision", "cohere2_vision"}
IN_4 |= {"got_ocr2", "janus", "perception_lm"}
IN_4 |= {"idefics2", "idefics3", "smolvlm", "lfm2_vl", "ovis2", "deepseek_vl", "deepseek_vl_hybrid", "glm4v"}
NEWER |= {kind: ["current", "4"] if kind in IN_4 else ["current"] for kind in MADE_HERE}
# Tensors as they are published, where transformers 4 does not know the names that 5 writes.
VISION = ("vision_tower.", "vision_tower.vision_model.")
RENAMED = {kind: VISION for kind in ("gemma3", "llava", "llava_next", "llava_next_video", "llava_onevision", "vipllava", "aya_vision")}
RENAMED |= {kind: ("model.vision_tower.", "model.vision_tower.vision_model.") for kind in ("cohere2_vision", "lfm2_vl")}
RENAMED["deepseek_vl"] = RENAMED["deepseek_vl_hybrid"] = ("model.vision_model.", "model.vision_model.vision_model.")


# A tensor in published files that each class leaves unread: heads that predict further tokens, and the like.
UNREAD = dict.fromkeys(("qwen3_5", "qwen3_5_moe", "exaone4_5", "granite_docling"), "mtp.fc.weight")
UNREAD |= {"glm_ocr": "model.language_model.layers.16.eh_proj.weight", "glm4v_moe": "model.language_model.layers.46.eh_proj.weight"}
UNREAD |= {"paddleocr_vl": "visual.vision_model.head.mlp.fc1.weight"}

# Whose experts are published with every matrix turned, as transformers 4 has them.
TURNED = {"qwen3_vl_moe"}


def as_published(name, weights):
    renamed = {key.replace(*RENAMED.get(name, ("", ""))): weight for key, weight in weights.items()}
    return {key: weight.mT.contiguous() if name in TURNED and "experts" in key else weight for key, weight in renamed.items()}


def as_in_4(text):
    """A text model's config with the rotary positions under the keys that transformers 4 reads."""
    others = {key: value for key, value in text.items() if key != "rope_parameters"}
    rope = dict(text["rope_parameters"])
    if "full_attention" in rope:
        others["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = dict(rope["full_attention"])
    theta = rope.pop("rope_theta")
    return {**others, "rope_theta": theta, "rope_scaling": None if rope == {"rope_type": "default"} else rope}


MADE = tempfile.TemporaryDirectory(prefix="quail-towers-")  # removed when Python ends


def source_of(name):
    """A golden checkpoint, or one of tower_cases.py, which is made once."""
    if name not in MADE_HERE:
        return test_families.FAMILIES / name
    folder = Path(MADE.name) / name
    if not folder.exists():
        write_tower(folder, name)
    return folder


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

    def checkpoint(self, name):
        return test_families.Families.checkpoint(self, name, source_of(name))

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
        save_file(as_published(name, load_file(path)), path, {"format": "pt"})
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
        self.assertIn(f"text tower of {name.split('-')[0]} (", (adapter / "README.md").read_text(encoding="utf-8"))
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

    def test_adapters_around_other_text_models(self):
        """Which have another type in TOWERS."""
        for name in ("aya_vision-cohere", "cohere2_vision-cohere2_moe"):
            kind = name.split("-")[0]
            config = copy.deepcopy(CASES[name])
            config["text_config"]["vocab_size"] = 96
            folder = self.folder / name
            write_cases(folder, {kind: config})
            with mock.patch.object(sys.modules[__name__], "source_of", lambda kind, at=folder: at / "families" / kind):
                with mock.patch.dict(NEWER, {kind: ["current"]}):
                    self.judge(kind)

    def test_bases_that_transformers_wrote_are_read(self):
        for name in READ:
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
        self.assertEqual({path.name for path in CHECKPOINTS if is_wrapper(path)} | MADE_HERE.keys(), CLASSES.keys())


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
                self.assert_same(source_of(name))

    def test_what_is_published_otherwise_is_written_as_5_does(self):
        for name in (*RENAMED, *TURNED):
            with self.subTest(name):
                golden = source_of(name)
                older = self.folder / name
                shutil.copytree(golden, older)
                weights = load_file(golden / "model.safetensors")
                published = as_published(name, weights)
                shapes = [{key: weight.shape for key, weight in each.items()} for each in (weights, published)]
                self.assertNotEqual(*shapes)
                save_file(published, older / "model.safetensors", {"format": "pt"})
                self.assert_same(older, golden)

    def test_what_transformers_leaves_unread_is_left_out(self):
        classes = {name: AutoModelForImageTextToText._model_mapping[type(AutoConfig.from_pretrained(source_of(name)))] for name in CLASSES}
        patterns = {name: kind._keys_to_ignore_on_load_unexpected for name, kind in classes.items()}
        self.assertEqual({name for name, ignored in patterns.items() if ignored}, UNREAD.keys())
        for name, tensor in UNREAD.items():
            with self.subTest(name):
                self.assertTrue(any(re.search(pattern, tensor) for pattern in patterns[name]), "transformers would warn of it")
                more = self.folder / name
                shutil.copytree(source_of(name), more)
                weights = load_file(more / "model.safetensors")
                save_file({**weights, tensor: torch.ones(8, 8)}, more / "model.safetensors", {"format": "pt"})
                self.assert_same(more, source_of(name))

    def test_parts_of_other_kinds(self):
        for name, (part, kind, settings) in self.FORMS.items():
            with self.subTest(name, part=kind):
                config = AutoConfig.from_pretrained(test_families.FAMILIES / name)
                setattr(config, part, CONFIG_MAPPING[kind](**settings))
                torch.manual_seed(1)
                AutoModelForImageTextToText.from_config(config).save_pretrained(self.folder / name)
                self.assert_same(self.folder / name)


class Kernels(unittest.TestCase):
    """On texts each token sees those before it, by the kernel that transformers chooses as by the plainest: else none of ours is right."""

    @torch.no_grad()
    def test_texts_are_causal_and_the_same_by_every_kernel(self):
        ids = torch.arange(1, 21)[None]
        for name in MADE_HERE:
            with self.subTest(name):
                options = {"dtype": torch.float32}
                chosen = AutoModelForImageTextToText.from_pretrained(source_of(name), **options).eval()
                plain = AutoModelForImageTextToText.from_pretrained(source_of(name), **options, attn_implementation="eager").eval()
                logits = chosen(ids).logits
                # 1e-5 was seen; a token that sees one more is off by more than 0.1.
                torch.testing.assert_close(logits, plain(ids).logits, rtol=0, atol=1e-4)
                torch.testing.assert_close(logits[:, :12], chosen(ids[:, :12]).logits, rtol=0, atol=1e-4)


for case in CLASSES:
    setattr(Towers, f"test_adapter_of_{case}", lambda self, name=case: self.judge(name))
