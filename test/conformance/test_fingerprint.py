"""bitsandbytes recomputes the fingerprint of the quantized base."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch
from quail import GPT_NEOX, LLAMA, ROOT, init_lora
from safetensors.torch import load_file, save_file


def adapter_of(*options):
    """An adapter of which only the base matters."""
    return init_lora(LLAMA, ["zero"], *options, rows=1)["variants"][0]["adapter"]


def check(model, adapter):
    script = ROOT / "resources/check_fingerprint.py"
    return subprocess.run([sys.executable, script, model, adapter], capture_output=True, text=True)


class Fingerprint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.adapter = adapter_of()

    def test_matches_the_base_that_the_adapter_was_made_for(self):
        done = check(LLAMA, self.adapter)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.startswith("match"), done.stdout)

    def test_matches_a_base_in_fp4(self):
        adapter = adapter_of("--quantizer", "fp4")
        done = check(LLAMA, adapter)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_matches_a_base_in_int8(self):
        adapter = adapter_of("--quantizer", "int8")
        done = check(LLAMA, adapter)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_matches_torch_files_in_one_piece_and_in_shards(self):
        tensors = load_file(LLAMA / "model.safetensors")
        names = sorted(tensors)
        shards = {f"pytorch_model-0000{i + 1}-of-00002.bin": names[i::2] for i in range(2)}
        with tempfile.TemporaryDirectory() as folder:
            for form in ("single", "shards"):
                model = Path(folder) / form
                shutil.copytree(LLAMA, model, ignore=shutil.ignore_patterns("*.safetensors"))
                if form == "single":
                    torch.save(tensors, model / "pytorch_model.bin")
                else:
                    for file, held in shards.items():
                        torch.save({name: tensors[name] for name in held}, model / file)
                    index = {"metadata": {}, "weight_map": {name: file for file in shards for name in shards[file]}}
                    (model / "pytorch_model.bin.index.json").write_text(json.dumps(index), encoding="utf-8")
                (model / "other.safetensors").write_bytes(b"not looked at, as transformers does not")
                with self.subTest(form):
                    done = check(model, self.adapter)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_says_which_file_is_damaged_or_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            shutil.copytree(LLAMA, model, ignore=shutil.ignore_patterns("*.safetensors"))
            self.assertIn("holds no model.safetensors, no pytorch_model.bin", check(model, self.adapter).stdout)
            for file in ("pytorch_model.bin", "model.safetensors"):
                (model / file).write_bytes(b"version of something else")
                done = check(model, self.adapter)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertTrue(done.stdout.startswith(f"cannot be checked: {model / file}: "), done.stdout)

    def test_refuses_a_base_with_one_other_weight(self):
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            shutil.copytree(LLAMA, model)
            tensors = load_file(model / "model.safetensors")
            tensors["model.layers.2.mlp.up_proj.weight"][5, 7] *= 4
            save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
            done = check(model, self.adapter)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("model.layers.2.mlp.up_proj", done.stdout)

    def test_says_that_it_cannot_check_another_architecture(self):
        self.assertEqual(check(GPT_NEOX, self.adapter).returncode, 2)
