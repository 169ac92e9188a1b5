"""transformers and bitsandbytes load what `quail export-base` writes."""

import hashlib
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from quail import LLAMA, ROOT, export_base, init_lora, proof_of, run, skipping
from reference import Reference, dequantized
from safetensors.torch import load_file, save_file
from sample import sample_run
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

GOLDEN = ROOT / "test/fixtures/golden/families"

def is_wrapper(model):
    """Whether it is a model around a text model."""
    return "text_config" in json.loads((model / "config.json").read_text(encoding="utf-8"))


CHECKPOINTS = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
UNSTORED = [GOLDEN / "llama4_text-experts"]  # of which transformers loads no base that was stored
FAMILIES = [path for path in CHECKPOINTS if not is_wrapper(path) and path not in UNSTORED]
# How scales are stored does not ask for the family: of these both ways are compared, of the others one or the other in turn.
BOTH = {"llama", "gpt2", "mixtral", "gemma4_text"}
# As in test_adapters: bitsandbytes' CPU kernels and our float32 forward pass.
PERPLEXITY = 2e-3
ROWS = 16


def quantized_by_transformers(model, double_quantization=True):
    """The base of a user who quantizes with transformers, told what our snippets say."""
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=double_quantization, **skipping(model)
    )
    return load(model, quantization_config=config)


def load(directory, **options):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16, device_map={"": "cpu"}, **options)


def linears_of(model):
    return {name: module for name, module in model.named_modules() if type(module).__name__ == "Linear4bit"}


def tensors_of(directory):
    return {name: tensor for file in Path(directory).glob("*.safetensors") for name, tensor in load_file(file).items()}


class Families(unittest.TestCase):
    """Random checkpoints of every family: our files are those of save_pretrained, and load."""

    def test_files_are_those_that_transformers_saves_and_compute_the_same(self):
        for place, model in enumerate(FAMILIES):
            for double_quantization in (True, False) if model.name in BOTH else (place % 2 == 0,):
                with self.subTest(model.name, double_quantization=double_quantization):
                    self.assert_same(model, double_quantization)

    @torch.no_grad()
    def assert_same(self, model, double_quantization):
        ours = export_base(model, *([] if double_quantization else ["--no-double-quant"]))
        fresh = quantized_by_transformers(model, double_quantization)
        with tempfile.TemporaryDirectory() as theirs:
            fresh.save_pretrained(theirs)
            names = sorted(path.name for path in Path(theirs).iterdir())
            self.assertEqual(sorted(path.name for path in ours.iterdir()), names)
            for name in names:
                self.assertEqual((ours / name).read_bytes(), (Path(theirs) / name).read_bytes(), name)
        ids = torch.arange(16).reshape(1, 16)
        self.assertTrue(torch.equal(load(ours)(ids).logits, fresh(ids).logits))


class Unstored(unittest.TestCase):
    def test_bases_that_transformers_does_not_load_are_refused(self):
        for model in UNSTORED:
            with self.subTest(model.name), tempfile.TemporaryDirectory() as theirs:
                with self.assertRaisesRegex(AssertionError, "transformers loads no stored base of LLaMA 4 with experts"):
                    export_base(model)
                quantized_by_transformers(model).save_pretrained(theirs)
                with self.assertRaises(NotImplementedError):  # it draws weights of experts in 4 bits, which it does not find
                    load(theirs)


class Heads(Families):
    """Tied heads of which another, a copy, or nothing but the head is stored."""

    def test_files_are_those_that_transformers_saves_and_compute_the_same(self):
        for family in ("gemma2", "llama-tied-bias"):
            weights = load_file(GOLDEN / family / "model.safetensors")
            embedding = weights["model.embed_tokens.weight"]
            without = {name: weight for name, weight in weights.items() if name != "model.embed_tokens.weight"}
            for stored, tensors in {
                "different": {**weights, "lm_head.weight": 2 * embedding.flip(0)},
                # In bfloat16 these are the same, so that transformers ties them.
                "equal when rounded": {**weights, "lm_head.weight": embedding.bfloat16().float()},
                "head alone": {**without, "lm_head.weight": embedding},
            }.items():
                with self.subTest(family, stored=stored), tempfile.TemporaryDirectory() as folder:
                    model = Path(folder) / family
                    shutil.copytree(GOLDEN / family, model, ignore=shutil.ignore_patterns("expected.safetensors"))
                    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
                    self.assert_same(model, True)
                    self.assertEqual("lm_head.weight" in tensors_of(export_base(model)), stored == "different")


class Sample(unittest.TestCase):
    """The trained sample in several shards."""

    @classmethod
    def setUpClass(cls):
        cls.base = export_base(LLAMA, "--max-shard-size", "700KB")
        cls.loaded = load(cls.base)

    def test_shards_hold_the_tensors_that_transformers_saves_and_are_indexed_as_it_does(self):
        index = json.loads((self.base / "model.safetensors.index.json").read_text(encoding="utf-8"))
        self.assertGreater(len(set(index["weight_map"].values())), 2)
        with tempfile.TemporaryDirectory() as directory:
            quantized_by_transformers(LLAMA).save_pretrained(directory, max_shard_size="700KB")
            theirs = json.loads((Path(directory) / "model.safetensors.index.json").read_text(encoding="utf-8"))
            ours, expected = tensors_of(self.base), tensors_of(directory)
        self.assertEqual(index["metadata"], theirs["metadata"])
        self.assertEqual(list(index["weight_map"]), list(theirs["weight_map"]))
        for name, tensor in expected.items():
            self.assertEqual(ours[name].dtype, tensor.dtype, name)
            self.assertTrue(torch.equal(ours[name], tensor), name)
        files_of = {}
        for name, file in index["weight_map"].items():
            files_of.setdefault(name.split(".weight")[0], set()).add(file)
        self.assertEqual([name for name, files in files_of.items() if len(files) > 1], [])

    def test_base_is_the_one_that_adapters_are_computed_for_and_has_its_perplexity(self):
        finished = sample_run()
        fingerprint = proof_of(finished["variants"][0]["adapter"])["fingerprint"]
        linears = linears_of(self.loaded)
        self.assertEqual(sorted(linears), sorted(entry["name"] for entry in fingerprint["linears"]))
        for entry in fingerprint["linears"]:
            packed = linears[entry["name"]].weight.data.numpy().tobytes()
            self.assertEqual(hashlib.sha256(packed).hexdigest(), entry["codes"], entry["name"])
        reference = Reference(self.base)
        for name, reported in finished["perplexity"].items():
            judged = reference.quantized[name]
            self.assertLessEqual(abs(judged / reported["quantizers"]["nf4-b64-dq"] - 1), PERPLEXITY, (name, judged, reported))

    def test_block_size_that_transformers_has_no_setting_for_loads_exactly(self):
        weights = load_file(LLAMA / "model.safetensors")
        options = ("--block-size", "128", "--quantizer", "fp4", "--dtype", "float32")
        for name, linear in linears_of(load(export_base(LLAMA, *options))).items():
            weight = weights[f"{name}.weight"].float()
            packed, state = quantize_4bit(weight, blocksize=128, quant_type="fp4", compress_statistics=True)
            self.assertTrue(torch.equal(linear.weight.data, packed), name)
            self.assertEqual(linear.weight.quant_state.blocksize, 128)
            self.assertTrue(torch.equal(dequantized(linear), dequantize_4bit(packed, state).double()), name)


class StoredBase(unittest.TestCase):
    """A base that transformers saved, as the base of a run."""

    def test_config_without_quant_method_is_bitsandbytes_for_both(self):
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder) / "base"
            shutil.copytree(GOLDEN.parent / "prequantized/nf4-dq", base)
            config = json.loads((base / "config.json").read_text(encoding="utf-8"))
            del config["quantization_config"]["quant_method"]
            (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
            inspected = json.loads(run(["inspect", base, "--json"], folder))
            self.assertEqual(inspected["quantization"]["format"], "nf4")
            self.assertEqual(inspected["quantization"]["linears"], len(linears_of(load(base))))

    def test_adapter_has_the_reported_perplexity_on_it(self):
        with tempfile.TemporaryDirectory() as directory:
            base = Path(directory) / "base"
            quantized_by_transformers(LLAMA).save_pretrained(base)
            AutoTokenizer.from_pretrained(LLAMA).save_pretrained(base)
            finished = init_lora(LLAMA, ["exact"], "--base", base, rows=ROWS)
            adapter = finished["variants"][0]["adapter"]
            reference = Reference(base, rows=ROWS)
            adapted = reference.perplexities(reference.adapted(adapter).eval())
            for name, reported in finished["perplexity"].items():
                for ours, theirs in (
                    (reported["quantizers"]["nf4-b64-dq"], reference.quantized[name]),
                    (reported["variants"]["exact-r16"], adapted[name]),
                ):
                    self.assertLessEqual(abs(theirs / ours - 1), PERPLEXITY, (name, ours, theirs))
            for entry in proof_of(adapter)["fingerprint"]["linears"]:
                packed = load_file(base / "model.safetensors")[f"{entry['name']}.weight"]
                self.assertEqual(hashlib.sha256(packed.numpy().tobytes()).hexdigest(), entry["codes"], entry["name"])
