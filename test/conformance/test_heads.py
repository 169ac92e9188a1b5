"""Which stored tensor is the embedding and which the head, by transformers 5 and 4: what test/golden/heads.test.ts holds us to."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from quail import ROOT

FAMILIES = ROOT / "test/fixtures/golden/families"
RULES = json.loads((ROOT / "test/fixtures/formats/heads.json").read_text(encoding="utf-8"))
OLDER = Path(sys.prefix) / "older/transformers-4"
GEMMA4 = {"gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text"}
NEWER = {"transformers4": {"cwm", "nanochat", "hyperclovax", "internlm3", "iquestcoder", "jais2", "granite_swa", "lfm3", "ministral3", "olmo_hybrid", "solar_open", "kolibri1", "kimi_linear", "bailing_hybrid", "cohere2_moe", "hy_v3", "granitemoe_swa", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text", "lfm2_moe", "qwen2_moe", "glm4_moe_lite", "youtu", "minicpm3", "afmoe", "mellum", "laguna", "mimo_v2_flash", "exaone_moe", "minimax_m2", "nemotron_h", *GEMMA4}}  # what a release does not read


def tables(environment):
    command = [sys.executable, str(Path(__file__).with_name("heads.py")), str(FAMILIES)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        raise AssertionError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


class Heads(unittest.TestCase):
    def assert_rules(self, release, found):
        self.assertEqual({name for name in found if "," not in name}, RULES["tiedByDefault"].keys() - NEWER.get(release, set()))
        other = RULES["tiedByDefaultIn4"] if release == "transformers4" else {}
        for family, by_key in found.items():
            default = {**RULES["tiedByDefault"], **other}[family.split(",")[0]]
            tied = {"true": family not in RULES["neverTied"], "false": False, "absent": default}
            for key, by_stored in by_key.items():
                with self.subTest(release, family=family, tie_word_embeddings=key):
                    self.assertEqual(by_stored, RULES[release]["tied" if tied[key] else "untied"])

    def test_transformers_5(self):
        self.assert_rules("transformers5", tables({}))

    def test_transformers_4(self):
        self.assert_rules("transformers4", tables({"PYTHONPATH": str(OLDER)}))
