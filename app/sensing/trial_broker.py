"""A broker for trying the product out: Mosquitto as shipped, where it is installed, for this machine alone."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).parent / "mosquitto.conf"
_USUAL_PORT: Final = 1883
# Debian puts it where only administrators' shells look.
_MORE_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


@dataclass(frozen=True)
class TrialBroker:
    """What is to be run and where it will listen."""

    program: str
    config: Path
    port: int

    @property
    def url(self) -> str:
        """Return the address as JINGWEI_MQTT_URL has it."""
        return f"mqtt://127.0.0.1:{self.port}"


def trial_broker(var_dir: Path) -> TrialBroker | None:
    """Write the configuration of a broker that keeps its messages in a folder of ours; None without Mosquitto."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *_MORE_FOLDERS))
    program = shutil.which("mosquitto", path=path)
    if program is None:
        return None
    folder, port = var_dir / "broker", _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    text = SHIPPED.read_text(encoding="utf-8")
    text = text.replace("listener 1883", f"listener {port}", 1).replace(
        "/var/lib/mosquitto/", f"{folder}/"
    )
    # As root it would turn into an account that cannot enter the folder.
    text += "user root\n" if os.geteuid() == 0 else ""
    # Each of its savings is no news to whoever tries the product out.
    text += "log_type error\nlog_type warning\n"
    config = folder / "mosquitto.conf"
    config.write_text(text, encoding="utf-8")
    return TrialBroker(program, config, port)


def _free_port() -> int:
    """Return the port of every broker, or another where that is taken."""
    for wanted in (_USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")
