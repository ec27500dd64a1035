"""Settings of one installation, read once from the environment."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from app.errors import AppError

SHORTEST_SECRET: Final = 32
# Fewer make a long key that is as easy to guess as a short one.
FEWEST_CHARACTERS: Final = 10
_KNOWN_SECRETS: Final = ("for tests only", "change-me", "changeme", "secret", "jingwei", "dev")

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What an installation may choose; everything a city would choose is data instead."""

    var_dir: Path
    secret_key: str = field(repr=False)
    database_url: str | None = field(default=None, repr=False)
    timezone_name: str = "Asia/Shanghai"
    locale: str = "zh"
    page_size: int = 50
    page_size_limit: int = 200
    # How old a figure may be that is costly to count; the page says when it was counted.
    answers_kept_s: int = 60
    photo_bytes_limit: int = 10 * 1024 * 1024
    photos_per_request: int = 9
    secure_cookies: bool = False
    # The city's identity provider, where it has one: people are matched by a claim and their login.
    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = "统一身份认证"
    oidc_login_claim: str = "preferred_username"
    # The broker that readings come from, mqtt://host or mqtts://user:password@host; none: no ingest runs.
    mqtt_url: str | None = field(default=None, repr=False)
    mqtt_topic: str = "jingwei"
    # Who vouches for the broker's certificate; the machine's own list by default.
    mqtt_ca_file: str | None = None
    # Whose video a page may play, such as https://video.city.example; that of others is a link.
    media_origins: tuple[str, ...] = ()
    # Where SL 651 stations call; none: no listener runs.
    sl651_port: int | None = None
    testing: bool = False
    production: bool = False
    # How many proxies of our own stand before us and add the address that a request came from.
    proxies: int = 0
    # What links in printed documents begin with, such as https://city.example/; empty: no links.
    address: str = ""

    @property
    def timezone(self) -> ZoneInfo:
        """Return the city's time zone."""
        return ZoneInfo(self.timezone_name)

    @property
    def photo_dir(self) -> Path:
        """Return the folder that photos are stored in."""
        return self.var_dir / "photos"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; a variable that is absent or empty leaves the default."""
        given = {name: value for name, value in (environ or os.environ).items() if value}
        var_dir = Path(given.get("JINGWEI_VAR", REPOSITORY / "var")).resolve()
        return cls(
            var_dir=var_dir,
            secret_key=given.get("SECRET_KEY") or _kept_secret(var_dir / "secret_key"),
            database_url=given.get("DATABASE_URL"),
            timezone_name=given.get("JINGWEI_TIMEZONE", cls.timezone_name),
            locale=given.get("JINGWEI_LOCALE", cls.locale),
            page_size=int(given.get("JINGWEI_PAGE_SIZE", cls.page_size)),
            photo_bytes_limit=int(given.get("JINGWEI_PHOTO_BYTES", cls.photo_bytes_limit)),
            secure_cookies=given.get("JINGWEI_SECURE_COOKIES") == "1",
            oidc_issuer=given.get("JINGWEI_OIDC_ISSUER"),
            oidc_client_id=given.get("JINGWEI_OIDC_CLIENT_ID", cls.oidc_client_id),
            oidc_client_secret=given.get("JINGWEI_OIDC_CLIENT_SECRET", ""),
            oidc_name=given.get("JINGWEI_OIDC_NAME", cls.oidc_name),
            oidc_login_claim=given.get("JINGWEI_OIDC_LOGIN_CLAIM", cls.oidc_login_claim),
            mqtt_url=given.get("JINGWEI_MQTT_URL"),
            mqtt_topic=given.get("JINGWEI_MQTT_TOPIC", cls.mqtt_topic),
            mqtt_ca_file=given.get("JINGWEI_MQTT_CA"),
            media_origins=tuple(given.get("JINGWEI_MEDIA_ORIGINS", "").split()),
            sl651_port=_port(given, "JINGWEI_SL651_PORT"),
            production=given.get("JINGWEI_PRODUCTION") == "1",
            proxies=int(given.get("JINGWEI_PROXIES", cls.proxies)),
            address=given.get("JINGWEI_ADDRESS", cls.address),
        )

    def check_media_origins(self) -> None:
        """Refuse what is no origin: it stands in a header. Raises AppError."""
        for origin in self.media_origins:
            if not _ORIGIN.fullmatch(origin):
                raise AppError(
                    "JINGWEI_MEDIA_ORIGINS 中“%(origin)s”有误：应为 https://主机 或 https://主机:端口，以空格分开。"
                    " Write origins such as https://video.city.example, with spaces between them.",
                    origin=origin,
                )

    def check_production(self) -> None:
        """Refuse settings that are safe only for trying things out. Raises AppError."""
        if not self.production:
            return
        if self.testing:
            raise AppError(
                "生产环境不能使用测试设置：请去掉 testing。"
                " Production does not run with the settings of tests: leave testing out."
            )
        if not _is_strong(self.secret_key):
            raise AppError(
                "生产环境的 SECRET_KEY 至少 %(n)s 个字符且不能是示例值：请用"
                " python -c 'import secrets; print(secrets.token_urlsafe(48))' 生成一个，或不设此变量。"
                " SECRET_KEY needs %(n)s characters at least and must be no example: make one as shown,"
                " or leave the variable out.",
                n=SHORTEST_SECRET,
            )
        if not self.secure_cookies:
            raise AppError(
                "生产环境须经 HTTPS 访问并使用安全 Cookie：请设 JINGWEI_SECURE_COOKIES=1。"
                " Production is reached by HTTPS with secure cookies: set JINGWEI_SECURE_COOKIES=1."
            )


def _port(given: Mapping[str, str], name: str) -> int | None:
    """Return the port that a variable names. Raises AppError."""
    text = given.get(name)
    if text is None:
        return None
    if not (text.isdecimal() and len(text) < 6 and 0 < int(text) < 65536):
        raise AppError(
            "%(name)s 应为 1 至 65535 的端口，现为“%(text)s”。 %(name)s should be a port, 1 to 65535.",
            name=name,
            text=text,
        )
    return int(text)


def _is_strong(secret: str) -> bool:
    """Tell whether a key is long enough, is no known one repeated, and is not one letter over and over."""
    rest = secret.lower()
    for known in _KNOWN_SECRETS:
        rest = rest.replace(known, "")
    return min(len(secret), len(rest)) >= SHORTEST_SECRET and len(set(rest)) >= FEWEST_CHARACTERS


def _kept_secret(path: Path) -> str:
    """Return the secret kept in a file, made on first use and readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        try:
            # link, not rename: of two processes that start together, the first secret stays.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
