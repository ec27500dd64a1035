"""Which connector takes which topic: read from connectors/settings/outbox.yml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from app.errors import ConnectorError, DefinitionError, Fault
from connectors.log_file import LogFile
from connectors.messages import Connector
from connectors.mqtt_command import Broker, MqttCommand

OUTBOX_FILE: Final = Path(__file__).parent / "settings" / "outbox.yml"

Route = Mapping[str, object]


@dataclass(frozen=True)
class Installation:
    """What a connector may want to know of the installation. broker: None where there is none."""

    var_dir: Path
    broker: Broker | None = None


def _log_file(route: Route, installation: Installation) -> Connector:
    return LogFile(installation.var_dir / str(route.get("file", "outbox.jsonl")))


def _mqtt_command(route: Route, installation: Installation) -> Connector:
    return MqttCommand(installation.broker)


# What the word after `connector:` makes.
MAKERS: Final[dict[str, Callable[[Route, Installation], Connector]]] = {
    "log_file": _log_file,
    "mqtt_command": _mqtt_command,
}


@dataclass(frozen=True)
class Connectors:
    """The connectors of an installation, by the topics they take."""

    routes: tuple[tuple[str, Connector], ...]

    def for_topic(self, topic: str) -> Connector:
        """Return the connector of a topic. Raises ConnectorError, permanent, when no route fits."""
        for pattern, connector in self.routes:
            if pattern in ("*", topic):
                return connector
            if pattern.endswith(".*") and topic.startswith(pattern[:-1]):
                return connector
        raise ConnectorError("没有通往“%(topic)s”的连接。", permanent=True, topic=topic)


def load_connectors(
    var_dir: Path, path: Path = OUTBOX_FILE, *, broker: Broker | None = None
) -> Connectors:
    """Build the connectors of a settings file. Raises DefinitionError naming the route."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    routes = content.get("routes") if isinstance(content, dict) else None
    if not isinstance(routes, list):
        raise _refusal(path, "routes", "no list of routes", "see the shipped file")
    installation = Installation(var_dir, broker)
    return Connectors(
        tuple(_route(path, number, route, installation) for number, route in enumerate(routes))
    )


def _route(
    path: Path, number: int, route: object, installation: Installation
) -> tuple[str, Connector]:
    where = f"routes[{number}]"
    if not isinstance(route, dict) or not isinstance(route.get("topic"), str):
        raise _refusal(path, where, "names no topic", 'write topic: "notice" and connector: ...')
    maker = MAKERS.get(str(route.get("connector")))
    if maker is None:
        known = ", ".join(sorted(MAKERS))
        raise _refusal(
            path, where, f"no connector {route.get('connector')!r}", f"use one of {known}"
        )
    return route["topic"], maker(route, installation)


def _refusal(path: Path, element: str, reason: str, remedy: str) -> DefinitionError:
    return DefinitionError([Fault(path.name, element, reason, remedy)])
