"""Small diagrams and decisions written by hand: builders that give XML."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
OPENING = (
    f'<definitions xmlns="{BPMN}" xmlns:camunda="{CAMUNDA}" xmlns:x="urn:other" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d" targetNamespace="t">'
)


def document(*roots: str, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """Return a BPMN file with these root elements."""
    return (prolog + OPENING + "".join(roots) + "</definitions>").encode()


def process(*elements: str, name: str = "main") -> str:
    """Return a process."""
    return f'<process id="{name}" isExecutable="true">{"".join(elements)}</process>'


def node(kind: str, name: str, inner: str = "", **attributes: str) -> str:
    """Return a flow node; attributes written `camunda_x` belong to Camunda."""
    return f"<{kind} id={quoteattr(name)}{_written(attributes)}>{inner}</{kind}>"


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(
        f" {name.replace('camunda_', 'camunda:')}={quoteattr(value)}"
        for name, value in attributes.items()
    )


def begin(name: str = "S", inner: str = "", **attributes: str) -> str:
    """Return a start event."""
    return node("startEvent", name, inner, **attributes)


def end(name: str = "E", inner: str = "") -> str:
    """Return an end event."""
    return node("endEvent", name, inner)


def user(name: str, inner: str = "", **attributes: str) -> str:
    """Return a user task with a form and a role."""
    given = {"camunda_formKey": "f", "camunda_candidateGroups": "dispatcher", **attributes}
    return node("userTask", name, inner, **given)


def keeping(name: str, *variables: str, inner: str = "") -> str:
    """Return a user task that keeps these answers."""
    return user(name, mapping(outputs={v: f"${{{v}}}" for v in variables}) + inner)


def service(
    name: str, topic: str = "put", inputs: Mapping[str, str] | None = None, inner: str = ""
) -> str:
    """Return a service task that calls a topic."""
    extension = mapping(inputs=inputs) if inputs else ""
    return node(
        "serviceTask", name, extension + inner, camunda_type="external", camunda_topic=topic
    )


def mapping(
    inputs: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None
) -> str:
    """Return extension elements with input and output parameters."""
    texts = [
        f"<camunda:{kind}Parameter name={quoteattr(name)}>{escape(text)}</camunda:{kind}Parameter>"
        for kind, given in (("input", inputs or {}), ("output", outputs or {}))
        for name, text in given.items()
    ]
    return extension(f"<camunda:inputOutput>{''.join(texts)}</camunda:inputOutput>")


def extension(inner: str) -> str:
    """Return extension elements."""
    return f"<extensionElements>{inner}</extensionElements>"


def flow(source: str, target: str, condition: str | None = None, **attributes: str) -> str:
    """Return a sequence flow named `source_target`."""
    inner = "" if condition is None else expression("conditionExpression", condition)
    given = {"sourceRef": source, "targetRef": target, **attributes}
    return node("sequenceFlow", f"{source}_{target}", inner, **given)


def chain(*names: str) -> str:
    """Return the flows from each node to the next."""
    return "".join(flow(source, target) for source, target in pairwise(names))


def expression(tag: str, text: str) -> str:
    """Return an element that holds an expression."""
    return f'<{tag} xsi:type="tFormalExpression">{escape(text)}</{tag}>'


def boundary(name: str, host: str, definition: str, *, cancel: bool = True) -> str:
    """Return a boundary event."""
    attributes = {"attachedToRef": host, "cancelActivity": "true" if cancel else "false"}
    return node("boundaryEvent", name, definition, **attributes)


def timer(text: str, kind: str = "timeDuration") -> str:
    """Return a timer's definition."""
    return f"<timerEventDefinition>{expression(kind, text)}</timerEventDefinition>"


def trigger(kind: str, ref: str) -> str:
    """Return the definition of a message, signal, error or escalation event."""
    return f'<{kind}EventDefinition {kind}Ref="{ref}"/>'


def declared(kind: str, name: str) -> str:
    """Return the root element that a trigger refers to."""
    code = f' {kind}Code="{name}"' if kind in {"error", "escalation"} else ""
    return f'<{kind} id="{name}" name="{name}"{code}/>'


def exclusive(name: str, default: str | None = None) -> str:
    """Return an exclusive gateway; default: the node its default flow leads to."""
    attributes = {} if default is None else {"default": f"{name}_{default}"}
    return node("exclusiveGateway", name, **attributes)


def inclusive(name: str, default: str | None = None) -> str:
    """Return an inclusive gateway; default: the node its default flow leads to."""
    attributes = {} if default is None else {"default": f"{name}_{default}"}
    return node("inclusiveGateway", name, **attributes)


def parallel(name: str) -> str:
    """Return a parallel gateway."""
    return node("parallelGateway", name)


def called(name: str, target: str, inner: str = "") -> str:
    """Return a call activity."""
    return node("callActivity", name, inner, calledElement=target)


def nested(name: str, *elements: str, **attributes: str) -> str:
    """Return an embedded sub-process."""
    return node("subProcess", name, "".join(elements), **attributes)


def catch(name: str, definition: str) -> str:
    """Return an intermediate catch event."""
    return node("intermediateCatchEvent", name, definition)


def throw(name: str, definition: str) -> str:
    """Return an intermediate throw event."""
    return node("intermediateThrowEvent", name, definition)


def many(cardinality: str, *, sequential: bool = False, condition: str | None = None) -> str:
    """Return multi-instance characteristics over a number."""
    inner = expression("loopCardinality", cardinality)
    if condition is not None:
        inner += expression("completionCondition", condition)
    flag = "true" if sequential else "false"
    tag = "multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{flag}">{inner}</{tag}>'


def decision(
    *rules: tuple[str, ...],
    inputs: tuple[str, ...] = ("level",),
    outputs: tuple[str, ...] = ("unit",),
    policy: str = "FIRST",
    key: str = "choose",
) -> bytes:
    """Return a DMN file; a rule gives a cell for each input, then for each output."""
    columns = [
        f'<input id="in_{n}"><inputExpression id="ie_{n}"><text>{escape(text)}</text>'
        "</inputExpression></input>"
        for n, text in enumerate(inputs)
    ]
    columns += [f'<output id="out_{n}" name={quoteattr(o)}/>' for n, o in enumerate(outputs)]
    rows = [_row(number, rule, len(inputs)) for number, rule in enumerate(rules)]
    return (
        f'<definitions xmlns="{DMN}" id="d" name="d" namespace="t"><decision id="{key}">'
        f'<decisionTable id="t" hitPolicy="{policy}">{"".join(columns + rows)}</decisionTable>'
        "</decision></definitions>"
    ).encode()


def _row(number: int, rule: tuple[str, ...], inputs: int) -> str:
    cells = [
        f'<{kind} id="{kind}_{number}_{position}"><text>{escape(text)}</text></{kind}>'
        for position, text in enumerate(rule)
        for kind in ["inputEntry" if position < inputs else "outputEntry"]
    ]
    return f'<rule id="rule_{number}">{"".join(cells)}</rule>'
