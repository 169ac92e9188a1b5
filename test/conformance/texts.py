"""Texts that tokenizers disagree about: every category of Unicode, joiners, controls, digits of every script, runs."""

import random
import sys
import unicodedata

SPACES = ["\n", "\r", "\r\n", "\t", "\v", "\f", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u180e", "\u2003", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff", " "]
JOINERS = ["\u200c", "\u200d", "\u200e", "\u202a", "\u202e", "\u2066", "\u00ad", "\u034f", "\ufe0e", "\ufe0f", "\ufffd", "\ufffe", "\ufdd0", "\ufffc", "\x00", "\x01", "\x1b", "\x7f", "\x80", "\x9f"]
WORDS = [
    "the", "of", "State", "Union", "Congress", "whale", "I'll", "don't", "DON'T", "we’ve", "it's", "He'D", "x'S", "naïve", "cafe\u0301",
    "İstanbul", "ΟΔΥΣΣΕΥΣ", "ΣΑΣ ΑΣ.", "straße", "STRASSE", "ŒUVRE", "ǅungla", "ﬁne", "ℌello", "Ａｂｃ１２", "①②", "㎏", "ﷺ", "ªº", "\u212b", "\u00c5", "A\u030a",
    "Привет", "мир", "हिन्दी", "বাংলা", "ไทย", "ខ្មែរ", "العربية", "שלום", "日本語テスト", "ひらがな", "中文字符", "한국어", "\u1112\u1161\u11ab", "ქართული",
    "1234567", "3.14", "1,000", "½", "²³", "Ⅷ", "٣٤", "०१२", "๓", "𝟘𝟙", "𝟚", "Ⅳ", "㊿", "一二", "12:30", "0x1F", "v2.0", "#1", "$5", "50%",
    "def f(x):\n    return x ** 2\n", "{\"a\": [1, 2]}", "http://a.b/c?d=e&f", "a_b", "snake_case_name", "CamelCase", "#include <x>", "</div>", "\\n", "—", "…", "“q”", "«q»", "。", "、", "！？", "¿", "·", "€", "₿", "©", "™", "~~", "==", "->", "...", "--",
    "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "😀", "𐍈", "𓀀", "𠮷", "\U0001f1e6", "\U000e0061", "\U0010ffff", "e\u0301\u0327\u0308", "\u0301", "q\u0323\u0307", "ё", "е\u0308",
]


def alphabet():
    """Of each general category up to 400 characters, spread evenly over its code points; no surrogates."""
    by_category = {}
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category not in ("Cs", "Cn", "Co"):
            by_category.setdefault(category, []).append(chr(code))
    by_category["Cn"] = [chr(code) for code in range(0x378, 0x110000, 9973) if unicodedata.category(chr(code)) == "Cn"]
    by_category["Co"] = ["\ue000", "\uf8ff", "\U000f0000", "\U0010fffd"]
    # Characters of versions of Unicode that one side may have and the other not.
    by_category["new"] = [chr(code) for code in [*range(0x1C80, 0x1C90), *range(0xA7C0, 0xA7DE), *range(0x10D40, 0x10D66), *range(0x11B60, 0x11B68), *range(0x16D40, 0x16D7A, 3), *range(0x1CCF0, 0x1CCFA)]]
    return {name: characters[:: max(1, len(characters) // 400)] for name, characters in by_category.items()}


def nasty_texts(count, seed, specials=(), pairs=1500):
    """`count` texts of up to some dozens of pieces, and `pairs` single characters between letters, digits and spaces."""
    generator = random.Random(seed)
    characters = alphabet()
    groups = list(characters.values())
    texts = ["", " ", "  ", "\n", "\n\n", " \n ", "\r\n\r\n", "\t\t", "\x85", "\ufeff", "a", "▁", " ▁ ", "Ġ", "<0x0A>", "a" * 300, " " * 200, "ab " * 80, "9" * 70, "!" * 90, "\n" * 65, "é" * 60, "漢" * 50, "👍" * 40]

    def piece():
        kind = generator.randrange(12)
        if kind < 4:
            return generator.choice(WORDS)
        if kind < 7:
            return generator.choice(generator.choice(groups))
        if kind < 8:
            return generator.choice(SPACES) * generator.choice([1, 1, 1, 2, 3, 8])
        if kind < 9:
            return generator.choice(JOINERS)
        if kind < 10:
            return generator.choice([*specials, " "]) + generator.choice(["", " ", "\n", "x"])
        if kind < 11:
            return generator.choice(generator.choice(groups)) * generator.randrange(2, 9)
        return "".join(generator.choice("abcdefgtheOFS0123456789'.,-_ ") for _ in range(generator.randrange(1, 9)))

    for _ in range(count):
        texts.append("".join(piece() + generator.choice(["", "", " ", " ", "  ", "\n"]) for _ in range(generator.choice([1, 2, 3, 5, 8, 13]))))
    around = [("a", "b"), (" ", " "), ("1", "2"), ("", ""), ("!", "?"), ("\n", "\n"), ("A ", "'s"), ("", "\u0301")]
    for _ in range(pairs):
        before, after = generator.choice(around)
        texts.append(before + generator.choice(generator.choice(groups)) + after)
    return texts
