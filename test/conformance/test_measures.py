"""What a run measures beside perplexity: divergence and agreement against torch, standard errors against a bootstrap."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy
import torch
from quail import EVALUATION, init_lora, rows_of_run, variants_by_method
from reference import Reference, fidelity
from sample import sample_reference, sample_run
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, Gemma2Config, PreTrainedTokenizerFast

# Means over hundreds of positions. Two float32 forward passes differ by 1e-6 in the logits, of which a divergence sees the
# square and what goes with its gradient.
DIVERGENCE = 1e-5
# Of a bootstrap with 4,000 samples: 1 % of its own noise, and the terms of order 1 / rows that the formulas leave out.
BOOTSTRAP = 0.10
SAMPLES = 4000


class Measures(unittest.TestCase):
    def assert_measured(self, found, expected, what):
        """Divergence and agreement of one set of weights; a position more or less is not the same agreement."""
        difference = abs(found["klDivergence"]["mean"] - expected["klDivergence"])
        self.assertLessEqual(difference, DIVERGENCE, f"{what}: {found['klDivergence']}, torch has {expected}")
        self.assertGreater(expected["klDivergence"], 20 * DIVERGENCE, f"{what}: too small for this test to see it")
        self.assertAlmostEqual(found["sameTopToken"]["share"], expected["sameTopToken"], delta=1e-5, msg=what)
        self.assertLess(expected["sameTopToken"], 1, f"{what}: the same everywhere, which this test cannot tell from a constant")

    def assert_standard_errors(self, finished):
        texts = rows_of_run(finished)
        self.assertEqual(texts.keys(), finished["perplexity"].keys())
        for name, measured in finished["perplexity"].items():
            rows, statistics = texts[name], measured["statistics"]
            drawn = draws(rows["tokens"])
            full = perplexities(drawn, rows["fullPrecision"])
            self.assert_error(statistics["fullPrecision"]["standardError"], full, f"{name}, full precision")
            [(key, base)] = rows["quantizers"].items()
            quantized = self.assert_errors_of(statistics["quantizers"][key], base, drawn, f"{name}, {key}")
            for variant, own in rows["variants"].items():
                what = f"{name}, {variant}"
                reached = self.assert_errors_of(statistics["variants"][variant], own, drawn, what)
                closed = statistics["variants"][variant]["gapClosed"]
                gap = (quantized - reached) / (quantized - full)
                # Of a gap that may as well be none, the quotient has no standard error that a bootstrap could find.
                if abs(numpy.mean(quantized - full)) > 4 * numpy.std(quantized - full):
                    self.assert_error(closed["standardError"], gap, f"{what}, gap closed")
                base_perplexity = measured["quantizers"][key]
                expected = (base_perplexity - measured["variants"][variant]) / (base_perplexity - measured["fullPrecision"])
                self.assertAlmostEqual(closed["share"], expected, places=9)
                self.assert_paired_error(statistics, f"quantizer {key}", f"variant {variant}", quantized, reached)

    def assert_errors_of(self, statistics, rows, drawn, what):
        reached = perplexities(drawn, rows)
        self.assert_error(statistics["standardError"], reached, f"{what}, perplexity")
        for measure in ("klDivergence", "sameTopToken"):
            self.assert_error(statistics[measure]["standardError"], means(drawn, rows[measure]), f"{what}, {measure}")
        return reached

    def assert_paired_error(self, statistics, one, other, left, right):
        errors = statistics["logRatioErrors"]
        i, j = errors["of"].index(one), errors["of"].index(other)
        error = errors["values"][max(i, j)][min(i, j)]
        self.assert_error(error, numpy.log(left / right), f"{one} against {other}")

    def assert_error(self, found, drawn, what):
        expected = float(numpy.std(drawn, ddof=1))
        self.assertGreater(expected, 0, what)
        self.assertLessEqual(abs(found / expected - 1), BOOTSTRAP, f"{what}: {found}, bootstrap has {expected}")


def draws(tokens):
    """How often each row comes in each sample, [samples, rows], and the tokens that those samples have."""
    counts = numpy.random.default_rng(14).multinomial(len(tokens), numpy.full(len(tokens), 1 / len(tokens)), SAMPLES)
    return counts.astype(float), counts @ numpy.asarray(tokens, float)


def means(drawn, totals):
    counts, tokens = drawn
    return counts @ numpy.asarray(totals, float) / tokens


def perplexities(drawn, rows):
    return numpy.exp(means(drawn, rows["loss"]))


class Sample(Measures):
    """The sample model, two texts, 64 rows each."""

    @classmethod
    def setUpClass(cls):
        cls.finished = sample_run()
        cls.reference = sample_reference()

    def test_the_quantized_base_is_as_far_from_full_precision_as_torch_says(self):
        for name, expected in self.reference.fidelity(self.reference.base()).items():
            [found] = self.finished["perplexity"][name]["statistics"]["quantizers"].values()
            self.assert_measured(found, expected, name)

    def test_an_adapter_is_as_far_from_full_precision_as_torch_says(self):
        variant = variants_by_method(self.finished)["svd"]
        for name, expected in self.reference.fidelity(self.reference.adapted(variant["adapter"]).eval()).items():
            found = self.finished["perplexity"][name]["statistics"]["variants"][variant["name"]]
            self.assert_measured(found, expected, name)

    def test_standard_errors_are_those_of_a_bootstrap_over_rows(self):
        self.assert_standard_errors(self.finished)


VOCABULARY = 256_000
SAMPLE_TOKENS = 16


def wide_gemma2(folder):
    """A random Gemma 2 with soft-capped logits whose characters lie all over a vocabulary of 256,000 tokens."""
    torch.manual_seed(14)
    config = Gemma2Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=16,
        max_position_embeddings=64,
        final_logit_softcapping=8.0,
        initializer_range=0.3,
        dtype="bfloat16",
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    characters = ["\n", *map(chr, range(32, 127))]
    step = VOCABULARY // len(characters)
    vocabulary = {character: step * index + 7 for index, character in enumerate(characters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.save(str(folder / "tokenizer.json"))
    fast = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": " "}
    (folder / "tokenizer_config.json").write_text(json.dumps(fast), encoding="utf-8")
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))


class LargeVocabulary(Measures):
    """Padded rows of unequal lengths, a vocabulary of 125 tiles, logits with a soft cap."""

    def test_divergence_agreement_and_errors_are_those_of_torch_and_of_a_bootstrap(self):
        with tempfile.TemporaryDirectory(prefix="quail-wide-") as name:
            folder = Path(name)
            model = folder / "model"
            model.mkdir()
            tokenizer = wide_gemma2(model)
            plain = EVALUATION[0].read_text(encoding="utf-8").encode("ascii", "ignore").decode().replace("\n", " ")
            samples = [plain[200 * i : 200 * i + 6 + (7 * i) % 16].strip() for i in range(32)]
            text = folder / "samples.txt"
            text.write_text("\n\n".join(samples), encoding="utf-8")
            finished = init_lora(
                model, ["svd"], "--policy", "padded", texts=(text, [text]), rank=4, context=SAMPLE_TOKENS, rows=32
            )
            reference = Reference(model, evaluation=[], context=SAMPLE_TOKENS, tokenizer=tokenizer)
            batches = [torch.tensor([tokenizer.encode(sample)[:SAMPLE_TOKENS]]) for sample in samples]
            [variant] = finished["variants"]
            measured = finished["perplexity"]["samples.txt"]["statistics"]
            [base] = measured["quantizers"].values()
            for found, other in (
                (base, reference.base()),
                (measured["variants"][variant["name"]], reference.adapted(variant["adapter"]).eval()),
            ):
                expected = fidelity(reference.full, other, batches)
                self.assertEqual(expected["tokens"], finished["perplexity"]["samples.txt"]["tokens"])
                self.assert_measured(found, expected, "samples.txt")
            self.assert_standard_errors(finished)
