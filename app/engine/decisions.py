"""Decision tables (DMN): read, check, decide.

The cells are the unary tests that dmn-js writes: `"a"`, `"a","b"`, `not("a")`, `>= 5`, `[1..5]`, `-`, and plain
expressions in our own language. Each cell becomes one checked expression over the input's value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from app.engine.documents import local_name
from app.engine.expressions import ExpressionRefused, evaluate, is_variable_name, parse
from app.errors import EngineError, Fault

CELL = "cell"
POLICIES = ("UNIQUE", "FIRST", "ANY")

_RANGE = re.compile(r"^([\[\]\(])\s*(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)\s*([\[\]\)])$")
_COMPARISON = re.compile(r"^(<=|>=|<|>|==|=|!=)\s*(.+)$", re.DOTALL)
_NOT = re.compile(r"^not\s*\((.*)\)$", re.DOTALL)
_SPLIT = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True)
class DecisionRule:
    """One row: a test for each input (None matches all) and an expression for each output."""

    element: str
    tests: tuple[str | None, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class DecisionTable:
    """A decision table ready to be asked."""

    key: str
    name: str
    policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[DecisionRule, ...]

    def decide(
        self, data: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
    ) -> dict[str, Any]:
        """Return the outputs of the first row that matches; raise EngineError when none does."""
        values = [evaluate(text, data, functions) for text in self.inputs]
        for rule in self.rules:
            if all(
                _passes(test, value, data, functions)
                for test, value in zip(rule.tests, values, strict=True)
            ):
                cells = zip(self.outputs, rule.outputs, strict=True)
                return {name: evaluate(text, data, functions) for name, text in cells if text}
        raise EngineError(
            "决策表 %(key)s 没有与 %(values)s 相符的行。", key=self.key, values=values
        )


def _passes(
    test: str | None, value: Any, data: Mapping[str, Any], functions: Mapping[str, Any]
) -> bool:
    if test is None:
        return True
    try:
        return bool(evaluate(test, {**data, CELL: value}, functions))
    except TypeError:
        return False  # a missing or foreign value, such as None >= 5, does not match


def unary_test(text: str) -> str | None:
    """Turn one cell into an expression over `cell`; None where everything matches."""
    stripped = text.strip()
    if stripped in ("", "-"):
        return None
    negated = _NOT.match(stripped)
    if negated:
        return f"not ({unary_test(negated.group(1)) or 'True'})"
    parts = [p.strip() for p in _SPLIT.split(stripped)]
    tests = [_single_test(part) for part in parts if part]
    return " or ".join(f"({test})" for test in tests)


def _single_test(text: str) -> str:
    between = _RANGE.match(text)
    if between:
        opening, low, high, closing = between.groups()
        lower = ">=" if opening == "[" else ">"
        upper = "<=" if closing == "]" else "<"
        return f"{CELL} {lower} {low} and {CELL} {upper} {high}"
    comparison = _COMPARISON.match(text)
    if comparison:
        operator, value = comparison.groups()
        return f"{CELL} {'==' if operator == '=' else operator} {value}"
    if re.match(r'^("[^"]*"|-?\d+(\.\d+)?|true|false|True|False|null)$', text):
        return f"{CELL} == {text}"
    return text.replace("?", CELL)


def read_decision(path: str, root: etree._Element, faults: list[Fault]) -> DecisionTable | None:
    """Read the one decision of a DMN file, adding a fault for each thing that cannot be used."""
    decisions = [n for n in root if local_name(n) == "decision"]
    if len(decisions) != 1:
        reason = f"the file has {len(decisions)} decisions, one is wanted"
        faults.append(
            Fault(path, "", reason, "keep one decision with one decision table in each file")
        )
        return None
    decision = decisions[0]
    key = decision.get("id", "")
    tables = [n for n in decision if local_name(n) == "decisionTable"]
    for node in decision:
        if local_name(node) in (
            "literalExpression",
            "context",
            "invocation",
            "functionDefinition",
            "relation",
            "list",
        ):
            reason = f"{local_name(node)} is not supported"
            faults.append(Fault(path, key, reason, "use a decision table"))
    if len(tables) != 1:
        faults.append(Fault(path, key, "there is no decision table", "add one decision table"))
        return None
    return _read_table(path, key, decision.get("name") or key, tables[0], faults)


def _read_table(
    path: str, key: str, name: str, table: etree._Element, faults: list[Fault]
) -> DecisionTable | None:
    before = len(faults)
    policy = table.get("hitPolicy", "UNIQUE").upper()
    if policy not in POLICIES:
        faults.append(
            Fault(
                path,
                key,
                f"the hit policy {policy} is not supported",
                f"use {' or '.join(POLICIES)}",
            )
        )
    inputs = tuple(_input_expression(path, n, faults) for n in table if local_name(n) == "input")
    outputs = tuple(_output_name(path, n, faults) for n in table if local_name(n) == "output")
    if not outputs:
        faults.append(
            Fault(path, key, "the table has no output", "add an output column with a name")
        )
    rules = tuple(
        _read_rule(path, n, len(inputs), len(outputs), faults)
        for n in table
        if local_name(n) == "rule"
    )
    if not rules:
        faults.append(
            Fault(path, key, "the table has no rows", "add a row; a last row of - catches the rest")
        )
    return (
        DecisionTable(key, name, policy, inputs, outputs, rules) if len(faults) == before else None
    )


def _text_of(node: etree._Element) -> str:
    for child in node.iter():
        if local_name(child) == "text":
            return child.text or ""
    return ""


def _input_expression(path: str, node: etree._Element, faults: list[Fault]) -> str:
    text = _text_of(node).strip()
    _check(path, node.get("id", ""), text, faults)
    return text


def _output_name(path: str, node: etree._Element, faults: list[Fault]) -> str:
    name = node.get("name") or node.get("label") or ""
    if not is_variable_name(name):
        reason = f"the output name {name!r} is not a name"
        faults.append(Fault(path, node.get("id", ""), reason, "use letters, digits and _"))
    return name


def _read_rule(
    path: str, node: etree._Element, inputs: int, outputs: int, faults: list[Fault]
) -> DecisionRule:
    element = node.get("id", "")
    tests: list[str | None] = []
    results: list[str] = []
    for child in node:
        if local_name(child) == "inputEntry":
            test = unary_test(_text_of(child))
            if test is not None:
                _check(path, child.get("id") or element, test, faults)
            tests.append(test)
        elif local_name(child) == "outputEntry":
            text = _text_of(child).strip()
            if text:
                _check(path, child.get("id") or element, text, faults)
            results.append(text)
    if len(tests) != inputs or len(results) != outputs:
        faults.append(
            Fault(
                path, element, "the row has too few or too many cells", "give each column one cell"
            )
        )
    return DecisionRule(element, tuple(tests), tuple(results))


def _check(path: str, element: str, text: str, faults: list[Fault]) -> None:
    try:
        parse(text)
    except ExpressionRefused as exc:
        faults.append(Fault(path, element, exc.reason, exc.remedy))
