"""Small tokenizers of the families that people use, and of every component, as tokenizer.json would hold them.

Their vocabularies are learned without word boundaries, so that many tokens reach over the places at which a text is cut:
a cut at another place then shows in the ids.
"""

import base64
import itertools
import json
import struct

from quail import CALIBRATION
from texts import WORDS, nasty_texts
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

BYTE_PIECES = [f"<0x{byte:02X}>" for byte in range(256)]
SPECIALS = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "[CLS]", "[SEP]"]


def corpus():
    text = CALIBRATION.read_text(encoding="utf-8")
    return [text[at : at + 100] for at in range(0, 100_000, 100)] + nasty_texts(1200, 7, pairs=3000)


def learned(trainer, model, texts, pre_tokenizer=None):
    tokenizer = Tokenizer(model)
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]


def learn():
    """The models: byte-level BPE, BPE and Unigram with ▁ for spaces, WordPiece, BPE with marks of words."""
    texts = corpus()
    quiet = {"show_progress": False}
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    byte = learned(trainers.BpeTrainer(vocab_size=1500, initial_alphabet=alphabet, **quiet), models.BPE(), texts, whole)
    marked = ["▁" + text.replace(" ", "▁") for text in texts]
    few = [*marked[:1000], *("▁" + word.replace(" ", "▁") for word in WORDS)]  # it needs a token for every character
    limit = {"limit_alphabet": 300, **quiet}
    piece = learned(trainers.BpeTrainer(vocab_size=1500, special_tokens=["<unk>"], **limit), models.BPE(), marked)
    unigram = learned(trainers.UnigramTrainer(vocab_size=1000, unk_token="<unk>", special_tokens=["<unk>"], **quiet), models.Unigram(), few)
    words = pre_tokenizers.BertPreTokenizer()
    wordpiece = learned(trainers.WordPieceTrainer(vocab_size=1200, special_tokens=["[UNK]"], **limit), models.WordPiece(unk_token="[UNK]"), texts, words)
    suffix = {"end_of_word_suffix": "</w>"}
    ended = learned(trainers.BpeTrainer(vocab_size=1200, special_tokens=["<unk>"], **suffix, **limit), models.BPE(unk_token="<unk>", **suffix), texts, words)
    prefix = {"continuing_subword_prefix": "##"}
    continued = learned(trainers.BpeTrainer(vocab_size=1200, special_tokens=["<unk>"], **prefix, **limit), models.BPE(unk_token="<unk>", **prefix), texts, words)
    level = learned(trainers.WordLevelTrainer(vocab_size=900, special_tokens=["<unk>"], **quiet), models.WordLevel(unk_token="<unk>"), texts, pre_tokenizers.Whitespace())
    return {
        "byte": with_tokens(byte, SPECIALS[1:]),
        "piece": with_tokens({**piece, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}, [*SPECIALS, *BYTE_PIECES]),
        "unknown": {**piece, "unk_token": "<unk>", "fuse_unk": False},
        "dropping": {**piece, "unk_token": None},
        "unigram": unigram,
        "unigram-bytes": {**unigram, "byte_fallback": True, "vocab": unigram["vocab"] + [[name, -20.0] for name in BYTE_PIECES]},
        "ties": {**unigram, "vocab": [[name, score and -float(round(-score))] for name, score in unigram["vocab"]]},
        "wordpiece": with_tokens(wordpiece, ["[CLS]", "[SEP]"]),
        "ended": ended,
        "continued": continued,
        "level": level,
    }


def with_tokens(model, tokens):
    vocab = dict(model["vocab"])
    for token in tokens:
        vocab.setdefault(token, len(vocab))
    return {**model, "vocab": vocab}


def added(content, id, **options):
    token = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {**token, **options}


def chars_map(replacements):
    """A precompiled_charsmap: every node of the trie has 256 units of its own."""
    texts, starts = b"", {}
    for value in replacements.values():
        starts[value] = len(texts)
        texts += value.encode() + b"\0"
    nodes = {b"": 1}
    for key in replacements:
        data = key.encode()
        for length in range(1, len(data) + 1):
            nodes.setdefault(data[:length], len(nodes) + 1)
    units = [0] * (256 * (len(nodes) + 1))
    leaves = {key.encode(): starts[value] for key, value in replacements.items()}
    for data, block in nodes.items():
        base = 256 * block
        place = 0 if data == b"" else 256 * nodes[data[:-1]] ^ data[-1]
        units[place] = (data[-1] if data else 0) | (data in leaves) << 8 | (place ^ base) << 10
        if data in leaves:
            units[base] = leaves[data] | 1 << 31
    return base64.b64encode(struct.pack(f"<{len(units) + 1}I", 4 * len(units), *units) + texts).decode()


CHARS = {"ﬁ": "fi", "½": "1⁄2", "①": "1", "\u3000": " ", "\xa0": " ", "Å": "A\u030a", "\u00ad": "", "\t": " ", "\n": " ", "e\u0301": "é", "Ａ": "A", "㎏": "kg", "\u200b": " "}
PRECOMPILED = {"type": "Precompiled", "precompiled_charsmap": chars_map(CHARS)}

GPT2_REGEX = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3_REGEX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_REGEX = LLAMA3_REGEX.replace(r"\p{N}{1,3}", r"\p{N}")
TEKKEN_REGEX = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
POSSESSIVE_REGEX = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
KIMI_REGEX = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK3_REGEX = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
WORDS_REGEX = r"\b\w+\b|\d|(?<=x)\W+|[[:punct:]]+|[[:space:]]+|\X|\h+"
THREES_REGEX = r"(?<=\d)(?=(?:\d{3})+(?!\d))"


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(use_regex=True, add_prefix_space=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}


def chain(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def digits(individual=True):
    return {"type": "Digits", "individual_digits": individual}


def metaspace(prepend_scheme="always", split=True, replacement="▁"):
    return {"type": "Metaspace", "replacement": replacement, "prepend_scheme": prepend_scheme, "split": split}


def normalizers(*parts):
    return {"type": "Sequence", "normalizers": [part if isinstance(part, dict) else {"type": part} for part in parts]}


def replace(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def template(ids, *pieces):
    """$A for the text."""
    single = [{"Sequence": {"id": "A", "type_id": 0}} if p == "$A" else {"SpecialToken": {"id": p, "type_id": 0}} for p in pieces]
    told = {p: {"id": p, "ids": [ids[p]], "tokens": [p]} for p in pieces if p != "$A"}
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": told}


def tokenizer(model, pre_tokenizer=None, normalizer=None, post_processor=None, added_tokens=()):
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(added_tokens),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": None,
        "model": model,
    }


def families(model):
    """By name: more than twenty families of decoders, and those of BERT and T5 for their parts."""
    ids = model["byte"]["vocab"]
    pieces = model["piece"]["vocab"]
    chat = [added(name, ids[name]) for name in SPECIALS[1:5]]
    named = [added(name, pieces[name]) for name in SPECIALS[:3]]
    legacy = normalizers({"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"))
    begin = template(pieces, "<s>", "$A")
    ignoring = {**model["byte"], "ignore_merges": True}
    size = len(ids)
    spaces = [added(" " * n, size + n - 2, normalized=True, special=False) for n in range(2, 12)]
    turned = [added(name, pieces[name], rstrip=True) for name in SPECIALS[3:5]]
    byte = model["byte"]
    return {
        "llama 2": tokenizer(model["piece"], None, legacy, begin, named),
        "llama 2, metaspace": tokenizer(model["piece"], metaspace("first", False), None, begin, named),
        "mistral": tokenizer(model["piece"], metaspace("always", False), None, begin, named),
        "phi-3": tokenizer(model["piece"], None, legacy, begin, named + turned),
        "gemma": tokenizer(model["piece"], split(" ", "MergedWithPrevious", kind="String"), replace(" ", "▁"), begin, named),
        "gemma 3": tokenizer(model["piece"], None, replace(" ", "▁"), begin, named + [added("\n" * n, len(pieces) + n, special=False) for n in range(1, 5)]),
        "llama 3": tokenizer(ignoring, chain(split(LLAMA3_REGEX), byte_level(False)), None, {"type": "Sequence", "processors": [byte_level(), template(ids, "<s>", "$A")]}, chat),
        "tekken": tokenizer(ignoring, chain(split(TEKKEN_REGEX), byte_level(False)), None, None, chat),
        "qwen": tokenizer(byte, chain(split(QWEN_REGEX), byte_level(False)), {"type": "NFC"}, byte_level(), chat),
        "gpt-2": tokenizer(byte, byte_level(), None, byte_level(), chat),
        "gpt-neox": tokenizer(byte, byte_level(), {"type": "NFC"}, byte_level(), chat + spaces),
        "opt": tokenizer(byte, byte_level(), None, template(ids, "</s>", "$A"), chat),
        "bloom": tokenizer(byte, chain(split(" ?[^(\\s|[.,!?…。，、।۔،])]+"), byte_level(False)), None, byte_level(), chat),
        "smollm": tokenizer(byte, chain(digits(), byte_level()), None, None, chat),
        "starcoder": tokenizer(byte, chain(digits(), byte_level()), None, byte_level(), chat + spaces[:2]),
        "falcon": tokenizer(byte, chain({"type": "Punctuation", "behavior": "Contiguous"}, byte_level(), digits(False), split("[0-9][0-9][0-9]")), None, None, chat),
        "deepseek coder": tokenizer(byte, chain(split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), digits(), byte_level(False)), None, byte_level(), chat),
        "deepseek v3": tokenizer(byte, chain(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK3_REGEX), byte_level(False)), None, byte_level(), chat),
        "olmo 2": tokenizer(byte, chain(split(LLAMA3_REGEX), byte_level(False)), None, None, chat + spaces),
        "granite": tokenizer(byte, chain(digits(), byte_level()), None, template(ids, "$A", "</s>"), chat),
        "glm-4": tokenizer(ignoring, chain(split(LLAMA3_REGEX), byte_level(False)), None, template(ids, "<s>", "$A"), chat),
        "cohere": tokenizer(byte, chain(digits(), byte_level()), {"type": "NFC"}, template(ids, "<s>", "$A"), chat),
        "gpt-4": tokenizer(byte, chain(split(POSSESSIVE_REGEX), byte_level(False)), None, None, chat),
        "kimi": tokenizer(byte, chain(split(KIMI_REGEX), byte_level(False)), None, None, chat),
        "bert": tokenizer(model["wordpiece"], {"type": "BertPreTokenizer"}, {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, template(model["wordpiece"]["vocab"], "[CLS]", "$A", "[SEP]")),
        "t5": tokenizer(model["unigram"], chain({"type": "WhitespaceSplit"}, metaspace()), PRECOMPILED),
        "albert": tokenizer(model["unigram"], metaspace(), normalizers(replace("``", '"'), replace("''", '"'), "NFKD", "StripAccents", "Lowercase", PRECOMPILED)),
        "clip": tokenizer(model["ended"], chain(split(r"'s|'t|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "Removed", True)), normalizers("NFC", replace(r"\s+", " ", "Regex"), "Lowercase")),
    }


def components(model):
    """By name: one tokenizer for every other component and setting."""
    byte, plain = model["byte"], model["unknown"]
    found = {}
    behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    for behavior, invert, (kind, pattern) in itertools.product(behaviors, [False, True], [("String", "e"), ("Regex", r"[\s\d]"), ("Regex", "")]):
        found[f"split {kind} {pattern!r} {behavior} {invert}"] = tokenizer(byte, chain(split(pattern, behavior, invert, kind), byte_level(False)))
    for name, regex in {"words": WORDS_REGEX, "threes": THREES_REGEX, "gpt-2": GPT2_REGEX}.items():
        found[f"regex {name}"] = tokenizer(byte, chain(split(regex), byte_level(False)))
    for behavior in behaviors:
        found[f"punctuation {behavior}"] = tokenizer(byte, chain({"type": "Punctuation", "behavior": behavior}, byte_level(False)))
    for scheme, cut in itertools.product(["always", "first", "never"], [True, False]):
        found[f"metaspace {scheme} {cut}"] = tokenizer(model["unigram"], metaspace(scheme, cut), added_tokens=[added("<unk>", 0)])
    for kind in ["Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts"]:
        found[kind] = tokenizer(byte, chain({"type": kind}, byte_level(False)))
    found["CharDelimiterSplit"] = tokenizer(byte, chain({"type": "CharDelimiterSplit", "delimiter": "e"}, byte_level(False)))
    found["FixedLength"] = tokenizer(byte, chain({"type": "FixedLength", "length": 5}, byte_level(False)))
    found["digits together"] = tokenizer(byte, chain(digits(False), byte_level(False)))
    found["prefix space"] = tokenizer(byte, byte_level(True, True), added_tokens=[added("<s>", byte["vocab"]["<s>"])])
    for kind in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", PRECOMPILED, replace(r"\p{M}+|\s{2,}", "_", "Regex"), replace("e", ""), {"type": "Prepend", "prepend": "x "}]:
        name = kind if isinstance(kind, str) else f"{kind['type']} {kind.get('content', kind.get('prepend', ''))!r}"
        found[f"normalizer {name}"] = tokenizer(byte, byte_level(False), normalizers(kind))
    for left, right in itertools.product([True, False], repeat=2):
        strip = {"type": "Strip", "strip_left": left, "strip_right": right}
        found[f"strip {left} {right}"] = tokenizer(byte, byte_level(False), strip, added_tokens=[added("<s>", byte["vocab"]["<s>"])])
    for clean, chinese, accents, lower in itertools.product([True, False], repeat=4):
        bert = {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents, "lowercase": lower}
        found[f"bert {clean} {chinese} {accents} {lower}"] = tokenizer(byte, byte_level(False), bert)
    found["normalizer ByteLevel"] = tokenizer(byte, None, {"type": "ByteLevel"})
    found["unknown, one by one"] = tokenizer(plain, None, replace(" ", "▁"))
    found["unknown, fused"] = tokenizer({**plain, "fuse_unk": True}, None, replace(" ", "▁"))
    found["unknown, dropped"] = tokenizer(model["dropping"], None, replace(" ", "▁"))
    found["unigram with bytes"] = tokenizer(model["unigram-bytes"], metaspace("first", False))
    found["unigram with ties"] = tokenizer(model["ties"], metaspace("always", False))
    found["continued words"] = tokenizer(model["continued"], {"type": "BertPreTokenizer"})
    found["word level"] = tokenizer(model["level"], {"type": "Whitespace"})
    pair = [["</s>", byte["vocab"]["</s>"]], ["<s>", byte["vocab"]["<s>"]]]
    found["BertProcessing"] = tokenizer(byte, byte_level(), None, {"type": "BertProcessing", "sep": pair[0], "cls": pair[1]})
    found["RobertaProcessing"] = tokenizer(byte, byte_level(True, True), None, {"type": "RobertaProcessing", "sep": pair[0], "cls": pair[1], "trim_offsets": True, "add_prefix_space": True})
    found["added tokens"] = tokenizer(byte, byte_level(), normalizers("NFC", "Lowercase"), None, overlapping(len(byte["vocab"])))
    found["truncated and padded"] = {
        **tokenizer(byte, byte_level()),
        "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "!"},
    }
    return found


def overlapping(first):
    """Added tokens with every option, some inside others, some that only the normalized text has."""
    contents = ["the", "the state", "<|x|>", "<|x|><|y|>", "|><|", "STATE", "état", "é", "ing", " of ", "12", "123", "\n\n", "Å"]
    options = ["lstrip", "rstrip", "single_word", "normalized", "special"]
    tokens = []
    for place, content in enumerate(contents):
        chosen = {option: bool((place * 7 + 3 * at) % 5 < 2) for at, option in enumerate(options)}
        tokens.append(added(content, first + place, **chosen))
    return tokens
