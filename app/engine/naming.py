"""Say at which element of the diagram something failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.errors import AppError, EngineError


@contextmanager
def at_element(task: Any) -> Iterator[None]:
    """Turn a failure inside into EngineError naming the task's element; our own errors pass."""
    try:
        yield
    except AppError:
        raise
    except Exception as exc:
        raise failure(task.task_spec.bpmn_id or task.task_spec.name, exc) from exc


def failure(element: str, exc: BaseException) -> EngineError:
    """Return the error that says where a process could not go on and why."""
    return EngineError(
        "流程在 %(element)s 处未能继续：%(reason)s", element=element, reason=str(exc)
    )
