"""More blocks for random models: instances and loops of everything, signals at a boundary, messages sent."""

from __future__ import annotations

from tests.engine import models
from tests.engine.models import Level


def _instances(level: Level, *, may_stop: bool = False) -> str:
    """may_stop: with a condition. Stock runs an automatic instance cancelled in the same round; we do not."""
    rng = level.model.rng
    sequential = "true" if rng.random() < 0.5 else "false"
    stops = may_stop and rng.random() < 0.5
    condition = "<completionCondition>a == 1</completionCondition>" if stops else ""
    return (
        f'<multiInstanceLoopCharacteristics isSequential="{sequential}">'
        f"<loopCardinality>{rng.randint(1, 3)}</loopCardinality>{condition}"
        "</multiInstanceLoopCharacteristics>"
    )


def _rounds(level: Level) -> str:
    return (
        f'<standardLoopCharacteristics loopMaximum="{level.model.rng.randint(2, 3)}">'
        "<loopCondition>b == 1</loopCondition></standardLoopCharacteristics>"
    )


def _body(level: Level, features: frozenset[str]) -> str:
    inner = Level(level.model, depth=level.depth + 1)
    return models._level_body(inner, features, length=level.model.rng.randint(1, 2))


def _many_users(level: Level, last: str, features: frozenset[str]) -> str:
    name = models._user(level, last, features, _instances(level, may_stop=True))
    if level.model.rng.random() < 0.5:
        models._boundaries(level, name, features)
    return name


def _many_services(level: Level, last: str, features: frozenset[str]) -> str:
    name, instances = models._note(level), _instances(level)
    for tag in ("</serviceTask>", "</scriptTask>"):
        level.nodes[-1] = level.nodes[-1].replace(tag, instances + tag)
    level.flow(last, name)
    return name


def _repeated_subprocess(level: Level, last: str, features: frozenset[str]) -> str:
    name = level.model.new("SP")
    repeat = level.model.rng.choice((_instances, _rounds))(level)
    level.node("subProcess", name, repeat + _body(level, features))
    level.flow(last, name)
    return name


def _many_calls(level: Level, last: str, features: frozenset[str]) -> str:
    process_id, name = level.model.new("called"), level.model.new("CA")
    body = _body(level, features)
    level.model.called.append(f'<process id="{process_id}" isExecutable="true">{body}</process>')
    level.node("callActivity", name, _instances(level), f'calledElement="{process_id}"')
    level.flow(last, name)
    return name


def _signal_boundary(level: Level, last: str, features: frozenset[str]) -> str:
    """A parallel branch throws a signal at a task, whose boundary event does not interrupt."""
    model = level.model
    signal = model.new("sig")
    model.signals.add(signal)
    split, join = level.node("parallelGateway", model.new("P")), model.new("P")
    level.flow(last, split)
    asked = models._user(level, split, frozenset())
    models._boundary(level, asked, _signal(level, signal), interrupting=False)
    level.flow(asked, join)
    throw = level.node("intermediateThrowEvent", model.new("T"), _signal(level, signal))
    level.flow(models._user(level, split, frozenset()), throw)
    level.flow(throw, join)
    return level.node("parallelGateway", join)


def _signal(level: Level, signal: str) -> str:
    return f'<signalEventDefinition id="{level.model.new("d")}" signalRef="{signal}"/>'


def _send(level: Level, last: str, features: frozenset[str]) -> str:
    name = level.model.new("T")
    level.node("intermediateThrowEvent", name, models._message_definition(level))
    level.flow(last, name)
    return name


MORE = {
    "many_users": _many_users,
    "many_services": _many_services,
    "many_calls": _many_calls,
    "repeated_subprocess": _repeated_subprocess,
    "signal_boundary": _signal_boundary,
    "send": _send,
}
models.BLOCKS.update(MORE)
models.DEEP.update(("many_calls", "repeated_subprocess", "signal_boundary"))
models.JOINS.add("signal_boundary")
FEATURES = models.FEATURES | frozenset(MORE)
