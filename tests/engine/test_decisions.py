"""Decision tables: what a cell means, which row wins, and what no row says."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.decisions import CELL, DecisionTable, read_decision, unary_test
from app.engine.documents import read_document
from app.engine.expressions import ExpressionRefused, evaluate, parse
from app.errors import EngineError, Fault
from tests.engine.diagrams import decision


def table(*rules: tuple[str, ...], **shape: Any) -> DecisionTable:
    faults: list[Fault] = []
    read = read_decision("d.dmn", read_document("d.dmn", decision(*rules, **shape)), faults)
    assert faults == []
    assert read is not None
    return read


def faults_of(*rules: tuple[str, ...], **shape: Any) -> list[Fault]:
    faults: list[Fault] = []
    content = decision(*rules, **shape)
    assert read_decision("d.dmn", read_document("d.dmn", content), faults) is None
    return faults


def matches(cell: str, value: Any, **data: Any) -> bool:
    """Tell whether a row with this one cell is the one that is found."""
    found = table((cell, '"yes"'), ("-", '"no"')).decide({"level": value, **data}, {})
    return found == {"unit": "yes"}


@pytest.mark.parametrize(
    ("cell", "hits", "misses"),
    [
        ('"a"', ["a"], ["b", "", None, 1]),
        ("'a'", ["a"], ["b", None]),
        ('"a","b"', ["a", "b"], ["c", "a,b", None]),
        ('"a,b","c"', ["a,b", "c"], ["a", "b"]),
        ('["a", "b"]', ["a", "b"], ["c"]),
        ('not("a")', ["b", "", None], ["a"]),
        ('not("a", "b")', ["c", None], ["a", "b"]),
        ("not(> 3)", [3, 0], [4]),
        ("7", [7, 7.0], [8, "7", None]),
        ("-7", [-7], [7]),
        ("1e3", [1000], [1, True]),
        (">= 5", [5, 6], [4, None, "6"]),
        ("< 5", [4], [5, None]),
        ("!= 5", [4, None, "5"], [5]),
        ("= 5", [5], [6]),
        ("== 5", [5], [6]),
        ("> 5, < 2", [6, 1], [5, 2, 3]),
        ("[1..5]", [1, 3, 5], [0, 6, None, "3"]),
        ("]1..5[", [2, 4.9], [1, 5]),
        ("(1..5)", [2], [1, 5]),
        ("[1..5)", [1], [5]),
        ("]1..5], 9", [5, 9], [1, 8]),
        ("[-5..-1]", [-5, -1], [0]),
        ("[0.5 .. 1.5]", [0.5, 1.5], [0.4]),
        ("true", [True], [False, None, "true"]),
        ("false", [False], [True, None]),
        ("null", [None], [0, ""]),
        ("other", ["x"], ["y", None]),
        ('other + "z"', ["xz"], ["x"]),
        ("> limit", [11], [10, None]),
        ('? in ["a?", "b"]', ["a?", "b"], ["acell", "c"]),
        ('? == "why?"', ["why?"], ["whycell"]),
        ("length(?) > 2", ["abc"], ["ab", None]),
        ("present(?)", ["x", 0], [None, ""]),
        ("present(missing)", [], ["x"]),
        ('other == "x" and ? > 3', [4], [3]),
        (r'"a\"b"', ['a"b'], ["a", "b"]),
        ("-", [None, 0, "x"], []),
        ("", [None, 0, "x"], []),
        ("  -  ", ["x"], []),
    ],
)
def test_a_cell_means_what_its_text_says(cell, hits, misses):
    data = {"other": "x", "limit": 10, "missing": None}
    for value in hits:
        assert matches(cell, value, **data), value
    for value in misses:
        assert not matches(cell, value, **data), value


REFUSED = {
    "two negations": 'not("a"), not("b")',
    "a bracket closed too early": "> a) or (b",
    "a bracket closed in a text position": '"a") or ("b"',
    "empty part": '"a",',
    "range of texts": '"a".."z"',
    "open text": '"a',
    "comment": "5 # x",
    "attribute": "?.__class__",
    "call of a builtin": '__import__("os").system("id")',
    "unknown function": "date(?)",
    "FEEL date": 'date and time("2025-01-01")',
    "FEEL some": "some x in level satisfies x > 1",
    "power": "10 ** 10 ** 10",
    "lambda": "(lambda: 1)()",
    "comparison with a statement": "> 5; import os",
    "comparison with an attribute": "> ().__class__",
    "function as a value": "due",
    "juel": "#{execution.id}",
    "huge number": "> 99999999999999999",
    "deep": "(" * 300 + "1" + ")" * 300,
}


@pytest.mark.parametrize("cell", REFUSED.values(), ids=REFUSED)
def test_a_cell_outside_the_language_is_refused_naming_the_cell(cell):
    (fault,) = faults_of(('"a"', '"x"'), (cell, '"y"'))
    assert (fault.file, fault.element) == ("d.dmn", "inputEntry_1_0")
    assert fault.remedy


@pytest.mark.parametrize(
    "text", ["?", "x.y", "__import__('os')", "10 ** 9", "f'{x}'", "1 +", "open('f')"]
)
@pytest.mark.parametrize("where", ["input", "output"])
def test_an_expression_outside_the_language_is_refused_in_every_column(text, where):
    faults = (
        faults_of(('"a"', '"x"'), inputs=(text,)) if where == "input" else faults_of(('"a"', text))
    )
    assert [f.element for f in faults] == ["in_0" if where == "input" else "outputEntry_0_1"]


def test_the_first_row_that_matches_wins():
    rows = (("> 5", '"a"'), ("> 3", '"b"'), ("-", '"c"'))
    found = [table(*rows).decide({"level": level}, {})["unit"] for level in (6, 4, 1)]
    assert found == ["a", "b", "c"]


def test_every_input_must_match():
    rows = (('"high"', "> 5", '"a"'), ('"high"', "-", '"b"'))
    choose = table(*rows, inputs=("level", "count + 1"))
    assert choose.decide({"level": "high", "count": 5}, {}) == {"unit": "a"}
    assert choose.decide({"level": "high", "count": 4}, {}) == {"unit": "b"}


def test_outputs_are_expressions_and_an_empty_one_is_left_out():
    choose = table(("-", "count + 1", ""), outputs=("days", "unit"))
    assert choose.decide({"level": 1, "count": 2}, {}) == {"days": 3}


def test_no_row_that_matches_is_an_engine_error_with_key_and_values():
    with pytest.raises(EngineError, match=r"choose.*low"):
        table(('"high"', '"a"')).decide({"level": "low"}, {})


def test_a_unique_table_refuses_two_rows_that_match():
    choose = table(("> 5", '"a"'), ("> 3", '"b"'), policy="UNIQUE")
    assert choose.decide({"level": 4}, {}) == {"unit": "b"}
    with pytest.raises(EngineError, match="choose"):
        choose.decide({"level": 6}, {})


def test_any_takes_rows_that_agree_and_refuses_those_that_do_not():
    choose = table(("> 5", '"a"'), ("> 3", '"a"'), ("> 7", '"b"'), policy="ANY")
    assert choose.decide({"level": 6}, {}) == {"unit": "a"}
    with pytest.raises(EngineError):
        choose.decide({"level": 8}, {})


@pytest.mark.parametrize(
    "policy", ["COLLECT", "RULE ORDER", "OUTPUT ORDER", "PRIORITY", "nonsense"]
)
def test_another_policy_is_refused(policy):
    (fault,) = faults_of(("-", '"a"'), policy=policy)
    assert (fault.element, policy.upper() in fault.reason) == ("choose", True)


@pytest.mark.parametrize("names", [("1x",), ("__class__",), ("true",), ("a b",), ("unit", "unit")])
def test_an_output_needs_a_name_of_its_own(names):
    assert faults_of(("-", *['"a"'] * len(names)), outputs=names)


def test_a_row_with_a_cell_too_few_is_refused():
    (fault,) = faults_of(("-",))
    assert fault.element == "rule_0"


def test_a_table_without_rows_is_refused():
    (fault,) = faults_of()
    assert "rows" in fault.reason


@pytest.mark.parametrize(
    ("replaced", "by"),
    [
        ("<decisionTable", '<decisionTable expressionLanguage="groovy"'),
        ("<inputExpression", '<inputExpression expressionLanguage="javascript"'),
        ("<outputEntry", '<outputEntry expressionLanguage="http://www.w3.org/1999/XPath"'),
        ("<decisionTable", "<literalExpression><text>1</text></literalExpression><decisionTable"),
        ("<decisionTable", "<knowledgeRequirement/><decisionTable"),
        (
            "<decisionTable",
            '<informationRequirement><requiredDecision href="#other"/></informationRequirement><decisionTable',
        ),
        ("<decision id", "<businessKnowledgeModel id='k'/><decision id"),
        ("<decision id", "<import/><decision id"),
        ("</decision>", "</decision><decision id='two'/>"),
        (
            'name="unit"/>',
            'name="unit"><defaultOutputEntry><text>1</text></defaultOutputEntry></output>',
        ),
        ("</rule>", "<script>1</script></rule>"),
    ],
)
def test_what_would_be_dropped_in_silence_is_refused(replaced, by):
    content = decision(("-", '"a"')).decode()
    assert replaced in content
    faults: list[Fault] = []
    changed = read_document("d.dmn", content.replace(replaced, by, 1).encode())
    assert read_decision("d.dmn", changed, faults) is None
    assert faults[0].element
    assert all(f.remedy for f in faults)


def test_functions_are_called_in_cells_and_outputs():
    choose = table(('> after("1 day")', 'due("handling")'))
    functions = {"after": lambda text: 10, "due": lambda name: f"due of {name}"}
    assert choose.decide({"level": 11}, functions) == {"unit": "due of handling"}


NUMBERS = st.integers(-20, 20)
TESTS = st.one_of(
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "!=", "="]), NUMBERS),
    st.tuples(st.sampled_from(["[]", "[[", "]]", "][", "()", "[)", "(]"]), NUMBERS, NUMBERS),
    st.tuples(st.just("value"), NUMBERS),
)


def written(test: tuple[Any, ...]) -> str:
    kind, *numbers = test
    if len(numbers) == 2:
        return f"{kind[0]}{numbers[0]}..{numbers[1]}{kind[1]}"
    return str(numbers[0]) if kind == "value" else f"{kind} {numbers[0]}"


def passes(test: tuple[Any, ...], value: int) -> bool:
    kind, *numbers = test
    if len(numbers) == 2:
        low, high = numbers
        above = value >= low if kind[0] == "[" else value > low
        return above and (value <= high if kind[1] == "]" else value < high)
    (number,) = numbers
    return {
        "<": value < number,
        "<=": value <= number,
        ">": value > number,
        ">=": value >= number,
        "!=": value != number,
        "=": value == number,
        "value": value == number,
    }[kind]


@settings(max_examples=200, deadline=None)
@given(st.lists(TESTS, min_size=1, max_size=4), st.booleans(), NUMBERS)
def test_a_cell_of_numbers_passes_as_a_plain_reading_says(tests, negated, value):
    text = ", ".join(map(written, tests))
    test = unary_test(f"not({text})" if negated else text)
    assert test is not None
    expected = any(passes(t, value) for t in tests) is not negated
    assert evaluate(test, {CELL: value}, {}) is expected


@settings(max_examples=400, deadline=None)
@given(st.text("ab\"'()[],.<>=!?-+0 1not#\\", max_size=30))
def test_any_cell_is_read_or_refused(text):
    with suppress(ExpressionRefused):  # nothing else may come out
        test = unary_test(text)
        assert test is None or parse(test)
