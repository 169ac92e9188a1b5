"""Ids of texts are those of Python's tokenizers and transformers, for every text."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from configs import TYPES
from definitions import SPECIALS, added, byte_level, components, families, learn, template, tokenizer
from quail import ROOT
from texts import nasty_texts
from tokenizers import Tokenizer
from tower_cases import TOWERS
from transformers import AutoTokenizer, PreTrainedTokenizerFast

SCRIPT = ROOT / "test/conformance/tokens.mjs"
FAMILY_TEXTS = (1600, 1400)  # mixed ones, and characters by themselves
COMPONENT_TEXTS = (350, 350)


def quail(questions):
    """Asks Quail once: questions are of (directory, texts, whether with special tokens)."""
    lines = [json.dumps({"directory": str(directory), "texts": texts, "special": special}) for directory, texts, special in questions]
    done = subprocess.run(["node", str(SCRIPT)], input="\n".join(lines), capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise AssertionError(f"{SCRIPT.name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = learn()
        cls.folder = tempfile.TemporaryDirectory(prefix="quail-tokens-")
        cls.addClassCleanup(cls.folder.cleanup)

    def lay(self, files):
        directory = Path(tempfile.mkdtemp(dir=self.folder.name))
        for name, content in files.items():
            (directory / name).write_text(json.dumps(content), encoding="utf-8")
        return directory

    def assert_same(self, expected, answers, texts):
        """Both by name; expected holds functions that give the ids of a list of texts."""
        different, tokens = [], 0
        for name, ids_of in expected.items():
            self.assertNotIn("refused", answers[name], name)
            ids = ids_of(texts)
            self.assertEqual(len(answers[name]["ids"]), len(texts), name)
            for text, right, ours in zip(texts, ids, answers[name]["ids"], strict=True):
                tokens += len(right)
                if right != ours:
                    different.append(f"{name}: {text!r}: {right[:40]}, Quail {ours[:40]}")
        self.assertEqual(different[:20], [], f"{len(different)} of {len(texts) * len(expected)} differ")
        self.assertGreater(tokens, 2 * len(texts) * len(expected))

    def compare(self, definitions, counts, seed):
        texts = nasty_texts(counts[0], seed, [*SPECIALS, "<|x|>", "<|x|><|y|>", "état", "STATE"], counts[1])
        directories = {name: self.lay({"tokenizer.json": definition}) for name, definition in definitions.items()}
        answers = quail([(directory, texts, True) for directory in directories.values()])
        expected = {}
        for name, definition in definitions.items():
            library = Tokenizer.from_str(json.dumps(definition))
            library.no_truncation()
            library.no_padding()
            expected[name] = lambda each, library=library: [encoding.ids for encoding in library.encode_batch(each)]
        self.assert_same(expected, dict(zip(definitions, answers, strict=True)), texts)

    def test_families(self):
        definitions = families(self.model)
        self.assertGreaterEqual(len(definitions), 25)
        self.compare(definitions, FAMILY_TEXTS, 14)

    def test_components(self):
        self.compare(components(self.model), COMPONENT_TEXTS, 15)

    def test_special_tokens_of_other_files(self):
        """What transformers adds to tokenizer.json, and what it takes for text."""
        vocab = self.model["byte"]["vocab"]
        size = len(vocab)
        own = [added("<s>", vocab["<s>"]), added("<fim>", size, special=False, normalized=True)]
        base = tokenizer(self.model["byte"], byte_level(), {"type": "NFC"}, template(vocab, "<s>", "$A"), own)
        end = {"content": "<|end|>", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False, "special": True}
        word = {**end, "content": "the", "single_word": True, "special": False, "lstrip": False}
        listed = {str(vocab["<s>"]): {**end, "content": "<s>", "lstrip": False}, str(size + 1): end, str(size + 2): word}
        cases = {
            "nothing else": {},
            "added_tokens_decoder": {"tokenizer_config.json": {"added_tokens_decoder": listed}},
            "decoder and names": {"tokenizer_config.json": {"added_tokens_decoder": listed, "eos_token": "<|end|>", "pad_token": "<pad>", "mask_token": "the"}},
            "a name that the vocabulary has": {"tokenizer_config.json": {"eos_token": "</s>", "unk_token": "<|im_end|>"}},
            "a name that it has not": {"tokenizer_config.json": {"eos_token": "<|eot|>", "image_token": "<img>"}},
            "an object": {"tokenizer_config.json": {"eos_token": {**end, "__type": "AddedToken"}}},
            "additional": {"tokenizer_config.json": {"additional_special_tokens": ["<q>", "<|im_start|>", {**end, "__type": "AddedToken"}]}},
            "extra": {"tokenizer_config.json": {"extra_special_tokens": ["<q>", "<r>"], "additional_special_tokens": ["<z>"]}},
            "extra by name": {"tokenizer_config.json": {"extra_special_tokens": {"boi_token": "<boi>", "eoi_token": "<q>"}}},
            "added_tokens.json": {"added_tokens.json": {"<q>": size + 1, "whale": size + 2}, "tokenizer_config.json": {"eos_token": "<q>"}},
            "special_tokens_map.json": {"special_tokens_map.json": {"eos_token": {**end}, "pad_token": "<pad>", "additional_special_tokens": ["<q>"]}},
            "map before config": {"special_tokens_map.json": {"eos_token": "<r>"}, "tokenizer_config.json": {"eos_token": "<q>"}},
            "decoder before map": {"special_tokens_map.json": {"eos_token": "<r>"}, "tokenizer_config.json": {"added_tokens_decoder": listed}},
            "flags": {"tokenizer_config.json": {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": False, "add_eos_token": True}},
            "split_special_tokens": {"tokenizer_config.json": {"split_special_tokens": True, "added_tokens_decoder": listed, "eos_token": "<|im_end|>", "additional_special_tokens": ["<q>"]}},
        }
        for files in cases.values():
            files["tokenizer.json"] = base
            files["tokenizer_config.json"] = {"tokenizer_class": "PreTrainedTokenizerFast", **files.get("tokenizer_config.json", {})}
        specials = ["<s>", "</s>", "<|end|>", " <|end|> ", "the", "<q>", "<r>", "<z>", "<img>", "<boi>", "whale", "<pad>", "<|eot|>", "<fim>", *SPECIALS]
        texts = nasty_texts(500, 16, specials, 20) + ["".join(pair) for pair in zip(specials, reversed(specials), strict=True)] + specials
        directories = {name: self.lay(files) for name, files in cases.items()}
        expected = {}
        for name, directory in directories.items():
            real = AutoTokenizer.from_pretrained(directory)
            expected[name] = lambda each, real=real: real(each)["input_ids"]
        answers = quail([(directory, texts, True) for directory in directories.values()])
        self.assert_same(expected, dict(zip(cases, answers, strict=True)), texts)
        kinds = {json.dumps(ids_of(texts)) for ids_of in expected.values()}
        self.assertGreaterEqual(len(kinds), len(cases) - 2, "the cases hardly differ, so they show nothing")

    def test_classes_that_build_their_own(self):
        """Quail says so exactly where AutoTokenizer makes other tokens than the tokenizer.json."""
        definitions = families(self.model)
        cases = [
            *[("llama 2", "llama", name) for name in ("LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizerFast", None)],
            *[("llama 2", "mistral", "LlamaTokenizer"), ("phi-3", "phi3", "LlamaTokenizerFast"), ("tekken", "mistral", "PreTrainedTokenizerFast")],
            *[("llama 2, metaspace", "llama", "LlamaTokenizer"), ("mistral", "llama", "LlamaTokenizer"), ("llama 3", "llama", "LlamaTokenizerFast")],
            *[("gemma", kind, name) for kind in ("gemma", "gemma2", "gemma3_text") for name in ("GemmaTokenizerFast", None)],
            *[("gemma 3", "gemma3_text", "GemmaTokenizer"), ("llama 2", "gemma", "GemmaTokenizer"), ("llama 2", "gemma", "PreTrainedTokenizerFast")],
            *[("qwen", kind, name) for kind in ("qwen2", "qwen3", "qwen3_5_text") for name in ("Qwen2Tokenizer", "PreTrainedTokenizerFast", None)],
            *[("llama 3", kind, "LlamaTokenizerFast") for kind in ("qwen2", "qwen3", "phi3")],
            *[("gpt-2", "gpt2", "GPT2Tokenizer"), ("gpt-2", "opt", None), ("smollm", "gpt2", None), ("smollm", "llama", "GPT2Tokenizer"), ("smollm", "llama", "PreTrainedTokenizerFast")],
            *[("gpt-neox", "gpt_neox", name) for name in ("GPTNeoXTokenizerFast", None)],
            *[(name, kind, "LlamaTokenizer") for name in ("llama 2", "llama 3") for kind in TYPES],
            *[("gpt-2", kind, name) for kind in TYPES for name in ("GPT2Tokenizer", None)],
            *[case for kind in TOWERS for case in (("llama 3", kind, "LlamaTokenizer"), ("gpt-2", kind, None))],
            *[("gpt-2", "gpt_neox", "GPTNeoXTokenizer"), ("bloom", "bloom", "BloomTokenizerFast"), ("bloom", "bloom", None), ("olmo 2", "llama", "GPT2Tokenizer")],
        ]
        texts = nasty_texts(400, 17, SPECIALS, 200) + [f"{one}a{two}b" for one in SPECIALS for two in SPECIALS]
        directories = []
        for family, kind, name in cases:
            vocab = definitions[family]["model"]["vocab"]
            names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>" if "<unk>" in vocab else "</s>"}
            config = {**names, **({} if name is None else {"tokenizer_class": name})}
            files = {"tokenizer.json": definitions[family], "config.json": {"model_type": kind}, "tokenizer_config.json": config}
            directories.append(self.lay(files))
        answers = quail([(directory, texts, True) for directory in directories])
        told = 0
        for case, directory, answer in zip(cases, directories, answers, strict=True):
            self.assertNotIn("refused", answer, case)
            built, executed = AutoTokenizer.from_pretrained(directory), PreTrainedTokenizerFast.from_pretrained(directory)
            self.assertEqual(answer["ids"], executed(texts)["input_ids"], case)
            same = built(texts)["input_ids"] == answer["ids"]
            self.assertEqual(answer.get("rebuilt"), None if same else type(built).__name__, case)
            told += not same
        self.assertGreater(told, 3)


if __name__ == "__main__":
    unittest.main()
