"""Templates that chance puts together from Jinja's features, to be rendered with chats.VALUES."""

import random

LITERALS = ["1", "-2", "0", "2.5", "'a b'", "''", "none", "true", "[1,2]", "['b','a']", "{'a': 1, 'b': [1]}", "(1,'x')", "range(3)", "1e3", "'x,y,z'"]
NAMES = ["s", "w", "u", "q", "e", "n", "neg", "big", "f", "whole", "tiny", "t", "none", "l", "ls", "mixed", "d", "people", "csv", "lines", "undefinedthing"]
FILTERS = (
    "abs|batch(2)|capitalize|default('q')|default('q',true)|dictsort|first|float|indent|int|items|join|join('-')|last|length|list|lower|map('string')"
    "|map(attribute='name')|max|min|reject('none')|replace('a','b')|reverse|round|round(1)|select|selectattr('on')|slice(2)|sort|sort(reverse=true)|string"
    "|sum|title|tojson|tojson(indent=1)|trim|unique|upper|wordcount|groupby('age')|map('upper')|rejectattr('home')|center(9)|truncate(5)"
).split("|")
TESTS = "defined undefined none string number integer float boolean mapping iterable sequence odd even true false lower upper callable".split()
OPERATORS = "+ - * / // % ~ == != < <= > >= in and or".split() + ["not in"]
MEMBERS = (
    "strip()|upper()|split()|split(',')|title()|items()|keys()|get('a')|get('b', 1)|name|age|startswith('a')|replace('a','b')|join(['x','y'])|count('a')"
    "|index(1)|tags|home.street|nosuch|append(1)|format(1)|splitlines()|lstrip()|rsplit(none,1)|find('a')|zfill(4)|isdigit()|capitalize()"
).split("|")
INDEXES = ["0", "-1", "1:", "::-1", ":2", "1:-1", "::2", "'a'"]


class Writer:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def one(self, items):
        return self.chance.choice(items)

    def primary(self, depth):
        kind = self.chance.random()
        if depth <= 0 or kind < 0.35:
            return self.one(NAMES) if self.chance.random() < 0.6 else self.one(LITERALS)
        if kind < 0.5:
            return f"({self.expression(depth - 1)})"
        if kind < 0.6:
            return f"[{self.expression(depth - 1)}, {self.expression(depth - 1)}]"
        if kind < 0.66:
            return f"{{'k': {self.expression(depth - 1)}, 2: {self.expression(depth - 1)}}}"
        if kind < 0.85:
            return f"({self.primary(depth - 1)}).{self.one(MEMBERS)}"
        return f"({self.primary(depth - 1)})[{self.one(INDEXES)}]"

    def expression(self, depth):
        kind = self.chance.random()
        value = self.primary(depth)
        if depth <= 0 or kind < 0.12:
            return value
        if kind < 0.5:
            return "|".join([value, *(self.one(FILTERS) for _ in range(self.one([1, 1, 2])))])
        if kind < 0.75:
            return f"{value} {self.one(OPERATORS)} {self.primary(depth)}"
        if kind < 0.87:
            return f"{value} is {self.one(['', 'not '])}{self.one(TESTS)}"
        if kind < 0.94:
            return f"{value} if {self.expression(depth - 1)} else {self.expression(depth - 1)}"
        return f"{self.one(['not ', '-'])}{value}"

    def statement(self, depth):
        kind = self.chance.random()
        if depth <= 0 or kind < 0.4:
            return f"{{{{{self.one(['', '-'])} {self.expression(2)} {self.one(['', '-'])}}}}}"
        if kind < 0.55:
            return f"{{% if {self.expression(1)} %}}{self.body(depth - 1)}{{% else %}}{self.body(depth - 1)}{{% endif %}}"
        if kind < 0.7:
            leave = self.one(["", "{% if loop.index > 2 %}{% break %}{% endif %}"])
            return f"{{% for {self.one(['x', 'n', 'k, v'])} in {self.expression(1)} %}}{{{{ loop.index }}}}{self.body(depth - 1)}{leave}{{% endfor %}}"
        if kind < 0.8:
            return f"{{% set {self.one(['x', 'n', 'l', 's'])} = {self.expression(1)} %}}"
        if kind < 0.85:
            return f"{{% set {self.one(['x', 'n'])} %}}{self.body(depth - 1)}{{% endset %}}"
        if kind < 0.9:
            return f"{{% macro m(a, b={self.expression(0)}) %}}{{{{ a }}}}{self.body(depth - 1)}{{% endmacro %}}{{{{ m({self.expression(1)}) }}}}"
        return self.one([" \n", "\n  ", "t ", "\t", "{#- c #}", "{%- with x = n +%}\n{{ x }}{% endwith %}"])

    def body(self, depth):
        return "".join(self.one(["", "\n", " "]) + self.statement(depth) for _ in range(self.one([1, 2, 3])))


def templates(count, seed):
    """A third are bodies, the others single expressions: most of what chance writes, Python refuses too."""
    writer = Writer(seed)
    return [writer.body(1) if i % 3 == 0 else f"{{{{ {writer.expression(2)} }}}}" for i in range(count)]
