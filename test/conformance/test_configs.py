"""config.json means the same to Quail as to transformers: absent keys, nulls, rotary positions, windows, flags."""

import json
import unittest

from configs import FULL, TYPES, Real, Refused, ask, differences, full_config

CONTEXTS = [8]
# Written into every file, and read by no reader.
COMMON = {"is_causal", "per_layer_config"}
# Refused but for the default.
SINGLE = {"use_bidirectional_attention", "layer_norm_elementwise_affine", "add_cross_attention", "seq_length"}


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
        rope = {"rope_parameters", "original_max_position_embeddings"}
        cls.read = {kind: sorted(cls.whole[kind].keys() & (settings.keys() | rope)) for kind, settings in cls.settings.items()}

    def test_full_configs_differ_from_the_defaults(self):
        """Else dropping a key would show nothing."""
        bare = settings_of([{"model_type": kind} for kind in TYPES])
        for kind, defaults in zip(TYPES, bare, strict=True):
            same = {key for key, value in self.settings[kind].items() if value == defaults[key]}
            self.assertLessEqual(same, COMMON | SINGLE, kind)

    def test_keys_dropped(self):
        configs = {}
        for kind, whole in self.whole.items():
            configs[f"{kind}: all"] = whole
            configs[f"{kind}: none"] = {"model_type": kind}
            configs[f"{kind}: those that are read"] = {key: whole[key] for key in ["model_type", *self.read[kind]]}
            for key in self.read[kind]:
                configs[f"{kind}: without {key}"] = {k: v for k, v in whole.items() if k != key}
                configs[f"{kind}: only {key}"] = {"model_type": kind, key: whole[key]}
        agreed = self.compare(configs)
        self.assertGreater(agreed, 0.95 * len(configs), "the others are refused by both")

    def test_keys_null(self):
        configs = {f"{kind}: {key}": {**self.whole[kind], key: None} for kind in TYPES for key in self.read[kind]}
        agreed = self.compare(configs)
        self.assertGreaterEqual(agreed, 25, "the others are refused by both")

    def test_nulls_of_keys_that_nobody_reads(self):
        unread = [(kind, key) for kind, whole in self.whole.items() for key in whole.keys() - {"model_type", *self.read[kind]}]
        nulled = settings_of([{**self.whole[kind], key: None} for kind, key in unread])
        for (kind, key), settings in zip(unread, nulled, strict=True):
            self.assertEqual(settings, self.settings[kind], f"{kind}: {key}")
