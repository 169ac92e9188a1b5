"""Gradients of every family's blocks, with adapters beside all linears, and the second moments of gradients at the linears'
outputs, against torch autograd through transformers' modules."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import carried
import torch
from configs import class_of
from quail import ROOT
from safetensors.torch import load_file
from transformers import AutoConfig

FAMILIES = ROOT / "test/fixtures/golden/families"
TOLERANCE = 1e-4  # of the gradient's largest value: two float32 libraries add up in different orders


def by_block(tensors):
    blocks = {}
    for name, tensor in tensors.items():
        path, key = name.split("/")
        blocks.setdefault(path, {})[key] = tensor
    return blocks


def arguments_of(model, block, context):
    """What the model passes to a block beside its hidden states: masks, positions."""
    seen = {}
    hook = block.register_forward_pre_hook(lambda _, args, kwargs: seen.update(args=args, kwargs=kwargs), with_kwargs=True)
    with torch.no_grad():
        model(torch.arange(2 * context).reshape(2, context) % 60 + 3, use_cache=False)
    hook.remove()
    return seen["args"], dict(seen["kwargs"])


def following(model, path, states):
    """What a block makes of states, as a function of all that it reads of them."""
    block = model.get_submodule(path)
    args, kwargs = arguments_of(model, block, states.shape[1])
    if carried.is_carried(model.config):
        return carried.call(model.config, block, states, args, kwargs)
    if "hidden_states" in kwargs:
        kwargs["hidden_states"] = states
    else:
        args = (states, *args[1:])
    output = block(*args, **kwargs)
    return output[0] if isinstance(output, tuple) else output


def beside(matrices):
    A, B = matrices
    return lambda _, inputs, output: output + inputs[0] @ A.T @ B.T


def autograd(model, path, given):
    """The gradients of Σ seed · next, by the names of the inputs."""
    block = model.get_submodule(path)
    wanted = {name: tensor.clone().requires_grad_() for name, tensor in given.items() if name == "hidden" or ".lora_" in name}
    linears = {name.rsplit(".lora_", 1)[0] for name in wanted if ".lora_" in name}
    hooks = [
        block.get_submodule(name).register_forward_hook(beside([wanted[f"{name}.lora_{side}"] for side in "AB"]))
        for name in linears
    ]
    (following(model, path, wanted["hidden"]) * given["seed"]).sum().backward()
    for hook in hooks:
        hook.remove()
    return {name: tensor.grad for name, tensor in wanted.items()}


def keeping(outputs, name):
    def hook(_module, _inputs, output):
        outputs[name] = output
        return output.clone()  # OLMo clamps what it is given in place

    return hook


def curvature(model, path, given, linears):
    """Σ g gᵀ over tokens of g = ∂(Σ seed · next) / ∂(output), by linear; without adapters."""
    block = model.get_submodule(path)
    outputs, hooks = {}, []
    for name in linears:
        hooks.append(block.get_submodule(name).register_forward_hook(keeping(outputs, name)))
    hidden = given["hidden"].clone().requires_grad_()
    output = following(model, path, hidden)
    for hook in hooks:
        hook.remove()
    gradients = torch.autograd.grad((output * given["seed"]).sum(), [outputs[name] for name in linears])
    flat = {name: gradient.flatten(0, -2).double() for name, gradient in zip(linears, gradients)}
    return {name: rows.T @ rows for name, rows in flat.items()}


class Gradients(unittest.TestCase):
    def test_every_family(self):
        with tempfile.TemporaryDirectory() as out:
            command = ["node", str(Path(__file__).with_name("gradients.mjs")), str(FAMILIES), out]
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr[-3000:])
            names = json.loads(done.stdout)
            self.assertGreater(len(names), 0)
            worst = {}
            for name in names:
                with self.subTest(name):
                    worst[name] = self.compare(name, load_file(Path(out) / f"{name}.safetensors"))
        print("largest difference:", max(worst.items(), key=lambda each: each[1]))

    def compare(self, name, tensors):
        model = class_of(AutoConfig.from_pretrained(FAMILIES / name)).from_pretrained(
            FAMILIES / name, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager"
        ).eval()
        model.requires_grad_(False)
        model.config._is_quantized = True  # Jamba calls every linear then, as in a base
        worst = 0
        for path, block in by_block(tensors).items():
            given = {key: tensor for key, tensor in block.items() if not key.startswith(("gradient.", "curvature."))}
            weights = {key.removeprefix("curvature."): block[key] for key in block if key.startswith("curvature.")}
            self.assertEqual({f"{name}.lora_A" for name in weights}, {key for key in given if key.endswith(".lora_A")})
            for linear, expected in curvature(model, path, given, list(weights)).items():
                difference = ((weights[linear] - expected).abs().max() / expected.abs().max()).item()
                self.assertLess(difference, TOLERANCE, f"{path}: curvature of {linear}")
            expected = autograd(model, path, given)
            self.assertEqual({f"gradient.{key}" for key in expected}, {key for key in block if key.startswith("gradient.")})
            for key, gradient in expected.items():
                found = block[f"gradient.{key}"]
                difference = ((found - gradient).abs().max() / gradient.abs().max()).item()
                self.assertLess(difference, TOLERANCE, f"{path}: {key}")
                worst = max(worst, difference)
        self.assertGreater(worst, 0)  # equal to the last bit would mean that nothing was compared
        return worst
