"""Many cases at once: one lived case, copied by INSERT ... SELECT."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import URL

from tests.bench.scratch import as_text

_COPIED_LATER = {
    "id",
    "number",
    "case_id",
    "instance_id",
    "due_at",
    "try_at",
    "reported_at",
    "source_key",
}
_KEYS = frozenset({"id", "case_id", "instance_id"})
# A city's reports repeat each other's words.
_WORDS = (
    "暴露垃圾", "积存渣土", "道路破损", "井盖缺失", "路灯不亮", "占道经营", "乱堆物料", "违法小广告",
    "绿地脏乱", "树木倒伏", "污水外溢", "道路积水", "护栏损坏", "非机动车乱停放", "施工扬尘", "油烟污染",
    "噪声扰民", "供水管道破裂", "雨箅丢失", "公交站亭破损",
)  # fmt: skip
_ROADS = (
    "迎泽大街", "建设南路", "府西街", "长风街", "滨河东路", "并州南路", "学府街", "南内环街", "解放路",
    "胜利街", "漪汾街", "千峰南路", "晋阳街", "龙城大街", "恒山路", "和平南路", "旧城街",
)  # fmt: skip


@contextlib.contextmanager
def connected(url: URL) -> Iterator[psycopg.Connection[Any]]:
    """Open a plain connection that commits each statement."""
    plain = as_text(url.set(drivername="postgresql"))
    with psycopg.connect(plain, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


def _columns(connection: psycopg.Connection[Any], table: str) -> str:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' ORDER BY ordinal_position",
        (table,),
    )
    return ", ".join(row[0] for row in rows if row[0] not in _COPIED_LATER)


def copy_lived(
    connection: psycopg.Connection[Any],
    case_id: int,
    count: int,
    first: int,
    *,
    days: int,
    items: str,
) -> None:
    """Copy a case, its instance and its items, each copy with words of its own, spread over the days before.

    items: a condition over `work_items` and the copy's number n.
    """
    for table, key, which in (
        ("cases", "id", "TRUE"),
        ("process_instances", "case_id", "TRUE"),
        ("work_items", "case_id", items),
    ):
        own = _own(connection, table, days)
        connection.execute(
            f"INSERT INTO {table} ({', '.join(own)}) OVERRIDING SYSTEM VALUE"
            f" SELECT {', '.join(own.values())}"
            f" FROM {table}, generate_series(%s::bigint, %s::bigint) n WHERE {key} = %s AND ({which})",
            (first, first + count - 1, case_id),
        )


def _own(connection: psycopg.Connection[Any], table: str, days: int) -> dict[str, str]:
    """Return what each column of a copy holds, in SQL."""
    words, roads = (", ".join(f"'{word}'" for word in some) for some in (_WORDS, _ROADS))
    own = {
        "id": "n",
        "case_id": "n",
        "instance_id": "n",
        "source_key": "NULL",
        "number": "'B' || n",
        "title": f"(ARRAY[{words}])[1 + n %% {len(_WORDS)}]",
        "address": f"(ARRAY[{roads}])[1 + n / 7 %% {len(_ROADS)}] || n %% 300 || '号'",
        "description": "''",
    }
    rows = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' AND is_generated = 'NEVER' ORDER BY ordinal_position",
        (table,),
    )
    made = {}
    for name, kind in rows:
        if table == "work_items" and name == "id":
            continue
        if kind == "timestamp with time zone":
            made[name] = f"{name} - n * 7919 %% {days * 86_400} * interval '1 second'"
        else:
            made[name] = own.get(name, name) if table == "cases" or name in _KEYS else name
    return made


def copy_case(connection: psycopg.Connection[Any], case_id: int, count: int, first: int) -> None:
    """Copy a case with its instance and open items; the copies have ids from `first` on.

    Due times are spread over the coming 60 days by the copy's number, so that lists have an order to keep.
    """
    columns = _columns(connection, "cases")
    connection.execute(
        f"INSERT INTO cases (id, number, reported_at, due_at, {columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT n, 'B' || n, reported_at, due_at + n %% 5184000 * interval '1 second', {columns}"
        " FROM cases, generate_series(%s::bigint, %s::bigint) n WHERE id = %s",
        (first, first + count - 1, case_id),
    )
    columns = _columns(connection, "process_instances")
    connection.execute(
        f"INSERT INTO process_instances (id, case_id, {columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT n, n, {columns}"
        " FROM process_instances, generate_series(%s::bigint, %s::bigint) n WHERE case_id = %s",
        (first, first + count - 1, case_id),
    )


def copy_items(
    connection: psycopg.Connection[Any], case_id: int, count: int, first: int, finished: bool
) -> None:
    """Copy the open items of a case to its copies, as finished ones where asked."""
    kept = _columns(connection, "work_items").split(", ")
    columns = ", ".join(c for c in kept if c not in {"status", "finished_at"})
    status, at = ("done", "created_at") if finished else ("open", "NULL")
    connection.execute(
        f"INSERT INTO work_items (case_id, instance_id, due_at, status, finished_at, {columns})"
        f" SELECT n, n, due_at + n %% 5184000 * interval '1 second', '{status}', {at}, {columns}"
        " FROM work_items, generate_series(%s::bigint, %s::bigint) n"
        " WHERE case_id = %s AND status = 'open'",
        (first, first + count - 1, case_id),
    )
