"""The small expression language of diagrams and decisions.

Text found in a diagram is code from outside. It is parsed with Python's own grammar, every node is held against
an allow-list, and only then compiled; there is no attribute, no comprehension, no lambda, no f-string, no call but
to a named function, and no way to reach a builtin.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

MAX_LENGTH = 2000
MAX_NODES = 200
MAX_NUMBER = 10**12
MAX_TEXT = 500
MAX_RESULT = 100_000

# Functions that need the moment of the step, with the number of their arguments.
FUNCTIONS: Mapping[str, int] = {
    "due": 1,
    "before_due": 2,
    "after_due": 2,
    "after": 1,
    "at": 1,
    "duration": 1,
}
PURE_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "length": len,
    "present": lambda value: value not in (None, ""),
}
_ARGUMENTS = {**FUNCTIONS, **dict.fromkeys(PURE_FUNCTIONS, 1)}

_ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.IfExp,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.Call,
    ast.Subscript,
)

_REMEDY = {
    ast.Attribute: "use a plain name; values of the case are names, and a field of a value is value['field']",
    ast.Lambda: "use a decision table",
    ast.ListComp: "use a decision table",
    ast.JoinedStr: "join texts with +",
    ast.Pow: "use + and -",
    ast.Mult: "use + and -, or a decision table",
    ast.NamedExpr: "set values in forms, decisions or service tasks",
    ast.Await: "remove it",
    ast.Starred: "list the values one by one",
}

_WRAPPED = re.compile(r"^\s*[$#]\{(.*)\}\s*$", re.DOTALL)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ExpressionRefused(ValueError):
    """An expression outside the allowed language."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def unwrap(text: str) -> str:
    """Return the expression inside `${...}`, or the text itself, stripped."""
    match = _WRAPPED.match(text)
    return (match.group(1) if match else text).strip()


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.Expression:
    """Parse and check one expression; raise ExpressionRefused with reason and remedy."""
    if len(text) > MAX_LENGTH:
        raise ExpressionRefused(
            f"the expression has {len(text)} characters, {MAX_LENGTH} are allowed",
            "use a decision table",
        )
    source = unwrap(text)
    if not source:
        raise ExpressionRefused(
            "the expression is empty", 'write a comparison such as outcome == "accept"'
        )
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise ExpressionRefused(
            f"{source[:60]!r} is not an expression",
            'compare names and values, for example outcome == "accept" and not late',
        ) from exc
    for count, node in enumerate(ast.walk(tree)):
        if count >= MAX_NODES:
            raise ExpressionRefused(
                f"the expression has more than {MAX_NODES} parts", "use a decision table"
            )
        _check_node(node)
    _check_function_names(tree)
    return tree


def _check_node(node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        kind = type(node)
        remedy = _REMEDY.get(kind, "use names, constants, comparison, and/or/not, + and -")
        raise ExpressionRefused(f"{kind.__name__} is not allowed", remedy)
    if isinstance(node, ast.Name) and not _is_plain_name(node.id):
        raise ExpressionRefused(
            f"the name {node.id!r} is not allowed", "use a name without leading underscores"
        )
    if isinstance(node, ast.Constant):
        _check_constant(node.value)
    if isinstance(node, ast.Call):
        _check_call(node)
    if isinstance(node, ast.Subscript) and not (
        isinstance(node.value, ast.Name | ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str | int)
    ):
        raise ExpressionRefused("a subscript must be a constant key", "write value['field']")


def _check_function_names(tree: ast.Expression) -> None:
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _ARGUMENTS and id(node) not in called:
            raise ExpressionRefused(
                f"{node.id} is a function, not a value", f"call it, as in {node.id}(...)"
            )


def _is_plain_name(name: str) -> bool:
    return not name.startswith("_") and "__" not in name


def _check_constant(value: object) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if abs(value) > MAX_NUMBER:
            raise ExpressionRefused("the number is too large", f"use at most {MAX_NUMBER}")
        return
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ExpressionRefused(
                "the text constant is too long", f"use at most {MAX_TEXT} characters"
            )
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
            raise ExpressionRefused(
                "the text constant has a character that cannot be kept", "write readable text"
            )
        return
    raise ExpressionRefused(
        f"a constant of type {type(value).__name__} is not allowed",
        "use text, numbers or true/false",
    )


def _check_call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name):
        raise ExpressionRefused("only named functions may be called", _function_list())
    wanted = _ARGUMENTS.get(node.func.id)
    if wanted is None:
        raise ExpressionRefused(f"the function {node.func.id!r} is not known", _function_list())
    if node.keywords:
        raise ExpressionRefused("named arguments are not allowed", "give the arguments in order")
    if len(node.args) != wanted:
        raise ExpressionRefused(
            f"{node.func.id} was given {len(node.args)} arguments", f"give it {wanted}"
        )


def _function_list() -> str:
    return "use one of " + ", ".join(sorted(_ARGUMENTS))


@lru_cache(maxsize=4096)
def compiled(text: str) -> CodeType:
    """Return the checked code of one expression, compiled once a process."""
    return compile(parse(text), "<expression>", "eval")


_CONSTANTS = {"true": True, "false": False, "null": None}


def _absent(*_: Any) -> Any:
    raise ValueError("this function is not offered here")


# Without these a value of the data named like a function that is not offered would be called.
_ABSENT: Mapping[str, Callable[..., Any]] = dict.fromkeys(FUNCTIONS, _absent)


def evaluate(
    text: str, data: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    """Evaluate a checked expression over the data; constants and functions win over data of the same name.

    Lists come out as lists of their own, so that what is kept does not depend on how it was written.
    """
    scope: dict[str, Any] = {
        **data,
        **_CONSTANTS,
        **PURE_FUNCTIONS,
        **_ABSENT,
        **functions,
        "__builtins__": {},
    }
    value = eval(compiled(text), scope)  # noqa: S307 because the code came through the allow-list above
    if isinstance(value, str | list | tuple | dict):
        _check_size(value)
        return _with_own_lists(value)
    return value


def _check_size(value: Any) -> None:
    """Refuse a value that has grown too large: in a loop `a + a` or `[a, a]` doubles each time."""
    size, stack = 0, [value]
    while stack:
        item = stack.pop()
        size += len(item) if isinstance(item, str) else 1
        if size > MAX_RESULT:
            raise ExpressionRefused(
                f"the value is larger than {MAX_RESULT}", "keep less; do not add it to itself"
            )
        if isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.values())


def _with_own_lists(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_with_own_lists(item) for item in value]
    return value


def names_in(text: str) -> frozenset[str]:
    """Return the data names an expression reads."""
    tree = parse(text)
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return frozenset(
        n.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and id(n) not in called and n.id not in _CONSTANTS
    )


def call_in(text: str) -> tuple[str, tuple[Any, ...]] | None:
    """Return (function, arguments) when the whole expression is one call, constants as values and names as None."""
    body = parse(text).body
    if not isinstance(body, ast.Call) or not isinstance(body.func, ast.Name):
        return None
    return body.func.id, tuple(a.value if isinstance(a, ast.Constant) else None for a in body.args)


@lru_cache(maxsize=4096)
def is_variable_name(text: str) -> bool:
    """Tell whether a text may name a variable of an instance."""
    return (
        bool(_NAME.fullmatch(text))
        and _is_plain_name(text)
        and not keyword.iskeyword(text)
        and text not in _CONSTANTS
        and text not in _ARGUMENTS
    )
