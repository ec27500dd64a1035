"""What must not be in the database of an installation that serves a real city."""

from __future__ import annotations

from app.accounts.queries import active_demo_people
from app.errors import AppError
from app.run import Runtime


def refuse_demo_accounts(runtime: Runtime) -> None:
    """Refuse to serve a city whose accounts have a public password. Raises AppError, in production alone."""
    if not runtime.services.settings.production:
        return
    with runtime.database.sessions() as session:
        logins = tuple(person.login for person in active_demo_people(session))
    runtime.database.drop_connections()
    if logins:
        raise AppError(
            "生产环境中还有启用的试用账号（%(logins)s），其密码是公开的：请先运行 flask people deactivate-demo。"
            " Demo accounts with a public password are active: run flask people deactivate-demo first.",
            logins=logins,
        )


def refuse_in_production(runtime: Runtime) -> None:
    """Refuse what invents a city or its days. Raises AppError, in production alone."""
    if runtime.services.settings.production:
        raise AppError(
            "生产环境中不能建立示例城市，也不能模拟或回放案件：真实的案卷中不能混入虚构的。"
            " Production takes no demo city and no simulated or replayed cases: they would stand among real ones."
        )
