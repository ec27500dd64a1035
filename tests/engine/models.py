"""Random process models in two dialects: ours, and plain BPMN for the stock engine."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="t">'
)
VARIABLES = ("a", "b", "c")


@dataclass
class Model:
    """A model under construction: the XML of its processes and the names it uses."""

    rng: random.Random
    own: bool
    serial: int = 0
    called: list[str] = field(default_factory=list)
    messages: set[str] = field(default_factory=set)
    signals: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    escalations: set[str] = field(default_factory=set)

    def new(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}_{self.serial}"


@dataclass
class Level:
    """One process or sub-process: nodes and flows as XML, and what may stand in it."""

    model: Model
    nodes: list[str] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    in_loop: bool = False
    in_inclusive: bool = False
    depth: int = 0
    top: bool = False
    error: str | None = None
    escalation: str | None = None

    def flow(self, source: str, target: str, condition: str | None = None) -> str:
        name = self.model.new("F")
        inner = ""
        if condition is not None:
            text = escape(condition)
            inner = (
                f'<conditionExpression xsi:type="tFormalExpression">{text}</conditionExpression>'
            )
        self.flows.append(
            f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'
        )
        return name

    def node(self, kind: str, name: str, inner: str = "", attributes: str = "") -> str:
        self.nodes.append(f'<{kind} id="{name}" name="{name}" {attributes}>{inner}</{kind}>')
        return name


def model_xml(seed: int, own: bool, features: frozenset[str]) -> bytes:
    """Return the model of a seed; own: in our dialect, else in the stock engine's."""
    model = Model(random.Random(seed), own)
    top = Level(model, top=True)
    body = _process(top, "main", features)
    roots = "".join(f'<message id="{m}" name="{m}"/>' for m in sorted(model.messages))
    roots += "".join(f'<signal id="{s}" name="{s}"/>' for s in sorted(model.signals))
    roots += "".join(f'<error id="{e}" name="{e}" errorCode="{e}"/>' for e in sorted(model.errors))
    roots += "".join(
        f'<escalation id="{e}" name="{e}" escalationCode="{e}"/>' for e in sorted(model.escalations)
    )
    return (HEADER + roots + body + "".join(model.called) + "</definitions>").encode()


def _process(level: Level, process_id: str, features: frozenset[str]) -> str:
    inner = _level_body(level, features, length=level.model.rng.randint(2, 4))
    if level.top and "event_subprocess" in features:
        inner += _event_subprocess(level)
    return f'<process id="{process_id}" isExecutable="true">{inner}</process>'


def _level_body(level: Level, features: frozenset[str], length: int) -> str:
    start = level.node("startEvent", level.model.new("S"))
    last = _sequence(level, start, features, length)
    end = level.node("endEvent", level.model.new("E"), _end_trigger(level, features))
    level.flow(last, end)
    return "".join(level.nodes) + "".join(level.flows)


def _end_trigger(level: Level, features: frozenset[str]) -> str:
    roll = level.model.rng.random()
    if level.error is not None and roll < 0.5:
        return f'<errorEventDefinition id="{level.model.new("d")}" errorRef="{level.error}"/>'
    if level.escalation is not None and roll < 0.5:
        return f'<escalationEventDefinition id="{level.model.new("d")}" escalationRef="{level.escalation}"/>'
    if "terminate" in features and roll > 0.8:
        return f'<terminateEventDefinition id="{level.model.new("d")}"/>'
    return ""


def _sequence(level: Level, last: str, features: frozenset[str], length: int) -> str:
    for _ in range(length):
        last = _block(level, last, features)
    return last


def _block(level: Level, last: str, features: frozenset[str]) -> str:
    options = ["user", "user", "service"] + [f for f in sorted(features) if f in BLOCKS]
    if level.depth >= 2:
        options = [o for o in options if o not in DEEP]
    if level.in_loop:
        options = [o for o in options if o not in JOINS | {"loop"}]
    if level.in_inclusive:
        options = [o for o in options if o not in JOINS]
    return BLOCKS[level.model.rng.choice(options)](level, last, features)


def _user(
    level: Level, last: str, features: frozenset[str], loop: str = "", boundaries: bool = True
) -> str:
    name = level.model.new("U")
    level.node("userTask", name, _user_extension(level) + loop, _user_attributes(level))
    level.flow(last, name)
    if boundaries and not loop and "boundary" in features and level.model.rng.random() < 0.5:
        _boundaries(level, name, features)
    return name


def _user_extension(level: Level) -> str:
    if not level.model.own:
        return ""
    outputs = "".join(
        f'<camunda:outputParameter name="{v}">${{{v}}}</camunda:outputParameter>' for v in VARIABLES
    )
    return f"<extensionElements><camunda:inputOutput>{outputs}</camunda:inputOutput></extensionElements>"


def _user_attributes(level: Level) -> str:
    return 'camunda:formKey="f" camunda:candidateGroups="dispatcher"' if level.model.own else ""


def _service(level: Level, last: str, features: frozenset[str]) -> str:
    name = _note(level)
    level.flow(last, name)
    return name


def _note(level: Level) -> str:
    """Add an automatic task that writes one value."""
    name = level.model.new("V")
    value = level.model.rng.randint(1, 99)
    key = level.model.rng.choice(("s", "t"))
    if level.model.own:
        extension = (
            f'<extensionElements><camunda:inputOutput><camunda:inputParameter name="key">{key}</camunda:inputParameter>'
            f'<camunda:inputParameter name="value">${{{value}}}</camunda:inputParameter>'
            "</camunda:inputOutput></extensionElements>"
        )
        level.node("serviceTask", name, extension, 'camunda:type="external" camunda:topic="put"')
    else:
        level.node("scriptTask", name, f"<script>{key} = {value}</script>")
    return name


def _exclusive(level: Level, last: str, features: frozenset[str]) -> str:
    return _branches(level, last, features, "exclusiveGateway")


def _inclusive(level: Level, last: str, features: frozenset[str]) -> str:
    level.in_inclusive = True
    join = _branches(level, last, features, "inclusiveGateway")
    level.in_inclusive = False
    return join


def _branches(level: Level, last: str, features: frozenset[str], kind: str) -> str:
    rng = level.model.rng
    split, join = level.model.new("G"), level.model.new("G")
    count = rng.randint(2, 3)
    level.flow(last, split)
    default = ""
    level.depth += 1
    for number in range(count):
        first = _note(level)
        if number == count - 1:
            default = level.flow(split, first)
        else:
            variable = rng.choice(VARIABLES)
            level.flow(
                split,
                first,
                f"{variable} == {number % 2}" if rng.random() < 0.7 else f"{variable} > 0",
            )
        level.flow(_sequence(level, first, features, rng.randint(0, 2)), join)
    level.depth -= 1
    level.node(kind, split, "", f'default="{default}"')
    level.node(kind, join)
    return join


def _parallel(level: Level, last: str, features: frozenset[str]) -> str:
    rng = level.model.rng
    split, join = level.node("parallelGateway", level.model.new("P")), level.model.new("P")
    level.flow(last, split)
    level.depth += 1
    for _ in range(rng.randint(2, 3)):
        first = _note(level)
        level.flow(split, first)
        level.flow(_sequence(level, first, features, rng.randint(1, 2)), join)
    level.depth -= 1
    level.node("parallelGateway", join)
    return join


def _loop(level: Level, last: str, features: frozenset[str]) -> str:
    merge, split = level.node("exclusiveGateway", level.model.new("M")), level.model.new("G")
    level.flow(last, merge)
    level.in_loop, level.depth = True, level.depth + 1
    asked = _user(level, _sequence(level, merge, features, level.model.rng.randint(0, 2)), features)
    level.in_loop, level.depth = False, level.depth - 1
    level.flow(asked, split)
    after = _note(level)
    default = level.flow(split, after)
    level.flow(split, merge, "a == 1")
    level.node("exclusiveGateway", split, "", f'default="{default}"')
    return after


def _minutes(level: Level) -> str:
    text = f"PT{level.model.rng.randint(1, 5000)}M"
    return text if level.model.own else f'"{text}"'


def _timer_definition(level: Level, cycle: bool = False) -> str:
    text = _minutes(level)
    tag = "timeDuration"
    if cycle:
        tag = "timeCycle"
        bare = text.strip('"')
        text = f"R{level.model.rng.randint(1, 3)}/{bare}"
        text = text if level.model.own else f'"{text}"'
    name = level.model.new("d")
    return f'<timerEventDefinition id="{name}"><{tag} xsi:type="tFormalExpression">{text}</{tag}></timerEventDefinition>'


def _message_definition(level: Level) -> str:
    name = level.model.new("msg")
    level.model.messages.add(name)
    return f'<messageEventDefinition id="{level.model.new("d")}" messageRef="{name}"/>'


def _wait(level: Level, last: str, features: frozenset[str]) -> str:
    definition = (
        _timer_definition(level) if level.model.rng.random() < 0.6 else _message_definition(level)
    )
    name = level.node("intermediateCatchEvent", level.model.new("C"), definition)
    level.flow(last, name)
    return name


def _event_gateway(level: Level, last: str, features: frozenset[str]) -> str:
    gateway = level.node("eventBasedGateway", level.model.new("G"))
    join = level.node("exclusiveGateway", level.model.new("M"))
    level.flow(last, gateway)
    definitions = [_timer_definition(level), _message_definition(level)]
    if level.model.rng.random() < 0.4:
        definitions.append(_message_definition(level))
    for definition in definitions:
        event = level.node("intermediateCatchEvent", level.model.new("C"), definition)
        level.flow(gateway, event)
        level.depth += 1
        level.flow(_sequence(level, event, features, level.model.rng.randint(0, 1)), join)
        level.depth -= 1
    return join


def _boundaries(
    level: Level, host: str, features: frozenset[str], error: str | None = None
) -> None:
    rng = level.model.rng
    for _ in range(rng.randint(1, 2)):
        interrupting = rng.random() < 0.5
        cycle = not interrupting and "cycle" in features and rng.random() < 0.3
        timer = rng.random() < 0.6 or cycle
        definition = _timer_definition(level, cycle) if timer else _message_definition(level)
        _boundary(level, host, definition, interrupting, automatic=cycle)


def _boundary(
    level: Level, host: str, definition: str, interrupting: bool, automatic: bool = False
) -> None:
    """Add a boundary event and its path.

    What a repeating timer began ends with its host in the stock engine, and its data are lost: here it only ends.
    """
    name = level.model.new("B")
    level.node(
        "boundaryEvent",
        name,
        definition,
        f'attachedToRef="{host}" cancelActivity="{"true" if interrupting else "false"}"',
    )
    last = name
    if not automatic and level.model.rng.random() < 0.6:
        last = _user(level, name, frozenset())
    end = level.node("endEvent", level.model.new("E"))
    level.flow(last, end)


def _subprocess(level: Level, last: str, features: frozenset[str]) -> str:
    model = level.model
    name = model.new("SP")
    inner = Level(model, depth=level.depth + 1)
    if "error" in features and model.rng.random() < 0.4:
        inner.error = model.new("err")
        model.errors.add(inner.error)
    elif "escalation" in features and model.rng.random() < 0.4:
        inner.escalation = model.new("esc")
        model.escalations.add(inner.escalation)
    body = _level_body(inner, features, length=model.rng.randint(1, 3))
    level.node("subProcess", name, body)
    level.flow(last, name)
    if inner.error is not None:
        definition = f'<errorEventDefinition id="{model.new("d")}" errorRef="{inner.error}"/>'
        _boundary(level, name, definition, interrupting=True)
    if inner.escalation is not None:
        definition = (
            f'<escalationEventDefinition id="{model.new("d")}" escalationRef="{inner.escalation}"/>'
        )
        _boundary(level, name, definition, interrupting=model.rng.random() < 0.5)
    if "boundary" in features and model.rng.random() < 0.6:
        _boundaries(level, name, features)
    return name


def _call(level: Level, last: str, features: frozenset[str]) -> str:
    model = level.model
    process_id, name = model.new("called"), model.new("CA")
    inner = Level(model, depth=level.depth + 1)
    body = _level_body(inner, features, length=model.rng.randint(1, 2))
    model.called.append(f'<process id="{process_id}" isExecutable="true">{body}</process>')
    level.node("callActivity", name, "", f'calledElement="{process_id}"')
    level.flow(last, name)
    if "boundary" in features and model.rng.random() < 0.5:
        _boundaries(level, name, features)
    return name


def _multi(level: Level, last: str, features: frozenset[str]) -> str:
    rng = level.model.rng
    sequential = "true" if rng.random() < 0.5 else "false"
    loop = (
        f'<multiInstanceLoopCharacteristics isSequential="{sequential}">'
        f"<loopCardinality>{rng.randint(1, 3)}</loopCardinality></multiInstanceLoopCharacteristics>"
    )
    return _user(level, last, features, loop)


def _standard_loop(level: Level, last: str, features: frozenset[str]) -> str:
    loop = (
        f'<standardLoopCharacteristics loopMaximum="{level.model.rng.randint(2, 4)}">'
        "<loopCondition>b == 1</loopCondition></standardLoopCharacteristics>"
    )
    return _user(level, last, features, loop)


def _signals(level: Level, last: str, features: frozenset[str]) -> str:
    """A task waits for a signal that a parallel branch throws."""
    model = level.model
    signal = model.new("sig")
    model.signals.add(signal)
    split, join = level.node("parallelGateway", model.new("P")), model.new("P")
    level.flow(last, split)
    definition = f'<signalEventDefinition id="{model.new("d")}" signalRef="{signal}"/>'
    waiting = level.node("intermediateCatchEvent", model.new("C"), definition)
    level.flow(split, waiting)
    level.flow(waiting, join)
    asked = _user(level, split, frozenset())
    throw = level.node(
        "intermediateThrowEvent", model.new("T"), definition.replace('id="', 'id="x')
    )
    level.flow(asked, throw)
    level.flow(throw, join)
    level.node("parallelGateway", join)
    return join


def _event_subprocess(level: Level) -> str:
    model = level.model
    inner = Level(model, depth=2)
    start = inner.node(
        "startEvent", model.new("S"), _message_definition(inner), 'isInterrupting="false"'
    )
    last = _user(inner, start, frozenset())
    end = inner.node("endEvent", model.new("E"))
    inner.flow(last, end)
    body = "".join(inner.nodes) + "".join(inner.flows)
    return f'<subProcess id="{model.new("ES")}" triggeredByEvent="true">{body}</subProcess>'


BLOCKS = {
    "user": _user,
    "service": _service,
    "exclusive": _exclusive,
    "inclusive": _inclusive,
    "parallel": _parallel,
    "loop": _loop,
    "wait": _wait,
    "event_gateway": _event_gateway,
    "subprocess": _subprocess,
    "call": _call,
    "multi": _multi,
    "standard_loop": _standard_loop,
    "signals": _signals,
}
JOINS = {"parallel", "inclusive", "signals"}
DEEP = {
    "exclusive",
    "inclusive",
    "parallel",
    "loop",
    "subprocess",
    "call",
    "event_gateway",
    "signals",
}
FEATURES = frozenset(
    set(BLOCKS) | {"boundary", "cycle", "error", "escalation", "terminate", "event_subprocess"}
) - {"user", "service"}
