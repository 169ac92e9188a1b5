"""`quail verify` of adapters that PEFT saved, and PEFT finding the base that our adapters name."""

import json
import tempfile
import unittest
from pathlib import Path

import reference_kernels  # noqa: F401  before any model is loaded
import torch
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel, get_peft_model
from quail import LLAMA, ROOT, answer_of, init_lora
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM


def base():
    return AutoModelForCausalLM.from_pretrained(LLAMA, dtype=torch.bfloat16)


def verify(adapter, *options):
    """What `quail verify` says, and with which exit status."""
    answer = answer_of(["verify", adapter, "--json", *options], adapter)
    return (json.loads(answer["stdout"]) if answer["stdout"] else {"summary": answer["stderr"]}), answer["code"]


class SavedAdapters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ours = init_lora(LLAMA, ["svd"], rank=4, rows=4, context=64)["variants"][0]["adapter"]
        folder = tempfile.TemporaryDirectory(prefix="quail-saved-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)

    def checks(self, answer):
        return {check["name"]: check["ok"] for check in answer["checks"]}

    def trained(self, name):
        """Our adapter after a training that moved every factor."""
        model = PeftModel.from_pretrained(base(), self.ours, is_trainable=True)
        for key, value in model.named_parameters():
            if "lora_" in key:
                value.data += 0.01
        model.save_pretrained(self.folder / name)
        return self.folder / name

    def test_peft_finds_the_base_that_our_adapter_names(self):
        model = AutoPeftModelForCausalLM.from_pretrained(self.ours, dtype=torch.bfloat16)
        self.assertEqual(Path(model.peft_config["default"].base_model_name_or_path), LLAMA)
        own = model.get_base_model().state_dict()["model.layers.0.self_attn.q_proj.base_layer.weight"]
        stored = load_file(LLAMA / "model.safetensors")["model.layers.0.self_attn.q_proj.weight"]
        self.assertTrue(torch.equal(own, stored))
        answer, status = verify(self.ours)  # without --model: the base that it names
        self.assertEqual((status, answer["fits"], answer["complete"], answer["notes"]), (0, True, True, []))

    def test_trained_adapter_is_checked_but_for_the_base_and_with_the_proof_of_the_first_wholly(self):
        trained = self.trained("trained")
        answer, status = verify(trained, "--model", LLAMA)
        self.assertEqual((status, answer["fits"], answer["complete"]), (0, True, False), answer)
        self.assertEqual(self.checks(answer), dict(keys=True, shapes=True, scaling=True, finite=True, fingerprint=None))
        self.assertIn("there is no quail.json beside it", answer["summary"])
        answer, status = verify(trained, "--from", self.ours)
        self.assertEqual((status, answer["fits"], answer["complete"]), (0, True, True), answer)

    def test_what_is_wrong_with_a_trained_adapter_is_found(self):
        weights = self.trained("broken") / "adapter_model.safetensors"
        tensors = load_file(weights)
        first = next(name for name in tensors if name.endswith("lora_A.weight"))
        tensors[first][0, 0] = float("nan")
        save_file(tensors, weights)
        config = json.loads((self.folder / "broken/adapter_config.json").read_text(encoding="utf-8"))
        config["lora_alpha"] *= 2
        (self.folder / "broken/adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
        answer, status = verify(self.folder / "broken", "--from", self.ours)
        self.assertEqual((status, answer["fits"]), (1, False))
        self.assertEqual(self.checks(answer), dict(keys=True, shapes=True, scaling=False, finite=False, fingerprint=True))

    def test_every_form_that_peft_saves_is_read_or_refused_by_name(self):
        forms = {
            "one name": (dict(target_modules=["q_proj"]), None),
            "all linears": (dict(target_modules="all-linear"), None),
            "expression": (dict(target_modules=r".*\.(q|v)_proj"), None),
            "layers": (dict(target_modules=["q_proj"], layers_to_transform=[1, 2]), None),
            "exclusion": (dict(target_modules="all-linear", exclude_modules=["down_proj"]), None),
            "ranks": (dict(target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 8}), None),
            "rank-stabilised": (dict(target_modules=["q_proj"], use_rslora=True), None),
            "head": (dict(target_modules=["q_proj", "lm_head"]), "lm_head.base_layer.weight"),
            "whole head": (dict(target_modules=["q_proj"], modules_to_save=["lm_head"]), "lm_head.weight"),
            "embedding": (dict(target_modules=["q_proj", "embed_tokens"]), "embed_tokens.lora_embedding_A"),
            "tokens": (dict(target_modules=["q_proj"], trainable_token_indices=[1, 2]), "trainable_tokens_delta"),
            "biases": (dict(target_modules=["q_proj"], lora_bias=True), "lora_B.bias"),
            "DoRA": (dict(target_modules="all-linear", use_dora=True), None),
            "DoRA of a head and an embedding": (
                dict(target_modules=["q_proj", "lm_head", "embed_tokens"], use_dora=True),
                "lm_head.base_layer.weight",
            ),
            "alphas": (dict(target_modules=["q_proj", "v_proj"], alpha_pattern={"v_proj": 8}), None),
            "orthogonal start": (dict(target_modules=["q_proj"], init_lora_weights="orthogonal"), None),
        }
        for name, (settings, noted) in forms.items():
            with self.subTest(name):
                model = get_peft_model(base(), LoraConfig(r=4, task_type="CAUSAL_LM", **settings))
                model.save_pretrained(self.folder / name)
                answer, status = verify(self.folder / name)
                self.assertEqual((status, answer.get("fits"), answer.get("complete")), (0, True, False), answer)
                model.save_pretrained(self.folder / f"{name} in torch's form", safe_serialization=False)
                self.assertEqual(verify(self.folder / f"{name} in torch's form"), (answer, 0))
                adapted = sum(key.endswith("lora_A.default") for key, _ in model.named_modules())
                self.assertIn(f"{adapted} linears", answer["summary"])
                said = " ".join(answer["notes"])
                self.assertIn(noted, said) if noted else self.assertEqual(said, "")

    def test_factors_of_experts_that_peft_saves_are_told_of(self):
        model = ROOT / "test/fixtures/golden/families/olmoe"
        wanted = dict(target_modules=["q_proj"], target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"])
        whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        get_peft_model(whole, LoraConfig(r=2, task_type="CAUSAL_LM", **wanted)).save_pretrained(self.folder / "experts")
        ranks = {tensor.shape[0] for name, tensor in load_file(self.folder / "experts/adapter_model.safetensors").items() if "lora_A" in name}
        self.assertEqual(ranks, {2, 2 * whole.config.num_experts})
        answer, status = verify(self.folder / "experts", "--model", model)
        self.assertEqual((status, answer["fits"], answer["complete"]), (0, True, False), answer)
        self.assertIn(f"{whole.config.num_hidden_layers} linears, rank 2", answer["summary"])
        self.assertIn("mlp.experts.base_layer.lora_A.weight", " ".join(answer["notes"]))

    def test_dora_is_another_adapter_than_the_one_it_was_trained_from(self):
        config = LoraConfig(r=4, lora_alpha=4, task_type="CAUSAL_LM", target_modules="all-linear", use_dora=True)
        dora = self.folder / "dora"
        get_peft_model(base(), config).save_pretrained(dora)
        answer, status = verify(dora, "--model", LLAMA, "--from", self.ours)
        self.assertEqual((status, answer["fits"]), (1, False))
        self.assertEqual(self.checks(answer), dict(keys=True, shapes=True, scaling=False, finite=True, fingerprint=True))
        self.assertIn("with DoRA", answer["summary"])

    def test_starts_that_change_the_base_when_peft_loads_the_adapter_are_refused_by_name(self):
        before = base().model.layers[0].self_attn.q_proj.weight
        for start in ("pissa", "pissa_niter_2", "olora"):
            with self.subTest(start):
                settings = dict(target_modules=["q_proj"], init_lora_weights=start)
                get_peft_model(base(), LoraConfig(r=4, task_type="CAUSAL_LM", **settings)).save_pretrained(self.folder / start)
                loaded = PeftModel.from_pretrained(base(), self.folder / start).get_base_model()
                self.assertFalse(torch.equal(loaded.model.layers[0].self_attn.q_proj.base_layer.weight, before))
                answer, status = verify(self.folder / start)
                self.assertEqual(status, 2)
                self.assertIn(f'init_lora_weights is "{start}"', answer["summary"])
