"""Hostile and wrong diagrams, decisions and expressions: none is deployed, none runs, each is told where and what."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.engine.definitions import check_bundle, compile_bundle
from app.errors import DefinitionError, Fault
from tests.engine import diagrams as d
from tests.engine.diagrams import (
    begin,
    boundary,
    called,
    catch,
    chain,
    declared,
    end,
    exclusive,
    extension,
    flow,
    inclusive,
    mapping,
    nested,
    node,
    parallel,
    process,
    service,
    throw,
    timer,
    trigger,
    user,
)

CANARY = "CANARY"
SECRET = "what only the file holds"
FACTS = {"form_keys": {"f"}, "topics": {"put"}, "roles": {"dispatcher"}}


@dataclass(frozen=True)
class Hostile:
    """Files that must be refused, and the file and element that one of the faults must name."""

    files: Mapping[str, bytes]
    element: str
    file: str = "main.bpmn"

    def at(self, canary: Path) -> dict[str, bytes]:
        """Return the files with the place of the canary filled in."""
        place = str(canary).encode()
        return {name: text.replace(CANARY.encode(), place) for name, text in self.files.items()}


def whole(element: str, *roots: str) -> Hostile:
    return Hostile({"main.bpmn": d.document(*roots)}, element)


def shown(element: str, *elements: str, roots: str = "") -> Hostile:
    return whole(element, roots, process(*elements))


def task_with(element: str, task: str, *more: str, roots: str = "") -> Hostile:
    """Return a process of one activity A with more elements around it."""
    return shown(element, begin(), task, end(), chain("S", "A", "E"), *more, roots=roots)


def plain(element: str, content: bytes) -> Hostile:
    return Hostile({"main.bpmn": content}, element)


GOOD = d.document(process(begin(), user("A"), end(), chain("S", "A", "E")))
BODY = GOOD.partition(b"?>")[2].decode()
DTD = f'<!DOCTYPE definitions [<!ENTITY leak SYSTEM "file://{CANARY}">]>'


def bombed(levels: int) -> str:
    entities = "".join(
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, levels)
    )
    return f'<!DOCTYPE d [<!ENTITY l0 "lol">{entities}]>'


DOCUMENTS = {
    "dtd": plain("DOCTYPE", ("<!DOCTYPE definitions>" + BODY).encode()),
    "dtd-external": plain("DOCTYPE", (f'<!DOCTYPE d SYSTEM "file://{CANARY}">' + BODY).encode()),
    "entity-file": plain(
        "DOCTYPE", (DTD + BODY.replace('id="S"', 'id="S" name="&leak;"')).encode()
    ),
    "entity-parameter": plain(
        "DOCTYPE", (f'<!DOCTYPE d [<!ENTITY % p SYSTEM "file://{CANARY}">%p;]>' + BODY).encode()
    ),
    "entity-network": plain(
        "DOCTYPE", ('<!DOCTYPE d [<!ENTITY e SYSTEM "http://127.0.0.1:9/x">]>' + BODY).encode()
    ),
    "billion-laughs": plain("DOCTYPE", (bombed(10) + "<d>&l9;</d>").encode()),
    "billion-laughs-in-attribute": plain("DOCTYPE", (bombed(10) + '<d a="&l9;"/>').encode()),
    "dtd-utf-8-bom": plain("DOCTYPE", ("\ufeff<!DOCTYPE d>" + BODY).encode()),
    "dtd-lower-case": plain("line 1", ("<!doctype d>" + BODY).encode()),
    "entity-undeclared": plain("line 1", BODY.replace('id="S"', 'id="S" name="&x;"').encode()),
    "dtd-utf-16": plain("line 1", ('<?xml version="1.0"?>' + DTD + BODY).encode("utf-16")),
    "dtd-utf-16-declared": plain(
        "line 1", ('<?xml version="1.0" encoding="UTF-16"?>' + DTD + BODY).encode("utf-16")
    ),
    "dtd-utf-16-be-without-bom": plain(
        "line 1", ('<?xml version="1.0" encoding="UTF-16BE"?>' + DTD + BODY).encode("utf-16-be")
    ),
    "dtd-utf-16-le-without-bom": plain(
        "line 1", ('<?xml version="1.0" encoding="UTF-16LE"?>' + DTD + BODY).encode("utf-16-le")
    ),
    "dtd-utf-32": plain("line 1", (DTD + BODY).encode("utf-32")),
    "dtd-utf-7": plain(
        "line 1",
        b'<?xml version="1.0" encoding="UTF-7"?>'
        + (DTD + BODY).replace("<", "+ADw-").replace("!", "+ACE-").encode(),
    ),
    "dtd-ebcdic": plain("line 1", (DTD + BODY).encode("cp037")),
    "laughs-utf-16": plain("line 1", (bombed(10) + '<d a="&l9;"/>').encode("utf-16")),
    "stylesheet": plain(
        "xml-stylesheet",
        (f'<?xml-stylesheet href="file://{CANARY}" type="text/xsl"?>' + BODY).encode(),
    ),
    "instruction-behind-the-end": plain("php", (BODY + "<?php system('id'); ?>").encode()),
    "instruction-inside": plain("run", GOOD.replace(b"<userTask", b"<?run it?><userTask")),
    "xinclude-at-the-top": whole(
        "d", process(begin(), end(), chain("S", "E")), f'<x:include href="file://{CANARY}"/>'
    ),
    "xinclude-inside": task_with(
        "main",
        user("A"),
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{CANARY}"/>',
    ),
    "deep-nesting": plain("line 1", b"<d>" * 5000 + b"</d>" * 5000),
    "nesting": task_with("A", user("A", extension("<x:a>" * 70 + "</x:a>" * 70))),
    "many-elements": plain("d", (d.OPENING + "<x:a/>" * 30_000 + "</definitions>").encode()),
    "huge-file": plain("definitions", GOOD + b" " * 2_000_001),
    "empty": plain("line 1", b""),
    "not-xml": plain("line 1", b"PK\x03\x04 a zip file"),
    "cut-off": plain("line 1", GOOD[: len(GOOD) // 2]),
    "two-roots": plain("line 1", GOOD + b"<more/>"),
    "not-utf-8": plain("line 1", GOOD.replace(b'id="S"', b'id="S" name="\xff\xfe"')),
    "declared-gbk": plain(
        "line 1",
        ('<?xml version="1.0" encoding="gbk"?>' + BODY.replace('"A"', '"甲"')).encode("gbk"),
    ),
    "nul": plain("line 1", GOOD.replace(b'id="S"', b'id="S\x00"')),
    "undeclared-prefix": plain("line 1", GOOD.replace(b"<userTask", b"<y:userTask")),
    "html": plain("", b"<html><body><script>alert(1)</script></body></html>"),
    "svg": plain("", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'),
    "xslt": plain(
        "", b'<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"/>'
    ),
    "bpmn-without-namespace": plain("", b"<definitions><process/></definitions>"),
    "no-process": whole("d", ""),
    "process-in-an-extension": whole(
        "evil",
        process(begin(), end(), chain("S", "E")),
        extension(process(begin("S2"), node("scriptTask", "X"), end("E2"), name="evil")),
    ),
    "process-in-a-process": task_with("inner", user("A"), process(begin("S2"), name="inner")),
}

ATTACKS = {
    "import": f"__import__('os').system('touch {CANARY}')",
    "walk": "().__class__.__base__.__subclasses__()",
    "open": f"open('{CANARY}', 'w').write('x')",
    "eval": f'eval(\'open("{CANARY}", "w")\')',
    "full-width": f"＿＿import＿＿('os').system('touch {CANARY}')",
    "format": "'{0.__class__.__init__.__globals__}'.format(x)",
    "lambda": "(lambda: 1)()",
    "comprehension": "[x for x in (1).__class__.__bases__]",
    "bomb": "10 ** 10 ** 10",
    "deep": "(" * 400 + "x" + ")" * 400,
    "juel": "${execution.getVariable('x')}",
    "spel": "#{T(java.lang.Runtime).getRuntime().exec('id')}",
    "groovy": "new File('/etc/passwd').text",
}
LOOP = "multiInstanceLoopCharacteristics"


def looped(inner: str, attributes: str = "") -> str:
    return user("A", f"<{LOOP} {attributes}>{inner}</{LOOP}>")


def rule(inner: str = "") -> str:
    return node("businessRuleTask", "A", inner, camunda_decisionRef="choose")


def wrapped(text: str) -> str:
    return text if text.startswith(("${", "#{")) else f"${{{text}}}"


def table(*rules: tuple[str, ...], element: str, **shape: tuple[str, ...]) -> Hostile:
    return Hostile({"d.dmn": d.decision(*rules, **shape)}, element, "d.dmn")


def timed(text: str, kind: str, *, cancel: bool = True) -> Hostile:
    event = boundary("B", "A", timer(text, kind), cancel=cancel)
    return task_with("B", user("A"), event, end("E2"), chain("B", "E2"))


PLACES = {
    "condition": lambda text: shown(
        "G_A",
        *(begin(), exclusive("G", "E"), user("A"), end()),
        *(chain("S", "G"), flow("G", "A", text), flow("G", "E"), chain("A", "E")),
    ),
    "inclusive-condition": lambda text: shown(
        "G_A",
        *(begin(), inclusive("G", "E"), user("A"), end()),
        *(chain("S", "G"), flow("G", "A", text), flow("G", "E"), chain("A", "E")),
    ),
    "duration": lambda text: timed(text, "timeDuration"),
    "date": lambda text: timed(text, "timeDate"),
    "cycle": lambda text: timed(text, "timeCycle", cancel=False),
    "intermediate-timer": lambda text: shown(
        "A", begin(), catch("A", timer(text)), end(), chain("S", "A", "E")
    ),
    "due-date": lambda text: task_with("A", user("A", camunda_dueDate=text)),
    "groups": lambda text: task_with("A", user("A", camunda_candidateGroups=wrapped(text))),
    "form-output": lambda text: task_with("A", user("A", mapping(outputs={"x": text}))),
    "service-input": lambda text: task_with("A", service("A", "put", {"x": wrapped(text)})),
    "service-output": lambda text: task_with("A", service("A", inner=mapping(outputs={"x": text}))),
    "decision-output": lambda text: Hostile(
        {
            "main.bpmn": d.document(
                process(begin(), rule(mapping(outputs={"x": text})), end(), chain("S", "A", "E"))
            ),
            "d.dmn": d.decision(("-", '"a"')),
        },
        "A",
    ),
    "cardinality": lambda text: task_with("A", looped(d.expression("loopCardinality", text))),
    "completion": lambda text: task_with(
        "A",
        looped(d.expression("loopCardinality", "2") + d.expression("completionCondition", text)),
    ),
    "loop-condition": lambda text: task_with(
        "A",
        user(
            "A",
            f"<standardLoopCharacteristics>{d.expression('loopCondition', text)}"
            "</standardLoopCharacteristics>",
        ),
    ),
    "dmn-input": lambda text: table(("-", '"a"'), inputs=(text,), element="in_0"),
    "dmn-cell": lambda text: table((text, '"a"'), element="inputEntry_0_0"),
    "dmn-comparison": lambda text: table((f"> {text}", '"a"'), element="inputEntry_0_0"),
    "dmn-negation": lambda text: table((f"not({text})", '"a"'), element="inputEntry_0_0"),
    "dmn-output": lambda text: table(("-", text), element="outputEntry_0_1"),
}
EXPRESSIONS = {
    f"{place}-{attack}": PLACES[place](ATTACKS[attack]) for place in PLACES for attack in ATTACKS
}

SERVICE = {"camunda_type": "external", "camunda_topic": "put"}


def two(kind: str, name: str = "A", inner: str = "", **attributes: str) -> Hostile:
    return task_with(name, node(kind, name, inner, **attributes))


ELEMENTS = {
    "script-task": two("scriptTask", inner=f"<script>open('{CANARY}', 'w')</script>"),
    "plain-task": two("task"),
    "send-task": two("sendTask"),
    "receive-task": two("receiveTask"),
    "manual-task": two("manualTask"),
    "complex-gateway": two("complexGateway"),
    "transaction": two("transaction"),
    "ad-hoc": two("adHocSubProcess"),
    "unknown-element": two("quantumTask"),
    "unknown-free-element": task_with("main", user("A"), "<quantum/>"),
    "foreign-task": task_with("F", user("A"), '<x:userTask id="F"/>'),
    "foreign-element": task_with("main", user("A"), "<x:thing/>"),
    "foreign-flow-in-extension": task_with(
        "q", user("A", extension('<x:sequenceFlow id="q" sourceRef="S" targetRef="E"/>'))
    ),
    "foreign-boundary-in-extension": task_with(
        "q", user("A", extension('<x:boundaryEvent id="q" attachedToRef="A"/>'))
    ),
    "flow-in-extension": task_with(
        "q", user("A", extension('<sequenceFlow id="q" sourceRef="S" targetRef="E"/>'))
    ),
    "camunda-script": task_with(
        "A",
        service(
            "A",
            inner=extension(
                '<camunda:inputOutput><camunda:inputParameter name="x"><camunda:script '
                f"scriptFormat=\"python\">open('{CANARY}', 'w')</camunda:script>"
                "</camunda:inputParameter></camunda:inputOutput>"
            ),
        ),
    ),
    "camunda-list": task_with(
        "A",
        service(
            "A",
            inner=extension(
                '<camunda:inputOutput><camunda:inputParameter name="x"><camunda:list/>'
                "</camunda:inputParameter></camunda:inputOutput>"
            ),
        ),
    ),
    "execution-listener": task_with(
        "A", user("A", extension('<camunda:executionListener class="x.Y" event="start"/>'))
    ),
    "listener-on-a-flow": shown(
        "S_A",
        *(begin(), user("A"), end(), chain("A", "E")),
        '<sequenceFlow id="S_A" sourceRef="S" targetRef="A">'
        + extension('<camunda:executionListener expression="${x.y()}"/>')
        + "</sequenceFlow>",
    ),
    "task-listener": task_with(
        "A", user("A", extension('<camunda:taskListener expression="${x.y()}" event="create"/>'))
    ),
    "connector": task_with(
        "A", service("A", inner=extension("<camunda:connector>http</camunda:connector>"))
    ),
    "field-injection": task_with("A", service("A", inner=extension("<camunda:field/>"))),
    "variables-of-a-call": whole(
        "A",
        process(
            *(begin(), called("A", "b", extension('<camunda:in source="x" target="y"/>')), end()),
            chain("S", "A", "E"),
        ),
        process(begin("S2"), end("E2"), chain("S2", "E2"), name="b"),
    ),
    "camunda-class": task_with("A", node("serviceTask", "A", camunda_class="x.Y", **SERVICE)),
    "camunda-expression": task_with(
        "A", node("serviceTask", "A", camunda_expression="${x.y()}", **SERVICE)
    ),
    "camunda-delegate": task_with(
        "A", node("serviceTask", "A", camunda_delegateExpression="${x}", **SERVICE)
    ),
    "class-without-topic": two("serviceTask", camunda_class="x.Y"),
    "class-on-a-rule": two("businessRuleTask", camunda_class="x.Y"),
    "expression-on-a-rule": two("businessRuleTask", camunda_expression="${x.y()}"),
    "service-without-topic": two("serviceTask"),
    "service-of-another-type": two("serviceTask", camunda_type="shell", camunda_topic="put"),
    "groovy": shown(
        "G_A",
        *(begin(), exclusive("G", "E"), user("A"), end(), chain("S", "G"), chain("A", "E")),
        '<sequenceFlow id="G_A" sourceRef="G" targetRef="A"><conditionExpression '
        'language="groovy">x == 1</conditionExpression></sequenceFlow>',
        flow("G", "E"),
    ),
    "javascript": shown(
        "G_A",
        *(begin(), exclusive("G", "E"), user("A"), end(), chain("S", "G"), chain("A", "E")),
        '<sequenceFlow id="G_A" sourceRef="G" targetRef="A"><conditionExpression '
        'language="javascript">x</conditionExpression></sequenceFlow>',
        flow("G", "E"),
    ),
    "script-from-a-file": shown(
        "G_A",
        *(begin(), exclusive("G", "E"), user("A"), end(), chain("S", "G"), chain("A", "E")),
        '<sequenceFlow id="G_A" sourceRef="G" targetRef="A"><conditionExpression '
        f'camunda:resource="file://{CANARY}">x</conditionExpression></sequenceFlow>',
        flow("G", "E"),
    ),
    "expression-inside-a-text": task_with("A", service("A", "put", {"x": "number ${x}"})),
    "parameter-without-a-name": task_with("A", service("A", "put", {"": "x"})),
    "parameter-with-a-dunder": task_with("A", user("A", mapping(outputs={"__class__": "x"}))),
    "parameter-that-is-a-constant": task_with("A", user("A", mapping(outputs={"true": "x"}))),
    "input-of-a-user-task": task_with("A", user("A", mapping(inputs={"x": "y"}))),
    "time-kept-as-a-value": task_with("A", user("A", mapping(outputs={"x": 'due("x")'}))),
    "io-specification": task_with("A", user("A", "<ioSpecification/>")),
    "data-association": task_with("A", user("A", "<dataInputAssociation/>")),
    "data-store": task_with("DS", user("A"), '<dataStoreReference id="DS" dataStoreRef="x"/>'),
    "property": task_with("p", user("A", '<property id="p"/>')),
    "potential-owner": task_with("A", user("A", "<potentialOwner/>")),
    "assignee": task_with("A", user("A", camunda_assignee="${x}")),
    "form-on-the-start": shown(
        "S", begin(camunda_formKey="f"), user("A"), end(), chain("S", "A", "E")
    ),
    "correlation": whole(
        "CP",
        process(begin(), end(), chain("S", "E")),
        '<correlationProperty id="CP" name="x"><correlationPropertyRetrievalExpression '
        'messageRef="m"><messagePath>__import__("os")</messagePath>'
        "</correlationPropertyRetrievalExpression></correlationProperty>",
    ),
    "import": whole(
        "d",
        process(begin(), end(), chain("S", "E")),
        f'<import location="file://{CANARY}" namespace="x" importType="y"/>',
    ),
    "global-script": whole(
        "GS",
        process(begin(), end(), chain("S", "E")),
        '<globalScriptTask id="GS"><script>1</script></globalScriptTask>',
    ),
    "global-data-store": whole(
        "DS", process(begin(), end(), chain("S", "E")), '<dataStore id="DS" name="x"/>'
    ),
    "two-pools": whole(
        "P2",
        '<collaboration id="c"><participant id="P1" processRef="main"/>'
        '<participant id="P2" processRef="b"/></collaboration>',
        process(begin(), user("A"), end(), chain("S", "A", "E")),
        process(begin("S2"), end("E2"), chain("S2", "E2"), name="b"),
    ),
    "not-executable": whole(
        "main", process(begin(), end(), chain("S", "E")).replace('"true"', '"false"')
    ),
    "executable-by-another-word": whole(
        "main", process(begin(), end(), chain("S", "E")).replace('"true"', '"1"')
    ),
    "shape-at-nowhere": whole(
        "A_di",
        process(begin(), user("A"), end(), chain("S", "A", "E")),
        '<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI">'
        '<di:BPMNShape id="A_di" bpmnElement="A"><c:Bounds '
        'xmlns:c="http://www.omg.org/spec/DD/20100524/DC" x="left" y="1"/></di:BPMNShape>'
        "</di:BPMNDiagram>",
    ),
}


def message_at(*elements: str, element: str) -> Hostile:
    return shown(element, *elements, roots=declared("message", "m"))


def beside(start: str, *, element: str = "S2") -> Hostile:
    """Return a process with an event sub-process that begins with this start event."""
    inside = nested("ES", start, end("E2"), chain("S2", "E2"), triggeredByEvent="true")
    roots = declared("message", "m") + declared("signal", "s")
    return task_with(element, user("A"), inside, roots=roots)


def on_task(element: str, definition: str, *, roots: str = "", **attributes: str) -> Hostile:
    event = node("boundaryEvent", "B", definition, attachedToRef="A", **attributes)
    return task_with(element, user("A"), event, end("E2"), chain("B", "E2"), roots=roots)


EVENTS = {
    "compensation": on_task("B", "<compensateEventDefinition/>"),
    "cancel": on_task("B", "<cancelEventDefinition/>"),
    "conditional": on_task(
        "B", "<conditionalEventDefinition><condition>x</condition></conditionalEventDefinition>"
    ),
    "link": shown(
        "A", begin(), throw("A", '<linkEventDefinition name="x"/>'), end(), chain("S", "A", "E")
    ),
    "message-at-the-top": message_at(
        *(begin("S", trigger("message", "m")), user("A"), end(), chain("S", "A", "E")), element="S"
    ),
    "timer-at-the-top": shown("S", begin("S", timer("PT1H")), end(), chain("S", "E")),
    "signal-at-the-top": shown(
        "S",
        *(begin("S", trigger("signal", "s")), end(), chain("S", "E")),
        roots=declared("signal", "s"),
    ),
    "interrupting-event-sub-process": beside(begin("S2", trigger("message", "m"))),
    "interrupting-by-another-word": beside(
        begin("S2", trigger("message", "m"), isInterrupting="1")
    ),
    "timer-event-sub-process": beside(begin("S2", timer("PT1H"), isInterrupting="false")),
    "signal-event-sub-process": beside(begin("S2", trigger("signal", "s"), isInterrupting="false")),
    "plain-event-sub-process": beside(begin("S2", isInterrupting="false")),
    "message-without-a-name": on_task("m", trigger("message", "m"), roots='<message id="m"/>'),
    "message-nobody-made": on_task("B", trigger("message", "m")),
    "message-that-is-a-task": on_task("B", trigger("message", "A")),
    "signal-nobody-made": on_task("B", trigger("signal", "s")),
    "error-nobody-made": task_with(
        "B",
        nested("A", begin("S2"), end("E3"), chain("S2", "E3")),
        *(boundary("B", "A", trigger("error", "e")), end("E2"), chain("B", "E2")),
    ),
    "error-at-a-user-task": on_task("B", trigger("error", "e"), roots=declared("error", "e")),
    "error-that-does-not-interrupt": task_with(
        "B",
        nested("A", begin("S2"), end("E3"), chain("S2", "E3")),
        *(boundary("B", "A", trigger("error", "e"), cancel=False), end("E2"), chain("B", "E2")),
        roots=declared("error", "e"),
    ),
    "error-caught-on-the-way": shown(
        "A",
        *(begin(), catch("A", trigger("error", "e")), end(), chain("S", "A", "E")),
        roots=declared("error", "e"),
    ),
    "terminate-on-the-way": shown(
        "A", begin(), throw("A", "<terminateEventDefinition/>"), end(), chain("S", "A", "E")
    ),
    "boundary-without-a-trigger": on_task("B", ""),
    "boundary-with-two-triggers": on_task(
        "B", trigger("message", "m") + timer("PT1H"), roots=declared("message", "m")
    ),
    "trigger-hidden-in-an-extension": on_task(
        "B",
        extension(timer("__import__('os')")) + trigger("message", "m"),
        roots=declared("message", "m"),
    ),
    "boundary-on-nothing": task_with(
        "B", user("A"), boundary("B", "gone", timer("PT1H")), end("E2"), chain("B", "E2")
    ),
    "boundary-on-a-gateway": task_with(
        "B", parallel("A"), boundary("B", "A", timer("PT1H")), end("E2"), chain("B", "E2")
    ),
    "boundary-on-another-level": task_with(
        "B",
        nested("A", begin("S2"), user("I"), end("E3"), chain("S2", "I", "E3")),
        *(boundary("B", "I", timer("PT1H")), end("E2"), chain("B", "E2")),
    ),
    "boundary-interrupting-by-another-word": on_task("B", timer("PT1H"), cancelActivity="no"),
    "catch-without-a-trigger": shown("A", begin(), catch("A", ""), end(), chain("S", "A", "E")),
    "timer-without-a-time": timed("", "timeDuration"),
    "timer-of-another-kind": task_with(
        "B",
        *(user("A"), end("E2"), chain("B", "E2")),
        boundary(
            "B", "A", "<timerEventDefinition><timeQuantum>1</timeQuantum></timerEventDefinition>"
        ),
    ),
    "timer-with-two-times": task_with(
        "B",
        *(user("A"), end("E2"), chain("B", "E2")),
        boundary("B", "A", timer("PT1H").replace("</timer", "<timeDate>x</timeDate></timer")),
    ),
    "timer-word": timed("soon", "timeDuration"),
    "timer-number": timed("15", "timeDuration"),
    "timer-comparison": timed("due('x') == 1", "timeDate"),
    "timer-pure-function": timed("length('abc')", "timeDuration"),
    "duration-of-nothing": timed("PT0S", "timeDuration"),
    "duration-without-parts": timed("P", "timeDuration"),
    "duration-below-zero": timed("P-1D", "timeDuration"),
    "duration-with-a-fraction": timed("PT1.5H", "timeDuration"),
    "duration-beyond-the-calendar": timed("P99999999999D", "timeDuration"),
    "duration-as-a-date": timed("PT1H", "timeDate"),
    "date-as-a-duration": timed("2026-01-31T08:00:00+08:00", "timeDuration"),
    "date-without-zone": timed("2026-01-31T08:00:00", "timeDate"),
    "date-that-is-none": timed("2026-02-30T08:00:00+08:00", "timeDate"),
    "date-before-the-calendar": timed("0001-01-01T00:00:00+08:00", "timeDate"),
    "date-in-full-width-digits": timed("２０２６-01-31T08:00:00+08:00", "timeDate"),
    "cycle-that-interrupts": timed("R3/PT1H", "timeCycle"),
    "cycle-on-the-way": shown(
        "A", begin(), catch("A", timer("R3/PT1H", "timeCycle")), end(), chain("S", "A", "E")
    ),
    "cycle-of-nothing": timed("R/PT0S", "timeCycle", cancel=False),
    "cycle-too-fast": timed("R/PT1S", "timeCycle", cancel=False),
    "cycle-below-zero": timed("R-1/PT1H", "timeCycle", cancel=False),
    "cycle-never": timed("R0/PT1H", "timeCycle", cancel=False),
    "cycle-beyond-the-calendar": timed("R3/P99999999999D", "timeCycle", cancel=False),
    "cycle-cron": timed("0 0 * * * ?", "timeCycle", cancel=False),
    "cycle-that-begins-without-zone": timed(
        "R3/2026-01-31T08:00:00/PT1H", "timeCycle", cancel=False
    ),
    "cycle-from-a-function": timed('due("handling")', "timeCycle", cancel=False),
    "due-date-that-is-a-duration": task_with("A", user("A", camunda_dueDate="PT1H")),
    "function-without-arguments": timed("due()", "timeDate"),
    "function-with-too-many": timed("due('a', 'b', 'c')", "timeDate"),
}

TAKEN = ["Start", "End", "Root", "main.EndJoin", "A.BoundaryEventSplit", "A.BoundaryEventJoin"]
FLOWS = {
    "flow-from-nowhere": task_with("gone_A", user("A"), flow("gone", "A")),
    "flow-to-nowhere": task_with("A_gone", user("A"), flow("A", "gone")),
    "flow-to-a-flow": task_with("S_S_A", user("A"), flow("S", "S_A")),
    "flow-into-a-sub-process": shown(
        "B_I",
        *(begin(), nested("A", begin("S2"), user("I"), end("E2"), chain("S2", "I", "E2"))),
        *(user("B"), end(), chain("S", "A", "E"), chain("B", "I")),
    ),
    "flow-out-of-a-sub-process": shown(
        "I_E",
        *(begin(), nested("A", begin("S2"), user("I"), end("E2"), chain("S2", "I"))),
        *(end(), chain("S", "A", "E"), chain("I", "E")),
    ),
    "flow-between-processes": whole(
        "A_B",
        process(begin(), user("A"), end(), chain("S", "A", "B")),
        process(begin("S2"), user("B"), end("E2"), chain("S2", "B", "E2"), name="b"),
    ),
    "flow-into-the-start": task_with("A_S", user("A"), chain("A", "S")),
    "flow-into-a-boundary-event": shown(
        "C_B",
        *(begin(), user("A"), user("C"), boundary("B", "A", timer("PT1H")), end(), end("E2")),
        *(chain("S", "A", "C", "B", "E2"), flow("A", "E")),
    ),
    "flow-out-of-an-end": task_with("E_A", user("A"), chain("E", "A")),
    "flow-into-an-event-sub-process": message_at(
        *(begin(), user("A"), end(), chain("S", "A", "ES")),
        nested(
            "ES",
            *(begin("S2", trigger("message", "m"), isInterrupting="false"), end("E2")),
            chain("S2", "E2"),
            triggeredByEvent="true",
        ),
        element="A_ES",
    ),
    "two-ways-out-of-a-task": shown(
        "A", begin(), user("A"), user("B"), end(), chain("S", "A", "B", "E"), flow("A", "E")
    ),
    "path-that-stops": shown("A", begin(), user("A"), end(), chain("S", "A")),
    "path-that-only-says-it-goes-on": shown(
        "A", begin(), user("A", "<outgoing>gone</outgoing>"), end(), chain("S", "A")
    ),
    "sub-process-that-stops": shown(
        "A", begin(), nested("A", begin("S2"), end("E2"), chain("S2", "E2")), end(), chain("S", "A")
    ),
    "task-no-way-leads-to": task_with("B", user("A"), user("B"), flow("B", "E")),
    "ring-no-way-leads-to": shown(
        "B", begin(), end(), chain("S", "E"), user("B"), user("C"), chain("B", "C", "B")
    ),
    "no-start": shown("main", user("A"), end(), chain("A", "E")),
    "two-starts": task_with("main", user("A"), begin("S2"), flow("S2", "E")),
    "no-end": shown("main", begin(), user("A"), chain("S", "A", "S")),
    "sub-process-without-a-start": task_with("A", nested("A", end("E2"))),
    "no-default": shown(
        "G",
        *(begin(), exclusive("G"), user("A"), end(), chain("S", "G"), chain("A", "E")),
        *(flow("G", "A", "x == 1"), flow("G", "E", "x == 2")),
    ),
    "one-way-with-a-condition": shown(
        "G",
        *(begin(), exclusive("G"), user("A"), end(), chain("S", "G"), chain("A", "E")),
        flow("G", "A", "x == 1"),
    ),
    "default-of-another-gateway": shown(
        "G",
        *(begin(), node("exclusiveGateway", "G", default="A_E"), user("A"), end()),
        *(chain("S", "G"), chain("A", "E"), flow("G", "A", "x == 1"), flow("G", "E")),
    ),
    "way-without-a-condition": shown(
        "G_A",
        *(begin(), exclusive("G", "E"), user("A"), end(), chain("S", "G", "A", "E")),
        flow("G", "E"),
    ),
    "condition-behind-a-task": shown(
        "A_E", begin(), user("A"), end(), chain("S", "A"), flow("A", "E", "x == 1")
    ),
    "condition-behind-a-parallel-gateway": shown(
        "P_E", begin(), parallel("P"), end(), chain("S", "P"), flow("P", "E", "x == 1")
    ),
    "empty-condition": shown(
        "G_A",
        *(begin(), exclusive("G", "E"), user("A"), end(), chain("S", "G"), chain("A", "E")),
        *(flow("G", "A", ""), flow("G", "E")),
    ),
    "event-gateway-to-a-task": shown(
        "G", begin(), node("eventBasedGateway", "G"), user("A"), end(), chain("S", "G", "A", "E")
    ),
    "event-gateway-with-two-timers": shown(
        "G",
        *(begin(), node("eventBasedGateway", "G"), catch("C", timer("PT1H")), end()),
        *(catch("D", timer("PT2H")), chain("S", "G", "C", "E"), chain("G", "D", "E")),
    ),
    "event-behind-a-gateway-reached-otherwise": message_at(
        *(begin(), exclusive("X", "G"), node("eventBasedGateway", "G"), end()),
        *(catch("C", trigger("message", "m")), catch("D", timer("PT1H")), chain("S", "X", "G")),
        *(flow("X", "C", "x == 1"), chain("G", "C", "E"), chain("G", "D", "E")),
        element="C",
    ),
    "parallel-event-gateway": message_at(
        *(begin(), node("eventBasedGateway", "G", eventGatewayType="Parallel"), end()),
        *(catch("C", trigger("message", "m")), chain("S", "G", "C", "E")),
        element="G",
    ),
    "id-twice": task_with("A", user("A"), user("A")),
    "id-twice-in-two-processes": whole(
        "A",
        process(begin(), user("A"), end(), chain("S", "A", "E")),
        process(begin("S2"), user("A"), end("E2"), chain("S2", "A", "E2"), name="b"),
    ),
    "no-id": task_with("main", user("A"), "<userTask/>"),
    **{
        f"id-{number}": shown(name, begin(), user(name), end(), chain("S", name, "E"))
        for number, name in enumerate(
            ["a b", "1a", "路", "a/../../b", "<b>", "'; drop table", "x" * 200, "{x}", "%(x)s"]
        )
    },
    "id-with-a-line-end": shown("A\n", begin(), user("A\n"), end(), chain("S", "A\n", "E")),
    **{
        f"id-of-the-engine-{name}": shown(name, begin(), user(name), end(), chain("S", name, "E"))
        for name in TAKEN
    },
    "start-called-start": shown("Start", begin("Start"), end(), chain("Start", "E")),
    "end-called-end": shown("End", begin(), end("End"), chain("S", "End")),
    "too-many-nodes": shown(
        "main",
        *(begin(), *(service(f"n{n}") for n in range(400)), end()),
        chain("S", *(f"n{n}" for n in range(400)), "E"),
    ),
    "very-many-nodes": shown(
        "main",
        *(begin(), *(service(f"n{n}") for n in range(6000)), end()),
        chain("S", *(f"n{n}" for n in range(6000)), "E"),
    ),
}


def caller(name: str, target: str) -> str:
    first, call, last = f"S_{name}", f"C_{name}", f"E_{name}"
    elements = (begin(first), called(call, target), end(last), chain(first, call, last))
    return process(*elements, name=name)


def counted(inner: str, attributes: str = "") -> Hostile:
    return task_with("A", looped(inner, attributes))


def rounds(inner: str = "", attributes: str = "") -> Hostile:
    tag = "standardLoopCharacteristics"
    return task_with("A", user("A", f"<{tag} {attributes}>{inner}</{tag}>"))


CARDINALITY = d.expression("loopCardinality", "2")
LOOPS_AND_CALLS = {
    "call-of-nothing": task_with("A", called("A", "gone")),
    "call-without-a-name": task_with("A", node("callActivity", "A")),
    "call-by-an-expression": task_with("A", called("A", "${x}")),
    "call-of-itself": whole("C_main", caller("main", "main")),
    "call-of-each-other": whole("C_b", caller("main", "b"), caller("b", "main")),
    "call-of-each-other-by-a-third": whole(
        "C_c", caller("main", "b"), caller("b", "c"), caller("c", "main")
    ),
    "call-of-itself-from-a-sub-process": task_with(
        "C",
        nested("A", begin("S2"), called("C", "main"), end("E2"), chain("S2", "C", "E2")),
    ),
    "process-twice": Hostile({"a.bpmn": GOOD, "b.bpmn": GOOD}, "main", "b.bpmn"),
    "loop-without-end": rounds(),
    "loop-with-a-word-for-its-maximum": rounds(attributes='loopMaximum="many"'),
    "loop-below-zero": rounds(attributes='loopMaximum="-1"'),
    "loop-of-a-billion": rounds(attributes='loopMaximum="1000000000"'),
    "instances-of-nothing": counted(""),
    "instances-by-the-billion": counted(d.expression("loopCardinality", "1000000000")),
    "instances-by-a-power": counted(d.expression("loopCardinality", "10**9")),
    "no-instances": counted(d.expression("loopCardinality", "0")),
    "instances-by-a-word": counted(d.expression("loopCardinality", "'abc'")),
    "instances-by-a-fraction": counted(d.expression("loopCardinality", "1.5")),
    "instances-by-number-and-list": counted(
        CARDINALITY + "<loopDataInputRef>xs</loopDataInputRef>"
    ),
    "instances-over-an-expression": counted("", 'camunda:collection="${xs.y}"'),
    "instances-named-by-a-dunder": counted(
        "", 'camunda:collection="xs" camunda:elementVariable="__class__"'
    ),
    "instances-from-a-dunder": counted("<loopDataInputRef>__globals__</loopDataInputRef>"),
    "instances-into-a-function": counted(
        CARDINALITY + "<loopDataOutputRef>due</loopDataOutputRef>"
    ),
    "instances-with-an-item-of-no-name": counted(
        '<loopDataInputRef>xs</loopDataInputRef><inputDataItem id="a b"/>'
    ),
    "instances-sequential-by-another-word": counted(CARDINALITY, 'isSequential="yes"'),
    "instances-of-a-gateway": task_with(
        "A", node("parallelGateway", "A", f"<{LOOP}>{CARDINALITY}</{LOOP}>")
    ),
    "instances-of-a-sub-process-in-dialect": task_with(
        "A",
        nested(
            "A",
            f'<{LOOP} camunda:collection="xs"/>',
            *(begin("S2"), end("E2"), chain("S2", "E2")),
        ),
    ),
}

UNKNOWN = {
    "form": task_with("A", user("A", camunda_formKey="none")),
    "topic": task_with("A", service("A", "none")),
    "role": task_with("A", user("A", camunda_candidateGroups="none")),
    "one-role-of-two": task_with("A", user("A", camunda_candidateGroups="dispatcher,none")),
    "role-at-a-unit": task_with("A", user("A", camunda_candidateGroups="none@unit")),
}
INCOMPLETE = {
    "no-form": task_with("A", user("A").replace('camunda:formKey="f"', "")),
    "no-role": task_with("A", user("A").replace('camunda:candidateGroups="dispatcher"', "")),
    "role-with-an-odd-scope": task_with("A", user("A", camunda_candidateGroups="dispatcher@all")),
    "role-in-capitals": task_with("A", user("A", camunda_candidateGroups="Dispatcher")),
    "no-decision": task_with("A", node("businessRuleTask", "A")),
    "decision-that-is-missing": task_with("A", rule()),
}

TABLE = d.decision(("-", '"a"')).decode()


def altered(element: str, old: str, new: str) -> Hostile:
    assert old in TABLE
    return Hostile({"d.dmn": TABLE.replace(old, new, 1).encode()}, element, "d.dmn")


DECISIONS = {
    "dtd": altered("DOCTYPE", "<definitions", "<!DOCTYPE d><definitions"),
    "groovy": altered("t", "<decisionTable", '<decisionTable expressionLanguage="groovy"'),
    "literal": altered("choose", "<decisionTable", "<literalExpression/><decisionTable"),
    "java-function": altered("k", "<decision ", '<businessKnowledgeModel id="k"/><decision '),
    "import": altered("d", "<decision ", f'<import locationURI="file://{CANARY}"/><decision '),
    "no-table": Hostile(
        {"d.dmn": TABLE.replace("decisionTable", "relation").encode()}, "choose", "d.dmn"
    ),
    "two-decisions": altered("two", "</decision>", '</decision><decision id="two"/>'),
    "policy": altered("choose", "FIRST", "COLLECT"),
    "no-rows": Hostile({"d.dmn": d.decision()}, "choose", "d.dmn"),
    "row-too-short": Hostile({"d.dmn": d.decision(("-",))}, "rule_0", "d.dmn"),
    "output-with-a-dunder": altered("out_0", 'name="unit"', 'name="__class__"'),
    "output-without-a-name": altered("out_0", 'name="unit"', ""),
    "decision-twice": Hostile(
        {"a.dmn": TABLE.encode(), "b.dmn": TABLE.encode()}, "choose", "b.dmn"
    ),
}

ALL = {
    f"{group}-{name}": hostile
    for group, table_of in {
        "document": DOCUMENTS,
        "expression": EXPRESSIONS,
        "element": ELEMENTS,
        "event": EVENTS,
        "flow": FLOWS,
        "loop": LOOPS_AND_CALLS,
        "incomplete": INCOMPLETE,
        "decision": DECISIONS,
    }.items()
    for name, hostile in table_of.items()
}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Return a place where nothing may appear."""
    return tmp_path / "canary"


def assert_named(faults: list[Fault] | tuple[Fault, ...], hostile: Hostile) -> None:
    assert all(fault.remedy and fault.reason for fault in faults)
    named = {(fault.file, fault.element) for fault in faults}
    # A root that is no diagram has no id to name: it is named by its tag.
    wanted = {hostile.element} if hostile.element else {element for _, element in named} - {""}
    assert any((hostile.file, element) in named for element in wanted)


@pytest.mark.parametrize("hostile", ALL.values(), ids=ALL)
def test_it_is_refused_by_name_and_nothing_of_it_runs(hostile: Hostile, canary: Path):
    files = hostile.at(canary)
    began = time.monotonic()
    faults = check_bundle(files, **FACTS)
    assert_named(faults, hostile)
    with pytest.raises(DefinitionError) as caught:
        compile_bundle(files)
    assert_named(caught.value.faults, hostile)
    assert time.monotonic() - began < 5
    assert not canary.exists()


@pytest.mark.parametrize("hostile", UNKNOWN.values(), ids=UNKNOWN)
def test_what_the_product_does_not_offer_is_refused(hostile: Hostile):
    assert_named(check_bundle(hostile.files, **FACTS), hostile)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "entity" in name or "dtd" in name])
def test_no_file_is_read_into_a_fault(name: str, canary: Path):
    canary.write_text(SECRET)
    faults = check_bundle(DOCUMENTS[name].at(canary), **FACTS)
    assert SECRET not in "".join(map(str, faults))


def test_at_least_sixty_are_distinct():
    contents = [tuple(sorted(hostile.files.items())) for hostile in ALL.values()]
    assert len(set(contents)) == len(contents) > 60


def test_a_circle_of_calls_over_two_files_is_refused():
    files = {
        "a.bpmn": d.document(caller("main", "b")),
        "b.bpmn": d.document(caller("b", "main")),
    }
    faults = check_bundle(files, **FACTS)
    assert {(f.file, f.element) for f in faults} == {("a.bpmn", "C_main"), ("b.bpmn", "C_b")}


def test_one_sub_process_id_in_two_files_is_refused_by_name():
    def file(name: str) -> bytes:
        inner = nested("SP", begin("S2"), end("E2"), chain("S2", "E2"))
        return d.document(process(begin(), inner, end(), chain("S", "SP", "E"), name=name))

    faults = check_bundle({"a.bpmn": file("main"), "b.bpmn": file("other")}, **FACTS)
    assert [(f.file, f.element) for f in faults] == [("b.bpmn", "SP")]


def test_every_fault_of_a_diagram_is_reported_at_once():
    hostile = shown("A", begin(), user("A", camunda_formKey="none"), node("scriptTask", "X"), end())
    elements = {fault.element for fault in check_bundle(hostile.files, **FACTS)}
    assert {"A", "X", "S"} <= elements


def test_a_good_diagram_has_no_fault():
    assert check_bundle({"main.bpmn": GOOD, "d.dmn": TABLE.encode()}, **FACTS) == []


@pytest.mark.parametrize("count", [61, 1000])
def test_a_bundle_of_too_many_files_is_refused(count: int):
    assert check_bundle({f"{n}.bpmn": GOOD for n in range(count)}, **FACTS)
