"""Password hashes: argon2id with the parameters that the library holds current."""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import InvalidInput, Text

SHORTEST: Final = 10
# Longer ones only cost time to hash.
LONGEST: Final = 256
# Of every account that is marked as a demo; such accounts exist only in a simulated city.
DEMO_PASSWORD: Final = "jingwei-demo"  # noqa: S105 (public: the sign-in page shows it)

_hasher: Final = PasswordHasher()


def hash_of(password: str) -> str:
    """Return the hash to store for a password."""
    return _hasher.hash(password)


def new_hash_of(password: str, login: str) -> str:
    """Return the hash to store for a password that somebody chose for a login.

    Raises: InvalidInput when the password breaks a rule.
    """
    if len(password) < SHORTEST:
        raise InvalidInput({"password": Text("密码至少 %(n)s 个字符", n=SHORTEST)})
    if len(password) > LONGEST:
        raise InvalidInput({"password": Text("密码最多 %(n)s 个字符", n=LONGEST)})
    if password.strip().casefold() == login.strip().casefold():
        raise InvalidInput({"password": "密码不能与登录名相同"})
    if password.strip().casefold() == DEMO_PASSWORD:
        raise InvalidInput({"password": "密码不能用试用账号的公开密码"})
    return hash_of(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether a password is the one hashed; without a hash it takes as long and is not."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash was made with parameters that are no longer current."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody's password")
