"""config.json means the same to Quail as to transformers: absent keys, nulls, rotary positions, windows, flags."""

import copy
import itertools
import json
import os
import subprocess
import tempfile
import unittest
from importlib import import_module

import huggingface_hub
import torch
from configs import ALWAYS_MASKED, COMMON, FALCON_FACTORS, FIELDS, INSIDE, LAYERED, ROTARY, TYPES, WRAPPERS, Real, Refused, ask, differences, full_config
from forward_cases import CASES, write_cases
from forms import layer_forms, rope_forms, small_config
from quail import ROOT, run
from test_flags import model_of
from tower_cases import TOWERS
from transformers import CONFIG_MAPPING

CONTEXTS = [8]
# Without a list of their layers, numbers of experts, or the size of a head, these are refused.
LISTED = {"lfm2_moe": {"layer_types": ["full_attention"] * 32}}
LISTED["dots1"] = {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2}
LISTED["hunyuan_v1_moe"] = {"head_dim": 16}
LISTED["deepseek_v2"] = {"num_experts_per_tok": 4}
LISTED["ministral"] = {"head_dim": 64}
GRANITES = ("granitemoe", "granitemoeshared", "granitemoe_swa", "granitemoehybrid")
MAMBA2_NULLS = ("mamba_n_groups", "mamba_d_state", "mamba_d_conv", "time_step_limit")
# What the kernel of mamba-ssm norms otherwise than the model says.
DIFFERING_KERNELS = {"falcon_h1: without mamba_norm_before_gate", "falcon_h1: only mamba_rms_norm"}
# Nulls that the config class takes and its model fails on.
FAILING_NULLS = {
    "cohere: layer_norm_eps",
    "cohere: logit_scale",
    "glm: head_dim",
    "glm: num_key_value_heads",
    "qwen3_moe: head_dim",
    "qwen3_moe: num_local_experts",
    "qwen2_moe: num_key_value_heads",
    *[f"{kind}: head_dim" for kind in ("qwen2_moe", "glm4_moe", "ernie4_5_moe", "lfm2_moe", "apertus", *GRANITES)],
    *[f"{kind}: {name}_multiplier" for kind in GRANITES for name in ("attention", "embedding", "residual")],
    *[f"{kind}: {name}" for kind in GRANITES for name in ("logits_scaling", "num_experts_per_tok", "num_local_experts")],
    *[f"ernie4_5_moe: moe_{name}" for name in ("k", "norm_min", "num_experts", "num_shared_experts")],
    *[f"ernie4_5_moe: moe_layer_{name}" for name in ("start_index", "end_index", "interval")],
    "ernie4_5_moe: num_key_value_heads",
    "deepseek_v3: v_head_dim",
    "mistral4: v_head_dim",
    *[f"kimi_linear: {name}" for name in ("v_head_dim", "num_shared_experts")],
    "kimi_linear: model_max_length",  # which its model does not read, and Quail counts tokens by
    *[f"bailing_hybrid: {name}" for name in ("linear_conv_kernel_dim", "linear_head_dim", "linear_num_heads", "model_max_length", "num_shared_experts")],
    "youtu: v_head_dim",
    "phimoe: head_dim",
    "exaone_moe: head_dim",
    *[f"{kind}: num_local_experts" for kind in ("mellum", "kolibri1")],
    "flex_olmo: head_dim",
    *[f"dots1: {name}" for name in ("head_dim", "n_group", "topk_group")],
    *[f"afmoe: {name}" for name in ("head_dim", "num_dense_layers", "num_experts", "num_experts_per_tok", "num_shared_experts", "route_scale")],
    "nanochat: head_dim",
    "olmo_hybrid: head_dim",
    *[f"hy_v3: {name}" for name in ("num_experts", "num_experts_per_tok", "num_shared_experts")],
    *[f"{kind}: {name}" for kind in ("granitemoehybrid", "falcon_h1", "bamba") for name in MAMBA2_NULLS],
    *[f"falcon_h1: {name}_multiplier" for name in FALCON_FACTORS],
    *[f"{kind}: head_dim" for kind in ("falcon_h1", "bamba", "jamba")],
}
# Refused but for the default.
SINGLE = {
    "use_bidirectional_attention",
    "layer_norm_elementwise_affine",
    "add_cross_attention",
    "slow_but_exact",
    "seq_length",
    "n_group",
    "topk_group",
    "moe_apply_router_weight_on_input",
}


class Comparison(unittest.TestCase):
    """Compares many configs at once: a config is a dict with a label."""

    def compare(self, configs, contexts=CONTEXTS, refused=(), wider=()):
        """refused: labels of configs that only Quail refuses; wider: those that only transformers does."""
        answers = ask([{"config": config, "contexts": contexts} for config in configs.values()])
        agreed, wrong = 0, []
        only_ours, only_theirs = {}, {}
        for (label, config), answer in zip(configs.items(), answers, strict=True):
            try:
                real = Real(config)
                if "refused" in answer:
                    real.check(contexts)
                    only_ours[label] = answer["refused"]
                    continue
                found = differences(real, answer, contexts)
                wrong += [f"{label}: {each}" for each in found]
                agreed += not found
            except Refused as error:
                if "refused" not in answer:
                    only_theirs[label] = str(error)
        self.assertEqual(wrong, [])
        self.assertEqual({k: v for k, v in only_ours.items() if k not in refused}, {})
        self.assertEqual({k: v for k, v in only_theirs.items() if k not in wider}, {})
        self.assertEqual(set(refused) - set(only_ours), set(), "no longer refused")
        self.assertEqual(set(wider) - set(only_theirs), set(), "no longer taken")
        return agreed


def settings_of(configs):
    return [answer["settings"] for answer in ask([{"config": config} for config in configs])]


class Defaults(Comparison):
    @classmethod
    def setUpClass(cls):
        """Of each type a config with every key, and those of its keys that Quail reads."""
        cls.whole = {kind: full_config(kind) for kind in TYPES}
        cls.settings = dict(zip(TYPES, settings_of(cls.whole.values()), strict=True))
        rope = {"rope_parameters", "original_max_position_embeddings", "attn_config"}
        cls.read = {
            kind: sorted(cls.whole[kind].keys() & (settings.keys() | rope)) for kind, settings in cls.settings.items()
        }

    def test_every_family_is_here(self):
        with tempfile.TemporaryDirectory() as home:
            listed = json.loads(run(["families", "--json"], home))
        self.assertEqual([entry["modelType"] for entry in listed], sorted([*(kind for kind in TYPES if kind not in INSIDE), *TOWERS]))

    def test_full_configs_differ_from_the_defaults(self):
        """Else dropping a key would show nothing."""
        bare = settings_of([{"model_type": kind, **LISTED.get(kind, {})} for kind in TYPES])
        for kind, defaults in zip(TYPES, bare, strict=True):
            same = {key for key, value in self.settings[kind].items() if value == defaults[key]}
            self.assertLessEqual(same, COMMON | SINGLE, kind)

    def test_keys_dropped(self):
        configs = {}
        for kind, whole in self.whole.items():
            configs[f"{kind}: all"] = whole
            bare = {"model_type": kind, **LISTED.get(kind, {})}
            configs[f"{kind}: none"] = bare
            configs[f"{kind}: those that are read"] = {key: whole[key] for key in ["model_type", *self.read[kind]]}
            for key in self.read[kind]:
                configs[f"{kind}: without {key}"] = {k: v for k, v in whole.items() if k != key}
                configs[f"{kind}: only {key}"] = {**bare, key: whole[key]}
        agreed = self.compare(configs, refused=DIFFERING_KERNELS)
        self.assertGreater(agreed, 0.935 * len(configs), "the others are refused by both")

    def test_keys_null(self):
        configs = {f"{kind}: {key}": {**self.whole[kind], key: None} for kind in TYPES for key in self.read[kind]}
        agreed = self.compare(configs, refused=FAILING_NULLS)
        self.assertGreaterEqual(agreed, 25, "the others are refused by both")

    def test_nulls_of_keys_that_nobody_reads(self):
        unread = [
            (kind, key) for kind, whole in self.whole.items() for key in whole.keys() - {"model_type", *self.read[kind]}
        ]
        nulled = settings_of([{**self.whole[kind], key: None} for kind, key in unread])
        for (kind, key), settings in zip(unread, nulled, strict=True):
            self.assertEqual(settings, self.settings[kind], f"{kind}: {key}")


class Saved(unittest.TestCase):
    def test_what_transformers_saves_of_a_config_means_the_same(self):
        """Its classes put values in the place of others, and those into the files of every checkpoint that is trained."""
        given = {f"{kind}: small": small_config(kind) for kind in TYPES if kind not in WRAPPERS}
        given |= {f"{kind}: bare": {"model_type": kind, **LISTED.get(kind, {})} for kind in TYPES if kind not in WRAPPERS}
        saved = [json.loads(CONFIG_MAPPING[one["model_type"]].from_dict(copy.deepcopy(one)).to_json_string()) for one in given.values()]
        answers = ask([{"config": config} for config in [*given.values(), *saved]])
        for label, own, other in zip(given, answers[: len(given)], answers[len(given) :], strict=True):
            self.assertEqual(other.get("refused"), own.get("refused"), label)
            self.assertEqual(other.get("settings"), own.get("settings"), label)


class Rotary(Comparison):
    """Families × forms, for rows within the original context, within the positions, and beyond both."""

    def test_forms(self):
        configs = {}
        for kind in ROTARY:
            frequencies, _ = Real(small_config(kind)).rotations(8)[0]
            pairs = len(frequencies)
            for label, form in rope_forms(pairs).items():
                configs[f"{kind}: {label}"] = {**small_config(kind), **form}
        # Old files of Phi-3 have the original context beside; transformers 4 read them, 5 does not.
        wider = {"phi3: su without original", "phi3: su with original beside"}
        agreed = self.compare(configs, [8, 40, 100], wider=wider)
        self.assertGreater(agreed, 0.6 * len(configs), "the others are refused by both")


class Layers(Comparison):
    def test_forms(self):
        configs = {label: config for kind in TYPES for label, config in layer_forms(kind)}
        agreed = self.compare(configs)
        self.assertGreater(agreed, 0.5 * len(configs), "the others are refused by both")


    def test_windows_that_are_null_where_no_layer_slides(self):
        """The models say themselves whether they compute then."""
        layers = {"layer_types": ["full_attention"] * 3, "sliding_window": None, "pad_token_id": 0}
        kinds = [kind for kind in TYPES if kind in LAYERED and "sliding_window" in FIELDS[kind]]
        configs = [{**small_config(kind), **layers} for kind in kinds]
        refusing = set()
        for kind, config, answer in zip(kinds, configs, ask([{"config": config} for config in configs]), strict=True):
            try:
                with torch.no_grad():
                    model_of(config)(torch.arange(8)[None])
                if kind != "gemma3":  # which by itself, as its text model, does not; Quail goes by that one
                    self.assertNotIn("refused", answer, kind)
            except (ValueError, TypeError, huggingface_hub.errors.StrictDataclassError) as error:
                self.assertIn("sliding_window is null, expected", answer.get("refused", ""), f"{kind}: {error}")
                refusing.add(kind)
        self.assertGreaterEqual(refusing, ALWAYS_MASKED - {"qwen2_moe"})


class Forward(unittest.TestCase):
    def test_models_of_configs_that_are_easily_misread(self):
        """The golden tests of the families, over models that are made here."""
        with tempfile.TemporaryDirectory(prefix="quail-configs-") as folder:
            write_cases(folder)
            done = subprocess.run(
                ["npx", "vitest", "run", "test/golden/families.test.ts", "--reporter=json"],
                cwd=ROOT,
                env={**os.environ, "QUAIL_GOLDEN": folder},
                capture_output=True,
                text=True,
            )
        results = json.loads(done.stdout[done.stdout.index("{") :])
        failed = [
            test for file in results["testResults"] for test in file["assertionResults"] if test["status"] != "passed"
        ]
        # What was found is part of the answer: some failures come only in the course of the whole suite.
        self.assertEqual([(test["fullName"], test["failureMessages"]) for test in failed], [])
        self.assertEqual(results["numPassedTests"], 5 * len(CASES), done.stderr)


class Around(unittest.TestCase):
    """Of models around text models that are read by themselves: which one is meant, what ties the head, what stands for images."""

    LACKING = object()
    FAILING = {"glm4v", "glm46v", "glm4v_moe", "hunyuan_vl"}  # whose models fail on the streams of positions that are meant where none are given
    PLACEHOLDERS = ("image_token_id", "video_token_id")

    def ask(self, configs):
        lines = "".join(f"{json.dumps({'config': config, 'contexts': CONTEXTS})}\n" for config in configs)
        command = ["node", str(ROOT / "test/conformance/settings.mjs")]
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def forms(self):
        """By a label: config.json of each kind with every form of what ties the head, and without its text model's config."""
        for kind, tower in TOWERS.items():
            text = {key: value for key, value in tower["text_config"].items() if key != "tie_word_embeddings"}
            for outer, inner in itertools.product((self.LACKING, None, True, False), (self.LACKING, True, False)):
                others = {"model_type": kind, "vision_config": tower["vision_config"]}
                config = {**others, "text_config": text if inner is self.LACKING else {**text, "tie_word_embeddings": inner}}
                given = "absent" if outer is self.LACKING else outer
                within = "absent" if inner is self.LACKING else inner
                yield f"{kind}: {given} around {within}", config if outer is self.LACKING else {**config, "tie_word_embeddings": outer}
            if kind not in self.FAILING:
                yield f"{kind}: no text_config", {"model_type": kind}
                yield f"{kind}: null", {"model_type": kind, "text_config": None}
        for kind, tied in itertools.product(("paddleocr_vl", "hunyuan_vl"), (self.LACKING, True, False)):
            beside = {key: value for key, value in TOWERS[kind]["text_config"].items() if key != "model_type"}
            given = {} if tied is self.LACKING else {"tie_word_embeddings": tied}
            yield f"{kind}: keys beside, {tied}", {**beside, **given, "model_type": kind}
        names = {"head_dim": 7, "attention_head_dim": 8, "vocab_size": 90, "org_vocab_size": 96}
        yield "hunyuan_vl: other names", {**TOWERS["hunyuan_vl"]["text_config"], **names, "model_type": "hunyuan_vl"}
        for inner in (True, False):
            yield f"lfm2_vl: tie_embedding {inner}", {"model_type": "lfm2_vl", "tie_word_embeddings": not inner, "tie_embedding": inner}

    def test_they_mean_the_same(self):
        forms = dict(self.forms())
        wrong, agreed = [], 0
        for (label, config), answer in zip(forms.items(), self.ask(forms.values()), strict=True):
            try:
                real = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config))
            except Exception as error:
                if "refused" not in answer:
                    wrong.append(f"{label}: refused by transformers alone: {error}")
                continue
            if "refused" in answer:
                wrong.append(f"{label}: {answer['refused']}")
                continue
            wrong += [f"{label}: {each}" for each in self.differences(real, answer)]
            agreed += 1
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertGreater(agreed, 0.7 * len(forms), "the others are refused by both")

    def differences(self, real, answer):
        text = real.get_text_config().to_dict()
        settings = {key: value for key, value in answer["settings"].items() if key in text and key != "tie_word_embeddings"}
        found = [f"{key}: {text[key]} read as {value}" for key, value in settings.items() if text[key] != value]
        if bool(real.tie_word_embeddings) != answer["settings"]["tie_word_embeddings"]:
            found.append(f"tie_word_embeddings: {real.tie_word_embeddings}")
        theirs = {getattr(real, name) for name in self.PLACEHOLDERS if getattr(real, name, None) is not None}
        if theirs != set(answer["placeholders"]):
            found.append(f"stand for images: {theirs} read as {answer['placeholders']}")
        return found

    LISTS = {"mrope_section": [8, 12, 12]}
    # As files of each kind have them, and scaled.
    ROTARY = (
        ("glm4v", {"partial_rotary_factor": 0.5, "rope_scaling": {"type": "default", **LISTS}, "rope_theta": 5000.0}),
        ("glm4v", {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5, **LISTS}}),
        ("glm46v", {"partial_rotary_factor": None, "rope_parameters": {"rope_type": "default", "mrope_section": [20, 22, 22]}}),
        ("glm4v_moe", {"head_dim": 128, "partial_rotary_factor": 0.5, "rope_scaling": {"rope_type": "default", **LISTS}, "rope_theta": 10000.0}),
        ("glm4v_moe", {"head_dim": 128, "rope_scaling": {"rope_type": "default", **LISTS}}),
        ("glm4v_moe", {"head_dim": 64, "rope_parameters": {"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 1.0, **LISTS}}),
        ("glm_ocr", {"head_dim": 128, "rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5, **LISTS}}),
        ("paddleocr_vl", {"rope_scaling": {"rope_type": "default", "mrope_section": [16, 24, 24]}, "rope_theta": 400000.0}),
        ("paddleocr_vl", {"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}}),
        ("hunyuan_vl", {"attention_head_dim": 128, "rope_scaling": {"type": "xdrope", "alpha": 1000.0, "factor": 1.0, "xdrope_section": [16] * 4}}),
        ("hunyuan_vl", {"head_dim": 128, "rope_parameters": {"rope_type": "linear", "factor": 2.0, "mrope_section": [32.0, 16, 16]}}),
        ("granite_docling", {"head_dim": 32, "rope_scaling": {"rope_type": "linear", "factor": 3.0}}),
    )

    def test_texts_rotate_the_same(self):
        configs = [{"model_type": kind, "text_config": text} for kind, text in self.ROTARY]
        for config, answer in zip(configs, self.ask(configs), strict=True):
            with self.subTest(config):
                text = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config)).get_text_config()
                module = import_module(type(text).__module__.replace("configuration_", "modeling_"))
                [name] = [name for name in vars(module) if name.endswith("RotaryEmbedding") and "Vision" not in name]
                rotary = getattr(module, name)(text)
                [[ours]] = answer["rotations"]
                found = torch.tensor([*ours["frequencies"], ours["magnitude"]])
                # Powers in float32.
                torch.testing.assert_close(found, torch.tensor([*rotary.inv_freq, rotary.attention_scaling]), rtol=1e-6, atol=0)
