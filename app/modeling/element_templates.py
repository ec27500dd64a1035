"""Element templates: what the modeler offers to fill in, made from what this installation knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Template = dict[str, Any]

# The modeler keeps the id of an applied template in the file, to show it again; the engine does not read it.
PREFIX: Final = "jingwei."


def element_templates(
    topics: Iterable[str],
    roles: Mapping[str, str],
    form_keys: Iterable[str],
    *,
    words: Mapping[str, str],
) -> list[Template]:
    """Return the templates for service tasks by topic and for user tasks by role.

    roles: their names by code. words: the labels in the reader's language.
    """
    forms = sorted(form_keys)
    services = [_service(topic, words) for topic in sorted(topics)]
    return [*services, *(_user(role, name, forms, words) for role, name in roles.items())]


def _service(topic: str, words: Mapping[str, str]) -> Template:
    properties = [
        _hidden("camunda:type", "external"),
        _hidden("camunda:topic", topic),
    ]
    if topic.startswith("clock."):
        properties.append(
            {
                "label": words["clock"],
                "type": "String",
                "binding": {"type": "camunda:inputParameter", "name": "clock"},
                "constraints": {"notEmpty": True},
            }
        )
    return {
        "name": f"{words['service']} {topic}",
        "id": f"{PREFIX}topic.{topic}",
        "appliesTo": ["bpmn:Task", "bpmn:ServiceTask"],
        "elementType": {"value": "bpmn:ServiceTask"},
        "entriesVisible": True,
        "properties": properties,
    }


def _user(role: str, name: str, forms: list[str], words: Mapping[str, str]) -> Template:
    return {
        "name": f"{words['user']} {name}",
        "id": f"{PREFIX}role.{role}",
        "appliesTo": ["bpmn:Task", "bpmn:UserTask"],
        "elementType": {"value": "bpmn:UserTask"},
        "entriesVisible": True,
        "properties": [
            _hidden("camunda:candidateGroups", role),
            {
                "label": words["form"],
                "type": "Dropdown",
                "choices": [{"name": form, "value": form} for form in forms],
                "binding": {"type": "property", "name": "camunda:formKey"},
                "constraints": {"notEmpty": True},
            },
        ],
    }


def _hidden(name: str, value: str) -> Template:
    return {"type": "Hidden", "value": value, "binding": {"type": "property", "name": name}}
