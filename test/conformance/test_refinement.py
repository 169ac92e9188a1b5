"""A refined adapter against torch: the divergences that decide, and the steps of Adam that lead to it."""

import hashlib
import json
import math
import tempfile
import unittest
from copy import deepcopy
from pathlib import Path

import torch
from quail import CALIBRATION, EVALUATION, GPT_NEOX, LLAMA, proof_of, run
from reference import Reference, dequantized, fidelity
from safetensors.torch import load_file

CONTEXT = 64
ROWS = 9  # of each of two texts
SEED = 5
RANK = 4
ALPHA = 10
STEPS = 4
BATCH = 3
RATE = 0.005
# Relative; 2e-5 was seen. Means over 126 positions of a difference of logarithms, each of which two float32 forward passes
# have to 1e-6 or so, while the divergence itself is a thousandth.
DIVERGENCE = 1e-4
# Of the typical change of a matrix's entries; 2e-5 was seen. Adam divides each gradient by its own size, so that one near
# zero, of which float32 may not know the sign, moves as far as any other, and others with it: one of a matrix was seen to.
CHANGE = 2e-3
TURNED = 0.02

WORK = tempfile.TemporaryDirectory(prefix="quail-refinement-")  # removed when Python ends


def refined(model, quantizer, policy="packed"):
    """One run: the start by itself, and refined."""
    folder = Path(tempfile.mkdtemp(dir=WORK.name))
    variant = {"method": "quailora", "rank": RANK, "alpha": ALPHA, "quantizer": quantizer}
    steps = {"steps": STEPS, "batch": BATCH, "learningRate": RATE}
    recipe = {
        "version": 1,
        "model": str(model),
        "calibration": {"files": [str(CALIBRATION), str(EVALUATION[1])], "rows": ROWS},
        "context": CONTEXT,
        "seed": SEED,
        "policy": policy,
        "variants": [{**variant, "name": "start"}, {**variant, "name": "refined", "refine": steps}],
    }
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    lines = run(["run", folder / "recipe.json", "--out", folder / "out", "--json"], folder / "home").splitlines()
    assert json.loads(lines[-1])["status"] == "completed", lines[-1]
    return {name: folder / "out" / name for name in ("start", "refined")}


def calibration_rows(reference):
    """Of both texts, one after the other."""
    return torch.cat([reference.rows(text) for text in (CALIBRATION, EVALUATION[1])])


def split(rows):
    """Rows to learn from and rows held out: every eighth is, in the middles of as many equal parts."""
    held = rows // 8
    out = [int((i + 0.5) * rows / held) for i in range(held)]
    return [row for row in range(rows) if row not in out], out


class Divergences(unittest.TestCase):
    """What decided is what transformers, bitsandbytes and PEFT find on the same rows."""

    def assert_divergences(self, reference, adapters):
        found = proof_of(adapters["refined"])["refinement"]
        rows = calibration_rows(reference)
        training, held = split(len(rows))
        self.assertEqual((found["rows"], found["heldOutRows"]), (len(training), len(held)))
        expected = {
            "quantized": self.divergence(reference, reference.base(), rows[held]),
            "start": self.divergence(reference, reference.adapted(adapters["start"]).eval(), rows[held]),
            "kept": self.divergence(reference, reference.adapted(adapters["refined"]).eval(), rows[held]),
        }
        by_steps = {point["steps"]: point["divergence"] for point in found["curve"]}
        told = {"quantized": found["quantized"], "start": by_steps[0], "kept": by_steps[found["kept"]]}
        self.assertEqual(found["heldOutTokens"], rows[held][:, 1:].numel())
        self.assertGreater(found["kept"], 0)
        self.assertLess(told["kept"], told["start"] - 10 * DIVERGENCE * told["start"])
        for what, divergence in expected.items():
            print(f"{what}: {told[what]:.8f}, torch {divergence:.8f}, {told[what] / divergence - 1:.1e}")
        for what, divergence in expected.items():
            self.assertLess(abs(told[what] / divergence - 1), DIVERGENCE, f"{what}: {told[what]}, torch has {divergence}")

    def divergence(self, reference, student, rows):
        return fidelity(reference.full, student, rows.split(8))["klDivergence"]


class AnotherFamily(Divergences):
    """GPT-NeoX in FP4, whose scales are not quantized again."""

    def test_divergences(self):
        quantizer = {"format": "fp4", "blockSize": 64, "doubleQuantization": False}
        reference = Reference(GPT_NEOX, False, "fp4", evaluation=[], context=CONTEXT, rows=ROWS)
        self.assert_divergences(reference, refined(GPT_NEOX, quantizer))


class Sample(Divergences):
    """The sample model, in NF4 with double quantization."""

    @classmethod
    def setUpClass(cls):
        cls.reference = Reference(LLAMA, evaluation=[], context=CONTEXT, rows=ROWS)
        cls.adapters = refined(LLAMA, {"format": "nf4", "blockSize": 64, "doubleQuantization": True})

    def test_divergences(self):
        self.assert_divergences(self.reference, self.adapters)

    def test_steps_are_those_of_torch(self):
        """Adam of torch on autograd's gradients through transformers, in float64 over Q as bitsandbytes has it."""
        self.assertEqual(proof_of(self.adapters["refined"])["refinement"]["kept"], STEPS)
        start, refined = (load_file(self.adapters[name] / "adapter_model.safetensors") for name in ("start", "refined"))
        learned = self.learn(start)
        worst = 0.0
        for name, began in start.items():
            change, expected = (tensor.double() - began.double() for tensor in (refined[name], learned[name]))
            self.assertGreater(expected.norm().item(), 0, name)
            away = (change - expected).abs().flatten() / expected.square().mean().sqrt()
            difference = away.quantile(1 - TURNED).item()
            worst = max(worst, difference)
            self.assertLess(difference, CHANGE, name)
        print(f"largest difference: {worst:.1e} of the change")

    def learn(self, start):
        scaling = ALPHA / RANK
        student, sizes = student_of(self.reference)
        factors = {name: (math.sqrt(scaling) * tensor.double()).requires_grad_() for name, tensor in start.items()}
        optimizer = torch.optim.Adam(
            [{"params": [factor], "lr": 0.0, "typical": typical(name, sizes)} for name, factor in factors.items()],
            betas=(0.9, 0.999),
            eps=1e-12,
        )
        put_beside(student, factors)
        teacher = self.reference.full.double()
        rows = calibration_rows(self.reference)
        training, _ = split(len(rows))
        for step in range(1, STEPS + 1):
            batch = rows[rows_of_step(training, step)]
            with torch.no_grad():
                exact = torch.log_softmax(teacher(input_ids=batch).logits[:, :-1].double(), -1)
            other = torch.log_softmax(student(input_ids=batch).logits[:, :-1].double(), -1)
            divergence = (exact.exp() * (exact - other)).sum(-1).mean()
            optimizer.zero_grad()
            divergence.backward()
            for group in optimizer.param_groups:
                group["lr"] = rate(step) * group["typical"]
            optimizer.step()
        self.reference.full.float()
        return {name: factor.detach() / math.sqrt(scaling) for name, factor in factors.items()}


def student_of(reference):
    """The quantized model in float64, and ‖E‖² with the shape of each linear by path."""
    base = reference.base()
    full = deepcopy(reference.full)
    sizes = {}
    for path, linear in base.named_modules():
        if type(linear).__name__ != "Linear4bit":
            continue
        weight = full.get_submodule(path).weight
        Q = dequantized(linear)
        sizes[path] = ((weight.double() - Q).square().sum().item(), *Q.shape)
        weight.data = Q
    return full.double().requires_grad_(False), sizes


def path_of(name):
    return name.removeprefix("base_model.model.").rsplit(".lora_", 1)[0]


def typical(name, sizes):
    """Size of an entry of balanced factors of the whole error."""
    square, m, n = sizes[path_of(name)]
    c = (math.sqrt(square) / math.sqrt(m * n * RANK)) ** 0.5
    return c * ((m / n) if ".lora_A" in name else (n / m)) ** 0.25


def put_beside(student, factors):
    for path in {path_of(name) for name in factors}:
        A, B = (factors[f"base_model.model.{path}.lora_{side}.weight"] for side in "AB")
        student.get_submodule(path).register_forward_hook(lambda _, inputs, output, A=A, B=B: output + inputs[0] @ A.T @ B.T)


def rate(step):
    """Of the schedule: one step of rising, then a cosine that would be nothing at the step after the last."""
    rising = max(1, round(0.1 * STEPS))
    if step <= rising:
        return RATE * step / rising
    return RATE * (1 + math.cos(math.pi * (step - rising) / (STEPS - rising + 1))) / 2


def rows_of_step(training, step):
    """Sweep after sweep in random order, `BATCH` rows a step."""
    places = range((step - 1) * BATCH, step * BATCH)
    return [shuffled(training, at // len(training))[at % len(training)] for at in places]


def shuffled(rows, sweep):
    """Fisher and Yates with xoshiro128** from SHA-256 of the purpose."""
    random = xoshiro(hashlib.sha256(f"refinement\0{SEED}\0{sweep}".encode()).digest())
    order = list(rows)
    for i in reversed(range(1, len(order))):
        j = int(next(random) / 2**32 * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def xoshiro(seed):
    """Source: Blackman & Vigna, prng.di.unimi.it."""
    mask = 2**32 - 1
    s = [int.from_bytes(seed[4 * i : 4 * i + 4], "little") for i in range(4)]
    left = lambda x, k: (x << k | x >> 32 - k) & mask
    while True:
        yield left(s[1] * 5 & mask, 7) * 9 & mask
        t = s[1] << 9 & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = left(s[3], 11)
