"""Decision tables (DMN): read, check, decide.

The cells are the unary tests that dmn-js writes: `"a"`, `"a","b"`, `not("a")`, `>= 5`, `[1..5]`, `-`, and plain
expressions in our own language, where `?` is the input's value. A cell that is a value and no test asks whether
the input equals it. Each cell becomes one checked expression over the input's value.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from app.engine.documents import local_name
from app.engine.expressions import ExpressionRefused, evaluate, is_variable_name, parse
from app.errors import EngineError, Fault

CELL = "cell"
POLICIES = ("UNIQUE", "FIRST", "ANY")

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"([\[\]\(])\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*([\[\]\)])")
_COMPARISON = re.compile(r"(<=|>=|<|>|==|=|!=)\s*(.+)", re.DOTALL)
_NOT = re.compile(r"not\s*\((.*)\)", re.DOTALL)
# Texts and ranges whole, then single characters: what a comma or a `?` means depends on where it stands.
_TOKEN = re.compile(rf"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|{_RANGE.pattern}|.)""", re.DOTALL)
_TESTS = (ast.Compare, ast.BoolOp)

_EVERYWHERE = frozenset({"description", "extensionElements"})
# What may stand where; what draws or explains only is passed over, anything else would be dropped in silence.
_CONTENT: Mapping[str, frozenset[str]] = {
    "definitions": frozenset(
        {"decision", "inputData", "knowledgeSource", "itemDefinition", "textAnnotation"}
        | {"association", "elementCollection", "DMNDI"}
    ),
    "decision": frozenset(
        {"decisionTable", "question", "allowedAnswers", "variable"}
        | {"informationRequirement", "authorityRequirement"}
    ),
    "informationRequirement": frozenset({"requiredInput"}),
    "decisionTable": frozenset({"input", "output", "rule", "annotation"}),
    "input": frozenset({"inputExpression", "inputValues"}),
    "inputExpression": frozenset({"text"}),
    "output": frozenset({"outputValues"}),
    "rule": frozenset({"inputEntry", "outputEntry", "annotationEntry"}),
    "inputEntry": frozenset({"text"}),
    "outputEntry": frozenset({"text"}),
}


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
        """Return the outputs of the row that matches.

        Raises EngineError when none does, or more than one against the table's policy.
        """
        values = [evaluate(text, data, functions) for text in self.inputs]
        results = self._results(values, data, functions)
        first = next(results, None)
        if first is None:
            raise EngineError(
                "决策表 %(key)s 没有与 %(values)s 相符的行。", key=self.key, values=values
            )
        others = [] if self.policy == "FIRST" else list(results)
        if others and (self.policy == "UNIQUE" or any(other != first for other in others)):
            raise EngineError(
                "决策表 %(key)s 不止一行与 %(values)s 相符。", key=self.key, values=values
            )
        return first

    def _results(
        self, values: list[Any], data: Mapping[str, Any], functions: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        for rule in self.rules:
            tests = zip(rule.tests, values, strict=True)
            if all(_passes(test, value, data, functions) for test, value in tests):
                cells = zip(self.outputs, rule.outputs, strict=True)
                yield {name: evaluate(text, data, functions) for name, text in cells if text}


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
    """Turn one cell into an expression over `cell`; None where everything matches.

    Raises ExpressionRefused for a cell that is not made of tests, each whole in itself.
    """
    stripped = text.strip()
    if stripped in ("", "-"):
        return None
    negated = _NOT.fullmatch(stripped)
    if negated:
        return f"not ({unary_test(negated.group(1)) or 'True'})"
    return " or ".join(f"({_single_test(part)})" for part in _parts(stripped))


def _parts(text: str) -> list[str]:
    """Split a cell at its commas and put the input's name for `?`, texts and brackets left alone."""
    parts, depth = [""], 0
    for match in _TOKEN.finditer(text):
        piece = match.group(1)
        depth += (piece in "([{") - (piece in ")]}")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += CELL if piece == "?" else piece
    return [part.strip() for part in parts]


def _single_test(text: str) -> str:
    between = _RANGE.fullmatch(text)
    if between:
        opening, low, high, closing = between.groups()
        lower = ">=" if opening == "[" else ">"
        upper = "<=" if closing == "]" else "<"
        return f"{CELL} {lower} {low} and {CELL} {upper} {high}"
    comparison = _COMPARISON.fullmatch(text)
    if comparison:
        operator, value = comparison.groups()
        parse(value)
        return f"{CELL} {'==' if operator == '=' else operator} {value}"
    body = parse(text).body
    if isinstance(body, ast.List | ast.Tuple):
        return f"{CELL} in {text}"
    return text if _is_test(body) else f"{CELL} == ({text})"


def _is_test(body: ast.expr) -> bool:
    """Tell a test from a value that the input should equal."""
    negation = isinstance(body, ast.UnaryOp) and isinstance(body.op, ast.Not)
    asks = (
        isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and body.func.id == "present"
    )
    reads = any(isinstance(n, ast.Name) and n.id == CELL for n in ast.walk(body))
    return isinstance(body, _TESTS) or negation or asks or reads


def read_decision(path: str, root: etree._Element, faults: list[Fault]) -> DecisionTable | None:
    """Read the one decision of a DMN file, adding a fault for each thing that cannot be used."""
    before = len(faults)
    for node in root.iter():
        _check_content(path, node, faults)
    decisions = [n for n in root if local_name(n) == "decision"]
    if len(decisions) != 1:
        reason = f"the file has {len(decisions)} decisions, one is wanted"
        element = decisions[1].get("id", "") if decisions else root.get("id", "")
        remedy = "keep one decision with one decision table in each file"
        faults.append(Fault(path, element, reason, remedy))
        return None
    decision = decisions[0]
    key = decision.get("id", "")
    tables = [n for n in decision if local_name(n) == "decisionTable"]
    if len(tables) != 1:
        faults.append(Fault(path, key, "there is no decision table", "add one decision table"))
        return None
    table = _read_table(path, key, decision.get("name") or key, tables[0], faults)
    return table if len(faults) == before else None


def _check_content(path: str, node: etree._Element, faults: list[Fault]) -> None:
    language = node.get("expressionLanguage")
    if language and not re.search(r"feel|jingwei", language, re.IGNORECASE):
        reason = f"the language {language[:60]!r} is not run"
        remedy = "remove expressionLanguage and write a plain comparison"
        faults.append(Fault(path, _id_of(node), reason, remedy))
    allowed = _CONTENT.get(local_name(node))
    if allowed is None:
        return
    for child in node:
        if local_name(child) not in allowed | _EVERYWHERE:
            reason = f"{local_name(child)} is not supported"
            faults.append(Fault(path, _id_of(child), reason, "use one decision table"))


def _id_of(node: etree._Element) -> str:
    ids = (n.get("id") for n in (node, *node.iterancestors()))
    return str(next(filter(None, ids), ""))


def _read_table(
    path: str, key: str, name: str, table: etree._Element, faults: list[Fault]
) -> DecisionTable:
    policy = table.get("hitPolicy", "UNIQUE").upper()
    if policy not in POLICIES:
        reason = f"the hit policy {policy} is not supported"
        faults.append(Fault(path, key, reason, f"use {' or '.join(POLICIES)}"))
    inputs = tuple(_input_expression(path, n, faults) for n in table if local_name(n) == "input")
    outputs = tuple(_output_name(path, n, faults) for n in table if local_name(n) == "output")
    if not outputs:
        faults.append(
            Fault(path, key, "the table has no output", "add an output column with a name")
        )
    if len(set(outputs)) < len(outputs):
        faults.append(
            Fault(path, key, "two outputs have one name", "give each output its own name")
        )
    rules = tuple(
        _read_rule(path, n, len(inputs), len(outputs), faults)
        for n in table
        if local_name(n) == "rule"
    )
    if not rules:
        remedy = "add a row; a last row of - catches the rest"
        faults.append(Fault(path, key, "the table has no rows", remedy))
    return DecisionTable(key, name, policy, inputs, outputs, rules)


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
            tests.append(_checked_test(path, child.get("id") or element, _text_of(child), faults))
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


def _checked_test(path: str, element: str, text: str, faults: list[Fault]) -> str | None:
    try:
        test = unary_test(text)
        if test is not None:
            parse(test)
    except ExpressionRefused as exc:
        faults.append(_fault(path, element, text, exc))
        return None
    return test


def _check(path: str, element: str, text: str, faults: list[Fault]) -> None:
    try:
        parse(text)
    except ExpressionRefused as exc:
        faults.append(_fault(path, element, text, exc))


def _fault(path: str, element: str, text: str, refused: ExpressionRefused) -> Fault:
    return Fault(path, element, f"{refused.reason} in {text.strip()[:60]!r}", refused.remedy)
