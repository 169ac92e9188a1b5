"""bitsandbytes recomputes the fingerprint of the quantized base."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from quail import GPT_NEOX, LLAMA, ROOT, init_lora
from safetensors.torch import load_file, save_file


def check(model, adapter):
    script = ROOT / "resources/check_fingerprint.py"
    return subprocess.run([sys.executable, script, model, adapter], capture_output=True, text=True)


class Fingerprint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.adapter = init_lora(LLAMA, ["zero"])["variants"][0]["adapter"]

    def test_matches_the_base_that_the_adapter_was_made_for(self):
        done = check(LLAMA, self.adapter)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.startswith("match"), done.stdout)

    def test_matches_a_base_in_fp4(self):
        adapter = init_lora(LLAMA, ["zero"], "--quantizer", "fp4")["variants"][0]["adapter"]
        done = check(LLAMA, adapter)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_matches_a_base_in_int8(self):
        adapter = init_lora(LLAMA, ["zero"], "--quantizer", "int8")["variants"][0]["adapter"]
        done = check(LLAMA, adapter)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

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
