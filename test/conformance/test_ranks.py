"""Adapters whose linears have ranks of their own: PEFT loads them as meant, and torch finds the divergences that decided."""

import json
import tempfile
import unittest
from pathlib import Path

import torch
from quail import CALIBRATION, GPT_NEOX, LLAMA, proof_of, run
from reference import Reference, fidelity

CONTEXT = 64
ROWS = 24
RANK = 8
ALPHA = 10
# Relative, as in test_refinement.py: differences of logarithms that two float32 forward passes have to 1e-6 or so.
DIVERGENCE = 1e-4

WORK = tempfile.TemporaryDirectory(prefix="quail-ranks-")  # removed when Python ends


def prepared(model, quantizer, rslora):
    """One run: one rank everywhere, and ranks of their own."""
    folder = Path(tempfile.mkdtemp(dir=WORK.name))
    variant = {"method": "exact", "rank": RANK, "alpha": ALPHA, "rslora": rslora, "quantizer": quantizer}
    recipe = {
        "version": 1,
        "model": str(model),
        "calibration": {"files": [str(CALIBRATION)], "rows": ROWS},
        "context": CONTEXT,
        "variants": [{**variant, "name": "uniform"}, {**variant, "name": "budget", "rankBudget": {}}],
    }
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    lines = run(["run", folder / "recipe.json", "--out", folder / "out", "--json"], folder / "home").splitlines()
    assert json.loads(lines[-1])["status"] == "completed", lines[-1]
    return {name: folder / "out" / name for name in ("uniform", "budget")}


def held_out(rows):
    """Every eighth row is, in the middles of as many equal parts."""
    held = len(rows) // 8
    return rows[[int((i + 0.5) * len(rows) / held) for i in range(held)]]


class Ranks(unittest.TestCase):
    def assert_ranks(self, model, reference, quantizer, rslora):
        adapters = prepared(model, quantizer, rslora)
        proof = proof_of(adapters["budget"])
        choice = proof["ranks"]
        self.assertEqual(choice["kept"], "budget")
        rows = held_out(reference.rows(CALIBRATION))
        students = {name: reference.adapted(adapter).eval() for name, adapter in adapters.items()}
        self.assert_loaded(students["budget"], proof)
        for name, student in {"quantized": reference.base(), **students}.items():
            expected = fidelity(reference.full, student, rows.split(8))["klDivergence"]
            print(f"{name}: {choice[name]:.8f}, torch {expected:.8f}, {choice[name] / expected - 1:.1e}")
            self.assertLess(abs(choice[name] / expected - 1), DIVERGENCE, name)
        self.assertLess(choice["budget"], choice["uniform"])
        self.assertEqual(choice["heldOutTokens"], rows[:, 1:].numel())

    def assert_loaded(self, student, proof):
        """Every targeted linear has the rank that is told and the scaling of all."""
        ranks = {layer["name"]: layer["rank"] for layer in proof["layers"]}
        self.assertGreater(len(set(ranks.values())), 4)
        found, parameters = {}, 0
        for path, module in student.base_model.model.named_modules():
            if not hasattr(module, "lora_A"):
                continue
            found[path] = module.r["default"]
            parameters += sum(part["default"].weight.numel() for part in (module.lora_A, module.lora_B))
            self.assertAlmostEqual(module.scaling["default"], proof["variant"]["scaling"], places=12)
            self.assertGreater(torch.count_nonzero(module.lora_B["default"].weight).item(), 0)
        self.assertEqual(found, ranks)
        self.assertEqual(parameters, proof["ranks"]["parameters"])
        self.assertLessEqual(parameters, proof["ranks"]["uniformParameters"])

    def test_sample(self):
        reference = Reference(LLAMA, evaluation=[], context=CONTEXT, rows=ROWS)
        nf4 = {"format": "nf4", "blockSize": 64, "doubleQuantization": True}
        self.assert_ranks(LLAMA, reference, nf4, rslora=False)

    def test_rank_stabilised(self):
        reference = Reference(GPT_NEOX, False, "fp4", evaluation=[], context=CONTEXT, rows=ROWS)
        fp4 = {"format": "fp4", "blockSize": 64, "doubleQuantization": False}
        self.assert_ranks(GPT_NEOX, reference, fp4, rslora=True)
