"""Older releases of PEFT on the last transformers 4 load our pre-quantized base and our adapter on it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from quail import CONTEXT, EVALUATION, LLAMA, export_base, init_lora
from test_adapters import Conformance

OLDER = Path(sys.prefix) / "older"
ROWS = 16
# As in test_adapters; transformers 4 keeps embeddings and norms of a bfloat16 checkpoint as they were rounded.
PERPLEXITY = 2e-3


def judged_by(packages, base, adapters):
    """What older.py prints with these packages in place of the environment's own."""
    path = os.pathsep.join(str(OLDER / name) for name in packages)
    texts = [str(text) for text in EVALUATION]
    asked = {"base": str(base), "adapters": adapters, "rows": ROWS, "context": CONTEXT, "texts": texts}
    command = [sys.executable, str(Path(__file__).with_name("older.py")), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    if done.returncode != 0:
        raise AssertionError(f"with {', '.join(packages)}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


class Releases(Conformance):
    @classmethod
    def setUpClass(cls):
        cls.base = export_base(LLAMA, "--max-shard-size", "700KB")
        # One rank everywhere, and one for each linear, which rank_pattern and alpha_pattern say.
        budget = init_lora(LLAMA, ["exact"], "--rank-budget", "mean=16", rank=None, rows=ROWS)
        cls.prepared = [init_lora(LLAMA, ["quailora"], rows=ROWS), budget]

    def assert_loads(self, packages, transformers, peft):
        answer = judged_by(packages, self.base, [finished["variants"][0]["adapter"] for finished in self.prepared])
        self.assertEqual((answer["transformers"], answer["peft"]), (transformers, peft))
        self.assertEqual(len(answer["adapters"]), len(self.prepared))
        for finished, judged in zip(self.prepared, answer["adapters"]):
            self.assert_judged(finished, answer["quantized"], judged)
        self.assertEqual(self.prepared[1]["variants"][0]["ranks"]["kept"], "budget")

    def assert_judged(self, finished, quantized, judged):
        [variant] = finished["variants"]
        self.assertEqual(judged["linears"], len(variant["layers"]))
        self.assertEqual(judged["adapted_linears"], len(variant["layers"]))
        for text in EVALUATION:
            reported = finished["perplexity"][text.name]
            self.assert_relative(quantized[str(text)], reported["quantizers"]["nf4-b64-dq"], PERPLEXITY, text.name)
            ours = reported["variants"][variant["name"]]
            self.assert_relative(judged["perplexity"][str(text)], ours, PERPLEXITY, f"{text.name}, adapted")

    def test_transformers_4_and_peft_0_10(self):
        self.assert_loads(["peft-0.10", "transformers-4"], "4.57.6", "0.10.0")

    def test_transformers_4_and_peft_0_13(self):
        self.assert_loads(["peft-0.13", "transformers-4"], "4.57.6", "0.13.2")
