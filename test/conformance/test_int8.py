"""int8: Quail evaluates what Linear8bitLt computes, its inputs rounded to 8 bits and outliers apart, adapters beside it."""

import json
import shutil

from bitsandbytes.nn import Linear8bitLt
from quail import GPT_NEOX, LLAMA, init_lora
from reference import Reference
from safetensors.torch import load_file, save_file
import test_families  # not its class, whose tests would run here again
from test_adapters import Conformance
from test_families import CASES, CONTEXT, FAMILIES, ROWS, fast_tokenizer

# Rounding is a step: where another order of a float32 sum moves an input across the middle of two codes, all that follows
# moves by as much as rounding ever does. On the
# trained models 5e-5 and less was seen, on random ones with few tokens 7e-4.
TRAINED = 2e-4
RANDOM = 1e-3
# A norm's weight times this puts some of the inputs of every linear behind it above the threshold.
LOUDER = 3


def linears(model):
    return {name: module for name, module in model.named_modules() if isinstance(module, Linear8bitLt)}


def outlier_shares(reference, model):
    """By linear, the mean share of a batch's input columns that hold an outlier."""
    shares, hooks = {}, []

    def noting(name):
        def hook(module, inputs, _output):
            x = inputs[0].reshape(-1, inputs[0].shape[-1])
            shares.setdefault(name, []).append((x.half().abs() >= module.state.threshold).any(0).float().mean().item())

        return hook

    for name, module in linears(model).items():
        hooks.append(module.register_forward_hook(noting(name)))
    reference.perplexities(model)
    for hook in hooks:
        hook.remove()
    return {name: sum(values) / len(values) for name, values in shares.items()}


SHIFTED = ("gemma", "vaultgemma", "nemotron", "qwen3_5", "qwen3_next")  # whose norms multiply by 1 + w


class Trained(Conformance):
    def judged(self, model):
        reference = Reference(model, quantizer="int8", rows=16)  # two batches of a text; torch takes its time for these
        finished = init_lora(model, ["exact"], "--quantizer", "int8", rows=16)
        self.assert_judged_as_reported(reference, finished, finished["variants"][0], TRAINED)

    def test_sample_has_the_perplexities_of_linear8bitlt(self):
        self.judged(LLAMA)

    def test_gpt_neox_has_the_perplexities_of_linear8bitlt(self):
        self.judged(GPT_NEOX)


class WithOutliers(Conformance):
    """Tiny random checkpoints whose norms are so large that inputs pass the threshold."""

    setUpClass = classmethod(test_families.Families.setUpClass.__func__)
    checkpoint = test_families.Families.checkpoint

    def louder(self, name):
        model = self.checkpoint(name)
        path = model / "model.safetensors"
        weights = load_file(path)
        norms = [key for key in weights if "norm" in key or "ln_" in key]
        for key in norms:
            bias = key.endswith("bias")
            # Of a gated delta net the norm behind the heads multiplies by its weights.
            shifted = name.startswith(SHIFTED) and not name.startswith(("gemma3n", "gemma4", "nemotron_h")) and "linear_attn.norm" not in key
            offset = 1 if shifted and not bias else 0  # they multiply by 1 + w
            factor = weights[key].float() + offset
            usual = 1 if bias else factor.mean()
            weights[key] = (factor / usual * LOUDER - offset).bfloat16()
        for key in [] if norms else [key for key in weights if "up_proj" in key or "v_proj" in key]:
            weights[key] = (weights[key].float() * LOUDER).bfloat16()  # OLMo's norms have no weights
        save_file(weights, path, metadata={"format": "pt"})
        return model

    def test_latent_attention_fails(self):
        """Why Quail warns of it: once this does not fail, neither should it be said, nor inputs be flattened here."""
        model = self.checkpoint("youtu")
        reference = Reference(model, quantizer="int8", evaluation=self.evaluation[:1], context=CONTEXT, rows=ROWS, tokenizer=fast_tokenizer(model))
        reference.flattened = False
        self.assertRaisesRegex(RuntimeError, "size", lambda: reference.quantized)

    def judged(self, model):
        texts = (self.calibration, self.evaluation)
        finished = init_lora(model, ["quailora"], "--quantizer", "int8", texts=texts, rank=4, context=CONTEXT, rows=ROWS)
        reference = Reference(
            model,
            quantizer="int8",
            evaluation=self.evaluation,
            context=CONTEXT,
            rows=ROWS,
            tokenizer=fast_tokenizer(model),
        )
        self.assert_judged_as_reported(reference, finished, finished["variants"][0], RANDOM)
        base = reference.base()
        shares = outlier_shares(reference, base)
        self.assertTrue(any(0.1 < share < 0.9 for share in shares.values()), shares)
        # A linear that trains on CPU leaves its inputs as they are: were that as near, this test would see nothing.
        for linear in linears(base).values():
            linear.train()
        unrounded = reference.perplexities(base)
        reported = {text: entry["quantizers"]["int8"] for text, entry in finished["perplexity"].items()}
        distances = {
            text: (abs(value / reported[text] - 1), abs(unrounded[text] / reported[text] - 1))
            for text, value in reference.quantized.items()
        }
        rounded, other = max(distances.values(), key=lambda pair: pair[1])
        self.assertLess(3 * rounded, other, f"as near to linears that do not round their inputs: {distances}")


def test_of(name):
    def test(self):
        model = self.louder(name)
        try:
            self.judged(model)
        finally:
            shutil.rmtree(model)

    return test


def one_of_each_kind():
    """The first checkpoint of each model type, and of those the first with linears outside the blocks, and with other mixers."""
    found = {}
    for name in CASES:
        config = json.loads((FAMILIES / name / "config.json").read_text(encoding="utf-8"))
        outer = config.get("word_embed_proj_dim", config.get("hidden_size")) != config.get("hidden_size")
        mixers = "linear_attention" in (config.get("layer_types") or [])
        found.setdefault((config["model_type"], outer, mixers), name)
    return found.values()


for case in one_of_each_kind():
    setattr(WithOutliers, f"test_{case.replace('-', '_')}", test_of(case))
