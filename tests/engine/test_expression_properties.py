"""Random texts and random Python: whatever is outside the expression language never runs, and nothing costs much."""

from __future__ import annotations

import ast
import sys
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine import expressions
from app.engine.expressions import FUNCTIONS, MAX_RESULT, ExpressionRefused, evaluate, parse

DATA = {
    "a": 1,
    "b": 2,
    "late": False,
    "name": "road",
    "xs": [1, 2],
    "unit": {"id": 7, "tags": ["x"]},
}

# Anything Python's grammar offers, and much of it hostile.
WORDS = """a xs unit trap due length present open eval getattr print true _a
__import__ __builtins__ __class__ ｏｐｅｎ ＿＿class＿＿"""
NAMES = st.sampled_from(WORDS.split())
ATTRIBUTES = st.sampled_from(["__class__", "__globals__", "format", "real", "f_back", "gi_frame"])
LEAVES = NAMES | st.sampled_from(
    ["1", "0", "2.5", "'x'", "'__class__'", "None", "True", "b'x'", "()"]
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def shape(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda given: template.format(*given))

    operators = ["+", "-", "*", "/", "//", "%", "**", "@", "<<", ">>", "|", "&", "^"]
    operators += ["==", "!=", "<", ">=", "in", "not in", "is", "is not", "and", "or"]
    return st.one_of(
        shape("({0}).{1}", inner, ATTRIBUTES),
        shape("{0}({1})", inner, inner),
        shape("{0}({1}, {2})", NAMES, inner, inner),
        shape("({0})()", inner),
        shape("({0})[{1}]", inner, inner),
        shape("{0}[{1}:{2}]", inner, inner, inner),
        shape("({0} {1} {2})", inner, st.sampled_from(operators), inner),
        shape("({0} {1})", st.sampled_from(["-", "+", "~", "not", "await"]), inner),
        shape("({0} if {1} else {2})", inner, inner, inner),
        shape("[{0}, {1}]", inner, inner),
        shape("({0}, {1})", inner, inner),
        shape("{{{0}: {1}}}", inner, inner),
        shape("{{{0}}}", inner),
        shape("[{0} for {1} in {2}]", inner, NAMES, inner),
        shape("({0} for {1} in {2} if {3})", inner, NAMES, inner, inner),
        shape("(lambda {0}: {1})", NAMES, inner),
        shape("({0} := {1})", NAMES, inner),
        shape("f'{{{0}}}'", NAMES),
        shape("[*{0}]", inner),
        shape("{0}(*{1}, **{2})", NAMES, inner, inner),
        shape("{0}({1}={2})", NAMES, NAMES, inner),
    )


PYTHON = st.recursive(LEAVES, _compound, max_leaves=8)
ALLOWED_CALLS = ["due('x')", "length(xs)", "present(a)", "length('abc')"]
PLAIN_TYPES = (type(None), bool, int, float, str, list, dict)
FORBIDDEN_EVENTS = (
    "open",
    "import",
    "os.",
    "subprocess.",
    "socket.",
    "object.__getattr__",
    "marshal.",
)


class Watch:
    """Notes what Python itself tells of: files opened, modules imported, commands run."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event.startswith(FORBIDDEN_EVENTS):
            self.seen.append(event)


WATCH = Watch()


def outcome_of(text: str) -> Any:
    """Evaluate as an instance would; return the value, or the exception that came out."""
    trapped: list[Any] = []
    data = {**DATA, "trap": lambda *a, **k: trapped.append(a)}
    try:
        code = expressions.compiled(text)
    except ExpressionRefused as exc:
        return exc
    assert code.co_consts is not None
    WATCH.on, WATCH.seen = True, []
    try:
        value = evaluate(text, data, {"due": lambda name: "2025-01-01"})
    except (NameError, TypeError, KeyError, IndexError, ValueError) as exc:
        value = exc
    finally:
        WATCH.on = False
    assert not trapped, "a value of the data was called"
    assert not WATCH.seen, WATCH.seen
    return value


def is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(is_plain, value))
    return isinstance(value, PLAIN_TYPES)


@settings(max_examples=600, deadline=None)
@given(PYTHON)
def test_random_python_is_refused_or_gives_plain_data(text):
    value = outcome_of(text)
    # The trap itself is no plain data; all it may do is lie there.
    assert isinstance(value, Exception) or is_plain(value) or "trap" in text


def test_the_watch_sees_what_it_watches_for(tmp_path):
    WATCH.on, WATCH.seen = True, []
    (tmp_path / "canary").write_text("x")
    WATCH.on = False
    assert "open" in WATCH.seen


@settings(max_examples=400, deadline=None)
@given(PYTHON)
def test_what_is_let_through_holds_only_the_allowed_parts(text):
    try:
        tree = parse(text)
    except ExpressionRefused:
        return
    for node in ast.walk(tree):
        assert not isinstance(
            node,
            ast.Attribute
            | ast.Lambda
            | ast.comprehension
            | ast.JoinedStr
            | ast.NamedExpr
            | ast.Starred,
        )
        if isinstance(node, ast.Name):
            assert not node.id.startswith("_")
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            assert node.func.id in {*FUNCTIONS, "length", "present"}


ANYTHING = st.text("ab_(){}[]'\"\\.,:;=<>!+-*/%@#$&|^~ \n\t\0１ａ＿λ0123456789", max_size=60)


@settings(max_examples=600, deadline=None)
@given(ANYTHING)
def test_any_text_is_parsed_or_refused(text):
    with suppress(ExpressionRefused):  # nothing else may come out
        parse(text)


GOOD_LEAVES = st.sampled_from(["a", "b", "late", "name", "xs", "1", "0.5", "'x'", "true", "null"])
GOOD = st.recursive(
    GOOD_LEAVES | st.sampled_from(ALLOWED_CALLS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "==", "!=", "<", ">", "in"]), inner).map(
            lambda given: "({} {} {})".format(*given)
        ),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda given: "({} {} {})".format(*given)
        ),
        inner.map("(not {})".format),
        inner.map("(-{})".format),
        st.tuples(inner, inner, inner).map(lambda given: "({} if {} else {})".format(*given)),
        st.tuples(inner, inner).map(lambda given: "[{}, {}]".format(*given)),
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(GOOD)
def test_what_is_in_the_language_gives_what_python_gives(text):
    functions = {"due": lambda name: "2025-01-01"}
    helpers = {"length": len, "present": lambda v: v not in (None, ""), "true": True, "null": None}
    try:
        expected = eval(text, {**DATA, **functions, **helpers})
    except TypeError:
        with pytest.raises(TypeError):
            evaluate(text, DATA, functions)
    else:
        assert evaluate(text, DATA, functions) == expected


@settings(max_examples=200, deadline=None)
@given(GOOD)
def test_the_wrapper_changes_nothing(text):
    assert ast.dump(parse(f"${{{text}}}")) == ast.dump(parse(text))


# What it may cost.

COSTLY = {
    "sums of a long text": "+".join(["text"] * 60),
    "sums of a long list": "+".join(["items"] * 60),
    "search in a sum": "'zz' in " + "(" + "+".join(["text"] * 60) + ")",
    "nested lists of it": "[[[text, text], [text, text]], [[text, text], [text, text]]]",
    "long comparisons": " and ".join(["text == text"] * 40),
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_an_evaluation_is_bounded_in_time_and_memory(text):
    data = {"text": "y" * 100_000, "items": list(range(10_000))}
    tracemalloc.start()
    began = time.monotonic()
    try:
        value = evaluate(text, data, {})
    except ExpressionRefused:
        value = None
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.monotonic() - began < 1
    assert used < 64 * 2**20
    assert value is None or isinstance(value, bool)


@pytest.mark.parametrize(
    "value", ["y" * (MAX_RESULT + 1), ["y" * 60_000] * 2, [0] * (MAX_RESULT + 1)]
)
def test_a_value_too_large_to_keep_is_refused(value):
    with pytest.raises(ExpressionRefused, match="larger"):
        evaluate("x", {"x": value}, {})


def test_a_list_comes_out_as_a_list_of_its_own():
    data = {"x": [1, [2]]}
    value = evaluate("x", data, {})
    value[1].append(3)
    assert data == {"x": [1, [2]]}


@pytest.mark.parametrize("depth", [50, 100, 190, 250, 1000])
@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("[", "]"), ("not ", ""), ("-", "")])
def test_deep_nesting_ends_in_a_tree_or_a_refusal(depth, opening, closing):
    text = opening * depth + "a" + closing * depth
    with suppress(ExpressionRefused):  # and no RecursionError
        evaluate(text, DATA, {})


def test_refusing_is_quick():
    began = time.monotonic()
    for text in ("(" * 10_000, "a" * 10_000, "${" + "}" * 100_000, " " * 10**6, "a+" * 10**5):
        with pytest.raises(ExpressionRefused):
            parse(text)
    assert time.monotonic() - began < 1
