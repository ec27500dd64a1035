"""The expression language: what it takes, what it refuses, and that nothing else ever runs."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from app.engine.expressions import (
    FUNCTIONS,
    ExpressionRefused,
    call_in,
    evaluate,
    is_variable_name,
    names_in,
    parse,
    unwrap,
)

DATA = {
    "a": 1,
    "b": 2,
    "late": False,
    "name": "road",
    "xs": [1, 2],
    "unit": {"id": 7, "tags": ["x"]},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a == 1", True),
        ("a + b - 1", 2),
        ("-a", -1),
        ("not late and b > a", True),
        ("0 < a < b <= 2", True),
        ("'ro' in name", True),
        ("a not in xs", False),
        ("b if late else a", 1),
        ("unit['id']", 7),
        ("unit['tags'][0]", "x"),
        ("xs[1]", 2),
        ("[a, b]", [1, 2]),
        ("(a, (b,))", [1, [2]]),
        ("true and not false", True),
        ("null", None),
        ("None", None),
        ("length(xs)", 2),
        ("present(name)", True),
        ("present('')", False),
        ("${a == 1}", True),
        ("#{a == 1}", True),
        ("  ${ a == 1 }\n", True),
        ('name + " 路"', "road 路"),
        ("1.5 + a", 2.5),
        ("(a\n + b)", 3),
    ],
)
def test_evaluate_gives_the_value_python_would(text, value):
    assert evaluate(text, DATA, {}) == value


REFUSED = {
    "attribute": "a.real",
    "walk of attributes": "().__class__.__base__.__subclasses__()",
    "walk through a subscript": "[].__class__.__mro__[1]",
    "attribute of a text": "''.join(xs)",
    "str.format": "'{0.__class__}'.format(a)",
    "format_map": "name.format_map(unit)",
    "percent formatting": "'%s' % a",
    "f-string": "f'{a}'",
    "f-string with a call": "f'{open(name)}'",
    "lambda": "(lambda: 1)()",
    "lambda as an argument": "present(lambda: 1)",
    "list comprehension": "[x for x in xs]",
    "generator": "length(x for x in xs)",
    "set comprehension": "{x for x in xs}",
    "dict comprehension": "{x: 1 for x in xs}",
    "walrus": "(a := 5)",
    "assignment": "a = 5",
    "statement": "import os",
    "two statements": "a; b",
    "newline": "a\nb",
    "yield": "(yield a)",
    "await": "await a",
    "starred": "[*xs]",
    "starred argument": "present(*xs)",
    "dict": "{'a': 1}",
    "dict unpacking": "{**unit}",
    "set": "{1, 2}",
    "slice": "xs[0:1]",
    "computed subscript": "xs[a]",
    "negative subscript": "xs[-1]",
    "subscript of a constant": "'abc'[0]",
    "subscript of a list": "[1, 2][0]",
    "subscript of a call": "after('x')['__class__']",
    "multiplication": "a * 2",
    "power": "10 ** 10 ** 10",
    "repetition of a text": "'a' * 1000000000",
    "division": "a / 0",
    "floor division": "a // 2",
    "modulo": "a % 2",
    "shift": "1 << 100000000",
    "bit or": "a | b",
    "bit and": "a & b",
    "bit xor": "a ^ b",
    "invert": "~a",
    "plus sign": "+a",
    "matrix multiplication": "a @ b",
    "is": "a is None",
    "import": "__import__('os').system('id')",
    "import by another name": "importlib.import_module('os')",
    "builtin": "open('/etc/passwd')",
    "eval": "eval('1')",
    "exec": "exec('1')",
    "getattr": "getattr(a, '__class__')",
    "vars": "vars()",
    "builtins by name": "__builtins__",
    "builtins by key": "__builtins__['eval']",
    "dunder name": "__name__",
    "name with two underscores": "a__b",
    "name that begins with one": "_a",
    "builtins in full-width letters": "＿＿builtins＿＿",
    "import in full-width letters": "＿＿ｉｍｐｏｒｔ＿＿('os')",
    "dunder in mathematical letters": "﹍﹍𝒃𝒖𝒊𝒍𝒕𝒊𝒏𝒔﹍﹍",
    "call of a value": "a(1)",
    "call of a field": "unit['id']()",
    "call of a call": "after('x')()",
    "call of a text": "'a'()",
    "function as a value": "length",
    "function in a list": "[due]",
    "function compared": "due == 1",
    "function as an argument": "present(length)",
    "named argument": "present(value=a)",
    "too few arguments": "due()",
    "too many arguments": "due('a', 'b')",
    "unpacked named arguments": "present(**unit)",
    "bytes": "b'a'",
    "complex": "1j",
    "ellipsis": "...",
    "huge number": "1000000000000000",
    "huge number below": "-1000000000000000",
    "huge hexadecimal": "0x" + "f" * 1000,
    "infinity": "1e999",
    "long text": "'" + "a" * 501 + "'",
    "long expression": "a == 1 or " * 300 + "a",
    "long blank": " " * 5000 + "a",
    "many parts": "+".join(["a"] * 150),
    "nested brackets": "(" * 500 + "a" + ")" * 500,
    "nested lists": "[" * 180 + "a" + "]" * 180,
    "nested not": "not " * 400 + "a",
    "nested signs": "-" * 1500 + "a",
    "nested lists, unclosed": "[" * 1900,
    "nul": "a\0b",
    "nul in a text": r"'\0'",
    "half of a surrogate pair": "'\ud800'",
    "half of a surrogate pair, escaped": r"'\ud800'",
    "empty": "",
    "blank": " \n ",
    "empty wrapper": "${}",
    "wrapper in a wrapper": "${${a}}",
    "two wrappers": "${a} ${b}",
    "text around a wrapper": "x ${a}",
    "JUEL": "#{execution.setVariable('a', 1)}",
    "FEEL": 'if a then "x" else "y"',
    "groovy": "a?.b",
    "javascript": "a === 1 && b",
    "shell": "$(id)",
    "template": "{{ a }}",
    "type": "type(a)",
    "comment only": "# a",
    "decorated text": "u'a'.upper()",
    "global": "global a",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_outside_the_language_is_refused_with_a_remedy(text):
    with pytest.raises(ExpressionRefused) as caught:
        evaluate(text, {**DATA, "due": print, "os": sys}, {})
    assert caught.value.reason
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["a.real", "10 ** 10 ** 10", "'a' * 9", "f'{a}'", "due()", "_a"])
def test_the_reason_is_said_in_terms_of_the_expression(text):
    with pytest.raises(ExpressionRefused, match=r"not allowed|given|argument"):
        parse(text)


def test_data_do_not_shadow_functions_constants_or_builtins():
    data = {
        **dict.fromkeys(FUNCTIONS, print),
        "length": print,
        "true": False,
        "null": 5,
        "__builtins__": {"open": open},
    }
    assert evaluate("length('ab')", data, {}) == 2
    assert evaluate("true", data, {}) is True
    assert evaluate("null", data, {}) is None
    assert evaluate("due('x')", data, {"due": str.upper}) == "X"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_that_is_not_offered_is_not_looked_up_in_the_data(name):
    called: list[Any] = []
    arguments = ", ".join(["'x'"] * FUNCTIONS[name])
    with pytest.raises(ValueError, match="not offered"):
        evaluate(f"{name}({arguments})", {name: called.append}, {})
    assert called == []


def test_a_missing_name_is_not_a_builtin():
    with pytest.raises(NameError):
        evaluate("open", {}, {})


def test_names_in_gives_the_data_an_expression_reads():
    assert names_in("a == 1 and unit['id'] in xs and due('x') == true") == {"a", "unit", "xs"}


def test_call_in_gives_the_call_that_an_expression_is():
    assert call_in('${before_due("handling", limit)}') == ("before_due", ("handling", None))
    assert call_in("a == 1") is None
    assert call_in("due('x') == 1") is None


@pytest.mark.parametrize("text", ["a", "handler_known", "B2", "x" * 40])
def test_a_variable_may_be_named(text):
    assert is_variable_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1a",
        "_a",
        "a__b",
        "a b",
        "a-b",
        "a.b",
        "a\n",
        "true",
        "null",
        "None",
        "True",
        "if",
        "due",
        "length",
        "路",
        "Key",
        "ſ",
        "ａ",
        "__class__",
        "a;b",
        "${a}",
        "a\x00",
    ],
)
def test_a_variable_may_not_be_named(text):
    assert not is_variable_name(text)


@pytest.mark.parametrize("text", ["${a}", "#{a}", " ${ a } ", "a", "\n${\na\n}\n"])
def test_unwrap_gives_the_expression(text):
    assert unwrap(text) == "a"
