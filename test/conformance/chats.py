"""Conversations and pieces of templates on which Quail's rendering is held against transformers'."""

import json

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_whale",
            "description": "Finds a whale near a ship; says “nothing” where there's none.",
            "parameters": {
                "type": "object",
                "properties": {
                    "depth": {"type": "number", "description": "in metres", "default": 20.0},
                    "names": {"type": "array", "items": {"type": "string"}},
                    "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "deep": {"type": ["boolean", "null"]},
                    "count": {"type": "integer", "maximum": 9007199254740993},
                },
                "required": ["depth", "names"],
            },
            "return": {"type": "string"},
        },
    },
    {
        "type": "function",
        "function": {"name": "list_ships", "description": "d", "parameters": {"type": "object", "properties": {}, "required": []}},
    },
]
DOCUMENTS = [{"doc_id": 1, "title": "Moby", "text": "Call me Ishmael."}, {"doc_id": 2.0, "title": "Дік", "text": "…"}]

SYSTEM = {"role": "system", "content": "  Be brief.\n"}
USER = {"role": "user", "content": "Where is the <whale> & its \"child\"?\n"}
REPLY = {"role": "assistant", "content": "\n Below the ship. "}
# Keys that JavaScript would put first, floats that are whole, integers that it would round, names of the special values.
ARGUMENTS = (
    '{"depth": 20.0, "deep": true, "near": null, "id": 9007199254740993, "2": "b", "1": "a", "tiny": 1e-05, '
    '"huge": 1e16, "big": 1e22, "names": ["it\'s", "\\"q\\"", "\\u00e9\\ud83d\\ude00\\u0085"], "nested": {"x": [], "y": {}, "z": [[1, -0.0]]}, "neg": -7}'
)


def call(arguments=ARGUMENTS, content='"content": "", ', identity="abcdefghi"):
    function = f'{{"name": "find_whale", "arguments": {arguments}}}'
    return f'{{"role": "assistant", {content}"tool_calls": [{{"id": "{identity}", "type": "function", "function": {function}}}]}}'


RESULT = {"role": "tool", "tool_call_id": "abcdefghi", "name": "find_whale", "content": '{"found": [1, 2.50]}'}
TWO_CALLS = (
    '{"role": "assistant", "content": null, "tool_calls": ['
    '{"id": "abcdefghi", "type": "function", "function": {"name": "find_whale", "arguments": {"é": "ü", "n": null, "b": true}}}, '
    '{"id": "jklmnopqr", "type": "function", "function": {"name": "list_ships", "arguments": {}}}]}'
)
PARTS = [{"type": "text", "text": " Where? "}, {"type": "text", "text": "When?"}]


def text_of(*turns, tools=None, documents=None):
    """A sample: the conversation alone, or with what stands beside it."""
    messages = f"[{', '.join(turn if isinstance(turn, str) else json.dumps(turn) for turn in turns)}]"
    if tools is None and documents is None:
        return messages
    beside = {"tools": tools, "documents": documents}
    given = "".join(f', "{name}": {json.dumps(value)}' for name, value in beside.items() if value is not None)
    return f'{{"messages": {messages}{given}}}'


CONVERSATIONS = {
    "two turns": text_of(USER, REPLY),
    "system": text_of(SYSTEM, USER, REPLY, USER, REPLY),
    "open": text_of(SYSTEM, USER),
    "reply first": text_of(REPLY, USER),
    "tools": text_of(SYSTEM, USER, REPLY, tools=TOOLS),
    "no tools": text_of(USER, REPLY, tools=[]),
    "documents": text_of(USER, REPLY, documents=DOCUMENTS),
    "tools and documents": text_of(USER, REPLY, tools=TOOLS, documents=DOCUMENTS),
    "call": text_of(USER, call(), RESULT, REPLY, tools=TOOLS),
    "call without tools": text_of(USER, call(), RESULT, RESULT, REPLY),
    "call with null": text_of(USER, call(content='"content": null, '), RESULT, REPLY, tools=TOOLS),
    "call without content": text_of(USER, call(content=""), RESULT, REPLY),
    "call with text for arguments": text_of(USER, call(json.dumps(ARGUMENTS)), RESULT, REPLY),
    "call of nothing": text_of(USER, call("{}"), REPLY),
    "no calls": text_of(USER, {**REPLY, "tool_calls": None}),
    "parts": text_of({"role": "user", "content": PARTS}, REPLY),
    "parts in system": text_of({"role": "system", "content": PARTS}, {"role": "user", "content": PARTS}, REPLY),
    "image": text_of({"role": "user", "content": [{"type": "image"}, *PARTS]}, REPLY),
    "thinking": text_of(USER, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nBelow."}, USER, {**REPLY, "reasoning_content": "Hm!"}),
    "reasoning": text_of(USER, {**REPLY, "reasoning": "Well."}, USER, {**REPLY, "thinking": "So.", "extra": 1.50}),
    "other scripts": text_of({"role": "user", "content": "\u2003Où? 鯨 🐋\u0085\ufeff"}, {"role": "assistant", "content": "\x1cİstanbul ǆ ß\x1f"}),
    "empty": text_of({"role": "user", "content": ""}, {"role": "assistant", "content": " "}),
    "strange role": text_of({"role": "critic", "content": "no"}, REPLY),
    "two calls": text_of(USER, TWO_CALLS, RESULT, {**RESULT, "tool_call_id": "jklmnopqr"}, REPLY, USER, tools=TOOLS),
    "two rounds": text_of(SYSTEM, USER, call(), RESULT, REPLY, USER, TWO_CALLS, RESULT, REPLY, tools=TOOLS, documents=DOCUMENTS),
    "bare call": text_of(USER, '{"role": "assistant", "tool_calls": [{"name": "find_whale", "arguments": {"x": 1}}]}', RESULT),
    "two systems": text_of(SYSTEM, SYSTEM, USER, REPLY, SYSTEM, USER),
    "parts that are texts": text_of({"role": "user", "content": ["a", "b"]}, REPLY),
    "result as an object": text_of(USER, call(), {**RESULT, "content": {"a": 1.0}}, REPLY, tools=TOOLS),
    "empty calls": text_of(USER, {**REPLY, "tool_calls": []}, USER, REPLY),
    "result as a list": text_of(USER, call(), {**RESULT, "content": [1.0, None, {"a": True}]}, REPLY),
}

VALUES = {
    "s": "  Call me Ishmael.\tSome years ago\u2003never mind \n",
    "w": "the white-whale (of) the [sea] <and> {more} o'brien",
    "u": "ÀÉ ß ǆ İ ŉ Σας ﬁ 鯨 🐋x\ufeff\u0085\x1c",
    "q": "it's \"quoted\" \\ \n\t\x7f\xad\u200b\U000e0001",
    "e": "",
    "n": 7,
    "neg": -7,
    "big": 123456789012345678901234567890,
    "f": 2.5,
    "whole": 20.0,
    "tiny": 1e-05,
    "t": True,
    "none": None,
    "l": [3, 1, 2, 10, 1],
    "ls": ["b", "A", "c", "B", "a"],
    "mixed": [1, 2.0, "x", None, True, [1], {"k": 1}],
    "d": {"b": 1, "A": 2.0, "c": None, "10": "ten", "2": "two"},
    "people": [
        {"name": "Ishmael", "age": 30, "city": "New York", "on": True, "tags": ["a", "b"]},
        {"name": "ahab", "age": 58, "city": "nantucket", "on": False, "home": {"street": "Main", "no": 1}},
        {"name": "Starbuck", "age": 30, "city": "Nantucket", "on": True},
        {"name": "Queequeg", "age": 24.5, "city": "Kokovoko"},
    ],
    "csv": "a,b,,c",
    "path": "one::two::three",
    "lines": "one\ntwo\r\nthree\n\nfive\x85six",
    "tabs": "a\tbc\td",
}

EXPRESSIONS = """
u|sort | q|max | q|min | u|list|sort(reverse=true) | people|truncate(5) | undefinedthing is callable | '%s' is odd | '' % [1] | '' % d | '' % (1,) | range(3) in {'a': 1} | tiny[1:] | d[1:] | none|truncate | 7|truncate(5)
s.strip() | s.lstrip() | s.rstrip() | s|trim | e|trim | s.strip(' C\\n') | w.lstrip('the ') | s|trim(' \\nC.')
s.split() | s.split(none, 1) | s.split(maxsplit=2) | csv.split(',') | csv.split(',', 1) | csv.split(',', maxsplit=0) | csv.split(',')[-1] | csv.split(',', -1)
s.rsplit() | s.rsplit(none, 1) | csv.rsplit(',', 1) | path.rsplit('::', 1)[0] | csv.rsplit(',') | 'aaa'.rsplit('aa', 1) | 'aaa'.split('aa') | e.split() | e.split(',')
path.partition('::') | path.rpartition('::') | path.partition('x') | path.rpartition('x') | lines.splitlines() | lines.splitlines(true) | e.splitlines()
w.title() | w|title | u.title() | u.upper() | u.lower() | u.capitalize() | u|capitalize | u|upper | u|title | u.swapcase() | 'ΑΣ'.lower() | 'ΑΣ ΑΣ'.title() | w.capitalize()
w.replace('the', 'a') | w.replace('the', 'a', 1) | w|replace('the', 'a') | w|replace('the', 'a', 1) | 'abc'.replace('', '-') | 'abc'.replace('', '-', 2) | 'aaaa'|replace('a', 'b', 2) | 121|replace(1, 3)
w.startswith('the') | w.startswith(('x', 'the')) | w.endswith('brien') | w.endswith(('a', 'b')) | w.startswith('white', 4) | w.startswith('', 100) | e.startswith('')
w.find('white') | w.find('zzz') | w.rfind('the') | w.index('white') | w.index('zzz') | w.count('the') | w.count('') | u.find('x') | w.find('the', 3) | w.find('e', 3, 9) | w.count('e', 5)
'ab'.center(7, '*') | 'ab'.center(6) | 'abc'.center(6, '-') | 'ab'.ljust(5, '.') | 'ab'.rjust(5) | '-7'.zfill(5) | 'ab'|center(10) | '7'.zfill(1) | tabs.expandtabs() | tabs.expandtabs(4)
'ab'.removeprefix('a') | 'ab'.removesuffix('b') | 'ab'.removesuffix('') | 'a-b'.join(['1', '2']) | ''.join(ls) | ','.join([1]) | '-'.join('abc') | '-'.join(d)
'A1'.isalnum() | 'é'.isalpha() | '١'.isdigit() | '²'.isdigit() | '²'.isdecimal() | ' \\t'.isspace() | ''.isspace() | 'Ab Cd'.istitle() | 'ab1'.islower() | 'AB'.isupper() | 'ab'.isidentifier() | 'a\\n'.isprintable() | 'a'.isascii()
'{} and {}'.format(n, f) | '{0} {1} {0}'.format('a', 'b') | '{x!r} {y}'.format(x=e, y=none) | '{:>6}|{:<6}|{:^7}|'.format('a', 'b', 'c') | '{:06.2f}'.format(f) | '{:,}'.format(1234567) | '{:_}'.format(1234567) | '{:+d}'.format(5)
'{:x} {:X} {:o} {:b} {:#x}'.format(255, 255, 8, 5, 255) | '{:.3}'.format('abcdef') | '{:%}'.format(0.5) | '{:.0%}'.format(0.256) | '{:e}'.format(12345.678) | '{:g} {:g}'.format(0.00001, 1234567.0) | '{{}}'.format() | '{a[name]}'.format(a=people[0])
'{p.name}'.format(p=people[0]) | '{0[1]}'.format(l) | '{:*^9}'.format('mid') | '{:<5}|'.format(7) | '{:5}|'.format(7) | '{}'.format(whole) | '{:.1f}'.format(0.25) | '{:.2f}'.format(2.675) | '{:.0f}'.format(2.5) | '{:>{}}'.format('a', 4)
'{} {}'.format(1) | '{'.format() | '{:d}'.format('a') | '{:s}'.format(1) | '{}{}{}'.format(t, none, l) | '{:d}'.format(true) | '{}'.format(true) | '{:5}|'.format(true)
'%s-%d' % ('a', 5) | '%s' % none | '%r' % 'a' | '%5.1f|' % 3.14159 | '%-6s|' % 'ab' | '%06d' % 42 | '%x %o %X' % (255, 8, 255) | '%%' % () | '%(name)s' % people[0] | '%s' % l | '%s' % (l,) | '%d' % 3.9 | '%+d' % 3 | '%c' % 65 | '%e' % 1234.5 | '%g' % 0.0001
'%s, %s!'|format('a', 'b') | '%s'|format(f) | '%(a)s'|format(a=1) | '%s %s' % 'a' | '%d' % 'a' | '%s' % ('a', 'b') | '%.2s|' % 'abc' | '%*d' % (5, 3)
n + 1 | n - 10 | n * f | n / 2 | n // 2 | neg // 2 | n % 3 | neg % 3 | n % -3 | neg // -2 | 2 ** 10 | 2 ** -1 | 2 ** 0.5 | -2 ** 2 | f // 1 | neg % 2.5 | 7.5 // 2 | -7.5 // 2 | -7.5 % 2 | 1 / 3 | 10 / 5 | n / 0 | n // 0 | n % 0 | big * 10 | big // 7 | big % 97 | big + 0.5 | 2 ** 100 | 0.1 + 0.2 | 1e16 | 1e22 * 1.0 | 123456789.0 * 10 | 1.5e300 * 1e10 | 1e308 * 10 | -0.0 | 0 * -1.0 | 5 % 3.0
true + 1 | true * 2 | 'a' * 3 | 3 * 'ab' | [1] * 2 | 'a' * -1 | 'a' + 'b' | 'a' + 1 | [1] + [2] | (1, 2) + (3,) | [1] + (2,) | 'a' ~ 1 ~ none ~ 2.0 ~ true | 1 ~ 2 | none ~ '' | l ~ d | -n | +n | -f | -t | - 'a' | 1_000 + 1 | 0x1f | 0b11 | 0o17 | 1e3 | 1.5e-7 | 2 * 3 ~ 4 | 1 + 2 ~ 3
1 < 2 < 3 | 1 < 3 < 2 | 1 == 1.0 | true == 1 | 'a' < 'b' | 'a' == 1 | none == none | none == false | [1, 2] == [1, 2.0] | [1] < [1, 2] | (1, 2) < (1, 3) | [1] == (1,) | d == d | 1 < 'a' | none < 1 | 1 != 2 | not 1 == 2 | 'Z' < 'a' | '\\U0001F600' > '\\uffff' | undefinedthing == otherthing | undefinedthing < 1
1 in l | 5 not in l | 'a' in ls | 'b' in d | 'x' in 'xyz' | '' in '' | 1 in 'a' | 1 in undefinedthing | none in mixed | 1.0 in l | [1] in mixed | 'b' in d.keys() | 1 in d.values() | ('b', 1) in d.items() | not 'a' in ls | 'a' not in ls and 'b' in ls
true and 0 | e or 'x' | l and d | none or e or 0 | not e | not l | n and f | 1 if e | 1 if l else 2 | 'a' if t else 'b' if e else 'c' | (1 if e) is defined | (1 if false)|default('z') | 1 if none is none
l[0] | l[-1] | l[10] | l[10] is defined | l[1:3] | l[::-1] | l[::2] | l[-3:] | l[:-1] | l[5:1] | l[1:10:2] | l[-1:0:-2] | 'abc'[::-1] | 'abc'[1] | 'abc'[-5] | u[0] | u[-4] | u[::-1] | (1, 2, 3)[1:] | s[2:6] | l[:] | e[0] is defined | l[1.0] | l['a'] | l[none:2] | l[true]
d['b'] | d.b | d['zz'] | d.zz is defined | d.items | d['items'] is callable | d.get('b') | d.get('zz') | d.get('zz', 5) | d.get('c', 5) | d.keys()|list | d.values()|list | d.items()|list | d['10'] | d.10 | d.keys() | d.values() | d.items() | people[0].name | people[0]['tags'][1] | people[1].home.street | people[0].home.street | people.0.name | {1: 'a', true: 'b', 1.0: 'c'} | {none: 1, (1, 2): 2}[none] | {[1]: 2} | {'a': 1}.a | d.copy()
undefinedthing | undefinedthing.a | undefinedthing['a'] | undefinedthing() | undefinedthing|length | undefinedthing|list | undefinedthing|upper | undefinedthing|default('x') | undefinedthing.a|default('x') | undefinedthing + 1 | undefinedthing ~ 'a' | undefinedthing is none | [undefinedthing] | undefinedthing|tojson | undefinedthing|join | undefinedthing|first is defined | not undefinedthing | undefinedthing|int | undefinedthing|string | undefinedthing|items|list | undefinedthing is iterable | undefinedthing is sequence | 'a' + undefinedthing | none.a | none['a'] | none.a.b | 5.a is defined | n.foo | e.foo | undefinedthing|float
s|length | l|length | d|length | u|length | n|length | l|count | (l|map('string'))|length | range(3)|length | d.items()|length
l|sort | l|sort(reverse=true) | ls|sort | ls|sort(case_sensitive=true) | ls|sort(true, true) | people|sort(attribute='age')|map(attribute='name')|list | people|sort(attribute='age,name')|map(attribute='name')|join(' ') | people|sort(reverse=true, attribute='age')|map(attribute='name')|list | mixed|sort | d|dictsort | d|dictsort(true) | d|dictsort(reverse=true) | {'a': 2, 'b': 1}|dictsort(by='value') | {'a': 2, 'b': 1}|dictsort(false, 'value', true)
l|unique|list | ls|unique|list | ls|unique(true)|list | people|unique(attribute='age')|map(attribute='name')|list | l|min | l|max | ls|min | ls|max(case_sensitive=true) | people|max(attribute='age') | []|min | []|max is defined | l|sum | people|sum(attribute='age') | l|sum(start=100) | [0.1]|sum | []|sum | ls|sum
l|first | l|last | []|first | []|last is defined | s|first | s|last | d|first | d|last | (l|reverse)|first | l|reverse|list | 'abc'|reverse | d|reverse|list | range(3)|last | (l|map('string'))|last
l|map('string')|list | ls|map('upper')|join('-') | people|map(attribute='name')|join(', ') | people|map(attribute='home.street')|list | people|map(attribute='zz', default='-')|list | people|map(attribute='home.no', default=0)|list | people|map(attribute='tags.0')|list | ls|map('replace', 'a', 'x')|list | l|map('multiply')|list | l|map|list | ls|map('default', 'x')|list
l|select('odd')|list | l|select('>', 2)|list | l|select('divisibleby', 2)|list | l|reject('even')|list | mixed|select|list | mixed|reject|list | mixed|select('string')|list | mixed|select('number')|list | ls|select('in', ['a', 'b'])|list | people|selectattr('on')|map(attribute='name')|list | people|rejectattr('on')|map(attribute='name')|list | people|selectattr('age', 'gt', 29)|map(attribute='name')|list | people|selectattr('city', 'equalto', 'Nantucket')|list|length | people|selectattr('home', 'defined')|map(attribute='name')|list | people|selectattr('home.no', 'eq', 1)|list|length | people|rejectattr('age', '>=', 30)|map(attribute='name')|list | people|selectattr('on', 'undefined')|list|length
l|batch(2)|list | l|batch(2, 0)|list | l|slice(2)|list | l|slice(3, 'x')|list | l|batch(3)|map('length')|list | people|groupby('age')|list|length | people|groupby('city')|map(attribute='grouper')|list | people|groupby('city', case_sensitive=true)|map('first')|list | people|groupby('on', default=false)|map(attribute='list')|map('length')|list | (people|groupby('age'))[0].grouper | (people|groupby('age'))[0][1]|length
l|join | l|join(', ') | mixed|join('|') | people|join(', ', attribute='name') | 'abc'|join('-') | d|join(',') | [none, true, 1.0]|join(' ') | l|join(1)
e|default('x') | e|default('x', true) | none|default('x') | none|default('x', true) | 0|d(5, true) | d.zz|default([1]) | d.zz|default | d.zz|default(none) | undefinedthing|default(default_value='q')
'12'|int | '12.7'|int | ' 7 '|int | 'x'|int | 'x'|int(5) | '0x1f'|int(base=16) | '1f'|int(0, 16) | '1_000'|int | 2.9|int | -2.9|int | true|int | none|int | l|int(3) | '1e3'|int | 'inf'|int | '٣'|length | '12'|float | 'x'|float | 'x'|float(1.5) | '1e5'|float | 'nan'|float | ' -inf '|float | '.5'|float | '5.'|float | '.'|float | none|float | 7|float | '1__0'|int | '-5'|int | '+5'|int | '--5'|int
2.5|round | 3.5|round | 2.675|round(2) | 1.005|round(2) | 42.55|round(1, 'floor') | 42.55|round(1, 'ceil') | 7|round | 7|round(1) | 0.125|round(2) | 1.5|round|int | -2.5|round | -3|abs | -3.5|abs | 15|round(-1) | 25|round(-1) | 'a'|abs | 1e20|round
l|string | d|string | 1.0|string | none|string | 'a'|string | t|string | (1,)|string | q|string | [q] | [u] | ['\\u00e9', '\\x00', "it's", 'a"b', "it's \\"x\\""] | mixed | d | tiny | whole | big | [1e16, 1e15, 123456789012345680.0, 1.0, 0.1, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308] | [true, none, 1.5] | () | (1,) | {} | {'a': {'b': (1, 2)}} | range(3) | range(1, 10, 2) | range(0) | range(3)|list | range(5, 0, -2)|list | [range(2)]
l|tojson | d|tojson | mixed|tojson | s|tojson | q|tojson | u|tojson | none|tojson | 1.0|tojson | tiny|tojson | big|tojson | t|tojson | (1, 2)|tojson | []|tojson(indent=2) | {}|tojson(indent=2) | people|tojson(indent=2) | people|tojson(indent=0) | people|tojson(indent='--') | d|tojson(separators=(',', ':')) | d|tojson(indent=1, separators=(', ', ' = ')) | d|tojson(sort_keys=true) | u|tojson(ensure_ascii=true) | q|tojson(true) | {1: 2, none: 3, true: 4, 1.5: 5}|tojson | {(1, 2): 3}|tojson | d.keys()|tojson | range(2)|tojson | '</script>'|tojson | 1e16|tojson | ('inf'|float)|tojson | ('nan'|float)|tojson | d.items()|list|tojson | d|tojson(indent=4)|indent(2) | {'a': 1, 'b': 2}|tojson(false, 2)
lines|indent | lines|indent(2) | lines|indent(2, true) | lines|indent(2, blank=true) | lines|indent('> ', first=true) | e|indent | e|indent(first=true) | 'a\\n'|indent | n|indent | w|truncate(10) | w|truncate(10, true) | w|truncate(12, false, '…', 0) | w|wordcount | u|wordcount | '<a>&"'|e | '<a>'|escape|length | '<a>'|safe | ('<a>'|safe) ~ 'b' | ['<'|e]|join
d|items|list | people[0]|items|list|length | l|items|list | d|attr('b') | d|attr('items') is callable | n|attr('zz') | 'abc'|list | d|list | l|list | none|list | l|upper | none|upper | n|lower | true|lower | 1.0|title
n is number | f is number | t is number | 'a' is number | n is integer | t is integer | f is float | n is float | t is boolean | 0 is boolean | none is none | none is defined | undefinedthing is defined | undefinedthing is undefined | d is mapping | l is mapping | l is sequence | d is sequence | 'a' is sequence | n is sequence | l is iterable | n is iterable | d.items() is iterable | d.items() is sequence | 'a' is string | n is string | range(2) is sequence | range is callable | 'a' is callable | d.get is callable
n is odd | n is even | neg is odd | 2.0 is even | 'a' is odd | n is divisibleby 7 | n is divisibleby(2) | n is eq 7 | n is ne 7 | n is sameas none | none is sameas none | t is sameas true | n is in l | 1 is in l | 'a' is in 'abc' | n is gt 3 | n is lt(3) | n is ge 7 | n is le 6 | n is greaterthan 3 | n is lessthan 3 | n is equalto 7 | 'abc' is lower | 'ABC' is upper | 'aBc' is lower | n is not odd | n is not none and n is number | true is true | 1 is true | false is false | 0 is false | n is nosuchtest | l is not string
n is defined and n is odd or e | not n is defined | n is odd == true | 2 * n is odd | l|length is odd | l|length > 2 is true | n|string is string | (n, f) is sequence | -1 is number | -n|abs | 2 ** 3 ** 2 | -2|abs | 'a' 'b' | ('a' ~ 'b')|upper | 'a' ~ 'b'|upper | 1 + 2|string|length | [1, 2,] | (1, 2,)|length | {'a': 1,} | n if n > 5 else f|round
dict(a=1, b=2) | dict(d, z=1) | dict([('a', 1), ('b', 2)]) | dict() | dict({'a': 1}.items()) | dict(a=1).a | namespace(a=1).a | namespace(a=1) | namespace().zz is defined | namespace({'a': 1}).a | range(200000) | raise_exception('no') | strftime_now('%d %b %Y') | strftime_now('%Y-%m-%d') | strftime_now('%A, %-d. %B; %j %U %y %e') | strftime_now('%H:%M') | l.append(1) | d.update({}) | d.pop('b') | l.sort() | l.index(2) | l.index(99) | l.count(1) | (1, 1).count(1) | l.copy() | '__class__' in s.__class__ | s.__class__ | l.nosuch | nosuchfilter|nosuch | n|nosuchfilter | range(2, none) | range(2)[1] | range(3)[-1]
"""

TEMPLATES = [
    # White space around tags
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "  {% if t %}x{% endif %}\n  y\n", "a {%- if t -%} b {%- endif -%} c", "a\n  {%+ if t %}b\n{% endif +%}\nc",
    "{% if t +%}\nx{% endif %}\n", "{{- n -}}  x", " {{ n }}\n {{ n }}", "{{ n -}}\n\n x {{- n }}", "{# c #}\nx", "  {# c #}\nx", "x {#- c -#} y", "a{# c +#}\nb", "a\n\n{# c #}\n\nb", "{%- set x = 1 -%}\n {{ x }}\n",
    "\n{% for i in l %}\n  {{ i }}\n{% endfor %}\n", "{% raw %}{{ x }}{% endraw %}", "  {% raw %}\n {% x %}\n  {% endraw %}\n y", "{%- raw -%} a {%- endraw -%} b", "a\n", "a\n\n", "", "\n", "a\r\nb\r\n{% if t %}\r\nc{% endif %}\rd", "\t{% if t %}\t\nx{% endif %}",
    "x{{ '{{' }}y{{ '%}' }}z", "{{ {'a': {'b': 1}}}}", "{{ {'a': 1}['a'] }}}", "{ {{ n }} }", "{{ '\\n\\t\\'\\\"\\\\\\x41\\u00e9\\101\\q' }}", '{{ "it\'s" }}', "{{ 'a\nb' }}", "{{ n }}\u2028{%- if t %}\u2003 {%- endif %}", "line\n   {%- if t %} x {% endif -%}  \n  end",
    # Loops
    "{% for i in l %}{{ loop.index }}/{{ loop.length }}:{{ i }}{{ ',' if not loop.last }}{% endfor %}", "{% for i in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }} {% endfor %}",
    "{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}", "{% for i in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}", "{% for i in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in [1, 1, 2, 2, 1] %}{{ loop.changed(i) }} {% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}", "{% for i in undefinedthing %}x{% else %}none{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for c in u %}[{{ c }}]{% endfor %}", "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %}", "{% for a, b in [(1,)] %}{% endfor %}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}",
    "{% for i in l if i > 1 %}{{ loop.index }}{{ i }}{{ loop.last }} {% endfor %}", "{% for i in l if i > 100 %}x{% else %}none{% endfor %}", "{% for p in people if p.on %}{{ p.name }}/{{ loop.length }} {% endfor %}", "{% for i in range(10) %}{% if i == 3 %}{% continue %}{% endif %}{% if i == 6 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for i in l %}a{% if loop.first %}b{% break %}{% endif %}c{% endfor %}d", "{% for i in l %}{% for j in l %}{% if j == 2 %}{% break %}{% endif %}{{ j }}{% endfor %}|{% endfor %}",
    "{% for i in l %}{% with %}x{% break %}{% endwith %}{% endfor %}", "{% for p in people %}{{ loop.index }}{% for t in p.tags %}{{ loop.index }}{{ t }}{% endfor %}{{ loop.index }} {% endfor %}", "{% for i in l %}{% set last = loop.last %}{% if last %}{{ i }}{% endif %}{% endfor %}", "{% for i in l|map('string') %}{{ loop.index }}{{ i }}{{ loop.last }}{{ loop.length }} {% endfor %}", "{% for x in l|batch(2) %}{{ x }}{% endfor %}", "{% for i in l recursive %}{{ loop.depth }}{{ i }}{% if loop.index == 1 and loop.depth < 3 %}({{ loop([7, 8]) }}){% endif %}{% endfor %}",
    "{% for g in people|groupby('age') %}{{ g.grouper }}:{{ g.list|map(attribute='name')|join('+') }} {% endfor %}", "{% for city, group in people|groupby('city') %}{{ city }}={{ group|length }} {% endfor %}", "{% for i in l %}{{ loop }} {% endfor %}", "{% for i in range(3) %}{{ i }}{% endfor %}{{ i }}", "{% set i = 9 %}{% for i in range(3) %}{{ i }}{% endfor %}{{ i }}", "{% for i in l %}{{ loop.nosuch is defined }}{% endfor %}", "{{ loop is defined }}",
    # Scopes
    "{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}", "{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}", "{% if t %}{% set x = 5 %}{% endif %}{{ x }}", "{% set x %}a{{ n }}b{% endset %}[{{ x }}]", "{% set x | upper | trim %} a{{ n }}b {% endset %}[{{ x }}]", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set (a, b) = [1, 2] %}{{ a }}", "{% set ns = {} %}{% set ns.a = 1 %}", "{% set n = n + 1 %}{{ n }}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}", "{% with n = 1 %}{% with m = n %}{{ m }}{% endwith %}{% endwith %}",
    "{% for i in l %}{{ n }}{% endfor %}{% set n = 1 %}{{ n }}", "{% for i in l %}{% if loop.first %}{% set z = i %}{% endif %}{{ z }}{% endfor %}", "{{ n }}{% for i in l %}{{ n }}{% endfor %}{% set n = 1 %}{{ n }}", "{% if e %}{% set n = 1 %}{% endif %}{% for i in l %}{{ n }}{% endfor %}", "{% if e %}{% set n = 1 %}{% else %}{% set n = 2 %}{% endif %}{{ n }}", "{% macro m() %}{{ n }}{% endmacro %}{{ m() }}{% set n = 5 %}{{ m() }}", "{% set n = n %}{{ n }}", "{% for n in l %}{{ n }}{% endfor %}{{ n }}", "{% for i in l %}{% set n = i %}{% endfor %}{{ n }}", "{% set ns = namespace(a=1) %}{% set ns.b = 2 %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{% if t %}{% if e %}{% set q2 = 1 %}{% elif n %}{% set q2 = 2 %}{% endif %}{{ q2 }}{% endif %}{{ q2 }}",
    # Macros
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, 3) }}|{{ m(1, c='y') }}|{{ m(a=5) }}", "{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=1) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 'b', z=2) }}", "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(3) }}", "{% macro m(l) %}{% if l|length > 1 %}{{ l[0] }}({{ m(l[1:]) }}){% else %}{{ l[0] }}{% endif %}{% endmacro %}{{ m(l) }}", "{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{{ n }}{% endcall %}", "{% macro w() %}{% for i in l %}{{ caller(i, loop.last) }}{% endfor %}{% endmacro %}{% call(x, last) w() %}{{ x }}{{ '.' if last else ',' }}{% endcall %}", "{% macro w() %}{{ caller is defined }}{% endmacro %}{{ w() }}", "{% macro m() -%}  x  {%- endmacro %}[{{ m() }}]", "{% macro m(x) %}{% set y = x * 2 %}{{ y }}{% endmacro %}{{ m(2) }}{{ y }}", "{% set y = 1 %}{% macro m() %}{% set y = 2 %}{{ y }}{% endmacro %}{{ m() }}{{ y }}", "{{ m(1) }}{% macro m(a) %}{{ a }}{% endmacro %}", "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 3, 'b': 4}) }}{{ m(1, **{'b': 2}) }}", "{% macro m(a) %}{{ a|upper }}{% endmacro %}{{ m('x') ~ m('y') }}{{ m('z')|length }}",
    # Blocks
    "{% filter upper %}a{{ n }}b{% endfilter %}", "{% filter replace('a', 'b')|upper %}aXa{% endfilter %}", "{% print n, f %}", "{% if n > 10 %}a{% elif n > 5 %}b{% elif n > 3 %}c{% else %}d{% endif %}", "{% if n is defined and n %}a{% endif %}{% if not n %}b{% endif %}", "{% generation %}a{{ n }}{% endgeneration %}b", "a\n  {%- generation -%}\n x \n{%- endgeneration -%}\n b", "{% generation %}{% set zz = 1 %}{% endgeneration %}{{ zz }}", "{% for i in l %}{% generation %}{{ i }}{{ loop.index }}\n{% endgeneration %}\n{% endfor %}", "{% for i in l %}{% generation %}{% break %}{% endgeneration %}{% endfor %}", "{% if t: %}x{% endif %}",
    # Not templates
    "{% if %}x{% endif %}", "{% for %}", "{% endif %}", "{% if t %}", "{{ n", "{{ n | }}", "{{ 'a }}", "{# c", "{% set true = 1 %}", "{{ n n }}", "{{ (1 }}", "{{ 1 is odd is even }}", "{% nosuch %}", "{% raw %}x", "{{ m(a=1, 2) }}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ }}", "{% else %}", "{% set x %}a", "{{ [1, 2 }}", "{{ {'a' 1} }}", "{{ @ }}", "{% break %}", "{{ 1__0 }}", "{{ 012 }}", "{{ a.1b }}",
]  # fmt: skip


def snippets():
    """Every template that is rendered with VALUES."""
    expressions = [part.strip() for line in EXPRESSIONS.strip().splitlines() for part in split_bars(line)]
    return [*(f"{{{{ {expression} }}}}" for expression in expressions), *TEMPLATES]


def split_bars(line):
    """Expressions stand between bars with spaces on both sides; a filter's bar has none."""
    return line.split(" | ")
