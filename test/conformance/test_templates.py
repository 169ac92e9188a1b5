"""Chat templates are rendered as transformers renders them, to the byte, or refused."""

import datetime
import itertools
import json
import subprocess
import tempfile
import unicodedata
import unittest
import warnings
from pathlib import Path
from unittest import mock

from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

import definitions
import random_templates
from chats import CONVERSATIONS, VALUES, snippets
from quail import ROOT

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
FOLDER = Path(__file__).parent / "templates"


class Day(datetime.datetime):
    """Of `now`, only the day: Quail takes midnight."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 27)


def render(requests):
    """What Quail makes of each request; see renderTemplates.mjs."""
    lines = "".join(f"{json.dumps(request)}\n" for request in requests)
    command = ["node", str(ROOT / "test/conformance/renderTemplates.mjs")]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.rstrip("\n").split("\n")]
    assert len(answers) == len(requests)
    return answers


def attempt(work):
    """The text, or None where Python raises."""
    try:
        return work()
    except Exception:  # whatever a template can make go wrong
        return None


def is_newer(text):
    """Whether it holds a character that came into Unicode after this Python."""
    return any(unicodedata.category(character) == "Cn" for character in text)


class Templates(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        patch = mock.patch.object(chat_template_utils, "datetime", Day)
        patch.start()
        warnings.simplefilter("ignore", SyntaxWarning)  # of what Jinja compiles a subscript of a number to
        self.addCleanup(patch.stop)

    def test_snippets(self):
        """Features of Jinja one by one. What is refused though Python renders it must be known here by name."""
        templates = snippets()
        values = json.dumps(VALUES)
        answers = render([{"template": template, "values": values} for template in templates])
        different, refused = [], []
        for template, answer in zip(templates, answers):
            expected = attempt(lambda: chat_template_utils._compile_jinja_template(template).render(**json.loads(values)))
            if answer.get("text") == expected:
                continue
            if "not handled by Quail" in answer.get("refused", "") and expected is not None:
                refused.append(template)
            else:
                different.append((template, expected, answer))
        self.assertEqual(different, [])
        self.assertEqual(refused, NOT_HANDLED)
        self.assertGreater(len(templates), 800)

    def test_random(self):
        """Of templates that chance wrote, none is rendered in another way, and few are refused that Python renders."""
        values = json.dumps(VALUES)
        written = random_templates.templates(6000, seed=14)
        different, refused, rendered = [], 0, 0
        for template, answer in zip(written, render([{"template": template, "values": values} for template in written])):
            expected = attempt(lambda: chat_template_utils._compile_jinja_template(template).render(**json.loads(values)))
            rendered += expected is not None
            if "refused" in answer:
                # Python shows where a generator lies in memory, and takes nonsense of constants for undefined.
                refused += expected is not None and " at 0x" not in expected
            elif answer["text"] != expected:
                different.append((template, expected, answer))
        self.assertEqual(different, [])
        self.assertGreater(rendered, 1500)
        self.assertLess(refused, 0.05 * rendered)

    def test_characters(self):
        """What texts say of, and do to, the characters that this Python's Unicode knows."""
        template = "{% for c in chars %}" + "".join(f"{{{{ c.{name}() }}}}\ue000" for name in METHODS) + "{{ [c] }}\ue001{% endfor %}"
        # Of letters without case, ideographs and syllables by the ten thousand, every sixteenth.
        kinds = {code: unicodedata.category(chr(code)) for code in range(0x110000)}
        points = [chr(c) for c, kind in kinds.items() if kind not in ("Cn", "Cs", "Co") and (kind != "Lo" or c % 16 == 0)]
        chunks = [points[at : at + 4096] for at in range(0, len(points), 4096)]
        answers = render([{"template": template, "values": json.dumps({"chars": chunk})} for chunk in chunks])
        compiled = chat_template_utils._compile_jinja_template(template)
        different = []
        for chunk, answer in zip(chunks, answers):
            rows = answer["text"].split("\ue001"), compiled.render(chars=chunk).split("\ue001")
            for character, own, real in zip(chunk, *rows):
                for name, mine, theirs in zip((*METHODS, "repr"), own.split("\ue000"), real.split("\ue000")):
                    if mine != theirs and not is_newer(mine) and not (name == "islower" and character in CHANGED):
                        different.append((hex(ord(character)), name, mine, theirs))
        self.assertEqual(different, [])

    def test_families(self):
        """Templates in the style of families × conversations, through apply_chat_template."""
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **TOKENS)
        cases = [
            (file.name, file.read_text(encoding="utf-8"), name, sample, prompt)
            for file in sorted(FOLDER.glob("*.jinja"))
            for name, sample in CONVERSATIONS.items()
            for prompt in (False, True)
        ]
        requests = [{"template": t, "sample": sample, "tokens": TOKENS, "prompt": p} for _, t, _, sample, p in cases]
        different, rendered = [], 0
        for (file, template, name, sample, prompt), answer in zip(cases, render(requests)):
            row = json.loads(sample)
            row = row if isinstance(row, dict) else {"messages": row}
            expected = attempt(
                lambda: tokenizer.apply_chat_template(
                    row["messages"],
                    tools=row.get("tools"),
                    documents=row.get("documents"),
                    chat_template=template,
                    add_generation_prompt=prompt,
                    tokenize=False,
                )
            )
            rendered += expected is not None
            if answer.get("text") != expected:
                different.append((file, name, prompt, expected, answer))
        self.assertEqual(different, [])
        self.assertGreater(rendered, 0.6 * len(cases))

    def test_parts(self):
        """A template of a processor that writes nothing of texts gets them as lists of one part, as a trainer hands them over."""
        model = definitions.learn()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **TOKENS)
        said = [("system", "Be brief."), ("user", " Who? "), ("assistant", "Well."), ("tool", "A bird."), ("assistant", "A quail.")]
        conversation = [{"role": role, "content": content} for role, content in said]
        listed = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in conversation]
        for template in PARTS:
            with self.subTest(template), tempfile.TemporaryDirectory(prefix="quail-parts-") as folder:
                files = {"tokenizer.json": definitions.families(model)["llama 3"], "config.json": {"model_type": "llama"}}
                files |= {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **TOKENS}, "chat_template.json": {"chat_template": template}}
                for file, content in files.items():
                    (Path(folder) / file).write_text(json.dumps(content), encoding="utf-8")
                bare, expected = (
                    attempt(lambda turns=turns: tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False))
                    for turns in (conversation, listed)
                )
                self.assertNotIn("quail", bare or "", "what transformers makes of texts")
                self.assertIn("quail", expected)
                for sample in (conversation, listed):
                    [answer] = render([{"directory": folder, "sample": json.dumps(sample)}])
                    self.assertEqual(answer, {"text": expected})

    def test_named_tokens(self):
        """Templates get the tokens that AutoTokenizer names: those of the files, else those of the class."""
        model = definitions.learn()
        families = definitions.families(model)
        names = ("bos", "eos", "pad", "unk", "sep", "cls", "mask", "image", "boi")
        template = "|".join(f"{{{{ {name}_token }}}}{{{{ {name}_token is defined }}}}" for name in names)
        token = {"content": "<s>", "__type": "AddedToken", "lstrip": False, "rstrip": False, "normalized": True, "single_word": False}
        given = [
            {},
            {"bos_token": "<s>", "eos_token": "</s>"},
            {"sep_token": "<sep>", "cls_token": "<cls>", "mask_token": "</s>", "image_token": "<img>"},
            {"extra_special_tokens": {"boi_token": "<boi>", "image_token": "<img>"}, "eos_token": None},
            {"bos_token": "", "pad_token": token},
        ]
        classes = [
            *[("llama 3", "llama", "PreTrainedTokenizerFast"), ("llama 2", "llama", "LlamaTokenizer"), ("llama 2", "llama", None)],
            *[("llama 3", "llama", "LlamaTokenizerFast"), ("gemma", "gemma2", "GemmaTokenizer"), ("qwen", "qwen2", "Qwen2Tokenizer")],
            *[("qwen", "qwen3", None), ("gpt-2", "gpt2", "GPT2Tokenizer"), ("gpt-neox", "gpt_neox", "GPTNeoXTokenizerFast")],
            *[("tekken", "mistral", "LlamaTokenizerFast"), ("phi-3", "phi3", "LlamaTokenizerFast"), ("opt", "opt", None), ("bloom", "bloom", None)],
        ]
        requests, expected, cases = [], [], []
        with tempfile.TemporaryDirectory(prefix="quail-named-") as folder:
            for (family, kind, name), tokens in itertools.product(classes, given):
                directory = Path(tempfile.mkdtemp(dir=folder))
                config = {**({} if name is None else {"tokenizer_class": name}), **tokens, "chat_template": template}
                files = {"tokenizer.json": families[family], "config.json": {"model_type": kind}, "tokenizer_config.json": config}
                for file, content in files.items():
                    (directory / file).write_text(json.dumps(content), encoding="utf-8")
                real = AutoTokenizer.from_pretrained(directory)
                expected.append(real.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False))
                requests.append({"directory": str(directory), "sample": '[{"role": "user", "content": "x"}]'})
                cases.append((family, kind, name, tokens))
            answers = render(requests)
        different = [(*case, right, answer) for case, right, answer in zip(cases, expected, answers) if answer.get("text") != right]
        self.assertEqual(different, [])
        self.assertGreater(len(set(expected)), 20)


# Characters of which Unicode 15 and 16 decided anew whether they are lower case.
CHANGED = "\u0295\u10fc\ua7f2\ua7f3\ua7f4\uab69"

# Methods of texts whose result follows from Unicode.
METHODS = (
    *("upper", "lower", "title", "capitalize", "swapcase", "strip", "split", "splitlines"),
    *("isalpha", "isdecimal", "isdigit", "isalnum", "isspace", "islower", "isupper", "istitle", "isprintable", "isidentifier"),
)

# In the manner of LLaVA, of SmolVLM and of Mistral's LLaVA, which fails over texts.
PARTS = [
    "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% for c in m['content'] | selectattr('type', 'equalto', 'text') %}{{ c['text'] + ' ' }}{% endfor %}{% endfor %}",
    "{% for m in messages %}{{ m.role | capitalize }}{% if m['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% elif c['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}{{ eos_token }}{% endfor %}",
    "{% for m in messages %}{{ ' ' + m['content'][0]['text'] + eos_token }}{% endfor %}",
]

# Rendered by Python, refused by Quail with the line: addresses in memory, powers of floats.
NOT_HANDLED = ["{{ 2 ** -1 }}", "{{ 2 ** 0.5 }}", "{{ d.items }}", "{% for i in l %}{{ loop }} {% endfor %}"]

if __name__ == "__main__":
    unittest.main()
